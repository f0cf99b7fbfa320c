import Bytes

/// Reads the header that a relaying peer puts before a connection's bytes, in either version.
///
/// Strict: what two readers could understand differently is refused. A header must be the connection's first bytes.
package enum ProxyProtocolParser {
    /// Bytes that a header of version 1 may have, its CRLF included.
    package static let longestLine = 107
    /// Bytes that a header may have in either version, its extensions included.
    package static let longest = 4096

    /// A whole header, and its bytes.
    package struct Found: Sendable, Equatable {
        package let header: ProxyProtocolHeader
        package let count: Int
    }

    /// Reads a header from the first bytes of a connection; nil when more of them are needed, of `longest` at the most.
    package static func parse(_ bytes: borrowing Span<UInt8>) throws(ProxyProtocolError) -> Found? {
        if bytes.isEmpty { return nil }
        return bytes[0] == signature[0] ? try parseBinary(bytes) : try parseLine(bytes)
    }

    // MARK: Version 1

    private static let opening: InlineArray<6, UInt8> = [0x50, 0x52, 0x4F, 0x58, 0x59, 0x20]

    private static func parseLine(_ bytes: borrowing Span<UInt8>) throws(ProxyProtocolError) -> Found? {
        for index in 0..<min(bytes.count, opening.count) where bytes[index] != opening[index] { throw .noSignature }
        let limit = min(bytes.count, longestLine)
        guard let lineFeed = bytes.firstIndex(of: ASCII.lineFeed, in: 0..<limit) else {
            if bytes.count >= longestLine { throw .lineTooLong }
            return nil
        }
        guard lineFeed > opening.count, bytes[lineFeed - 1] == ASCII.carriageReturn else { throw .malformedLine }
        let line = bytes.extracting(opening.count..<(lineFeed - 1))
        for index in 0..<line.count where line[index] < ASCII.space || line[index] > 0x7E { throw .malformedLine }
        return Found(header: try parseWords(line), count: lineFeed + 1)
    }

    private static func parseWords(_ line: borrowing Span<UInt8>) throws(ProxyProtocolError) -> ProxyProtocolHeader {
        var next = 0
        let family = word(line, &next)
        let name = line.extracting(family)
        // What follows UNKNOWN is to be ignored (section 2.1).
        if name.equals("UNKNOWN") { return .unknown }
        let isIPv4 = name.equals("TCP4")
        guard isIPv4 || name.equals("TCP6") else { throw .unknownProtocol }
        let source = word(line, &next)
        let destination = word(line, &next)
        let sourcePort = word(line, &next)
        let destinationPort = word(line, &next)
        guard next == line.count + 1, !destinationPort.isEmpty else { throw .malformedLine }
        let from = try end(line, source, sourcePort, isIPv4)
        let to = try end(line, destination, destinationPort, isIPv4)
        return .relayed(source: from, destination: to)
    }

    /// The bytes up to the next space or the end; `next` moves behind what ended it. Empty beyond the end.
    private static func word(_ line: borrowing Span<UInt8>, _ next: inout Int) -> Range<Int> {
        guard next <= line.count else { return line.count..<line.count }
        let start = next
        let end = line.firstIndex(of: ASCII.space, in: start..<line.count) ?? line.count
        next = end + 1
        return start..<end
    }

    private static func end(
        _ line: borrowing Span<UInt8>,
        _ address: Range<Int>,
        _ port: Range<Int>,
        _ isIPv4: Bool
    ) throws(ProxyProtocolError) -> ProxyProtocolEnd {
        let isDotted = line.firstIndex(of: ASCII.colon, in: address) == nil
        guard isDotted == isIPv4, let (high, low) = IPText.parse(line.extracting(address)) else {
            throw .malformedAddress
        }
        guard port.count >= 1, port.count <= 5, port.count == 1 || line[port.lowerBound] != ASCII.zero,
            let number = line.extracting(port).decimalValue(), number <= 65535
        else { throw .malformedPort }
        return ProxyProtocolEnd(high: high, low: low, port: UInt16(number))
    }

    // MARK: Version 2

    private static let signature: InlineArray<12, UInt8> = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
    /// Signature, version and command, family, length.
    private static let prefixCount = 16

    private static func parseBinary(_ bytes: borrowing Span<UInt8>) throws(ProxyProtocolError) -> Found? {
        for index in 0..<min(bytes.count, signature.count) where bytes[index] != signature[index] {
            throw .noSignature
        }
        // What can't become right is refused as soon as it is seen.
        if bytes.count > 12 {
            guard bytes[12] >> 4 == 2 else { throw .unknownVersion }
            guard bytes[12] & 0xF <= 1 else { throw .unknownCommand }
        }
        guard bytes.count >= prefixCount else { return nil }
        let count = prefixCount + (Int(bytes[14]) << 8 | Int(bytes[15]))
        guard count <= longest else { throw .tooLong }
        // A LOCAL one's family says nothing (section 2.2).
        let isLocal = bytes[12] & 0xF == 0
        let addressCount = try addressCount(bytes[13], isLocal: isLocal)
        guard count - prefixCount >= addressCount else { throw .shortAddresses }
        guard bytes.count >= count else { return nil }
        let header = bytes.extracting(0..<count)
        // What a LOCAL one holds is skipped whole.
        if isLocal { return Found(header: .local, count: count) }
        try checkExtensions(header, from: prefixCount + addressCount)
        return Found(header: ends(header), count: count)
    }

    /// Bytes that the addresses of a family take.
    private static func addressCount(_ family: UInt8, isLocal: Bool) throws(ProxyProtocolError) -> Int {
        if isLocal { return 0 }
        switch family {
        case 0x00: return 0
        case 0x11: return 12
        case 0x21: return 36
        case 0x31: return 216
        default: throw .unknownFamily
        }
    }

    private static func ends(_ header: borrowing Span<UInt8>) -> ProxyProtocolHeader {
        switch header[13] {
        case 0x11:
            return .relayed(
                source: ProxyProtocolEnd(high: 0, low: 0xFFFF << 32 | word(header, 16, 4), port: port(header, 24)),
                destination: ProxyProtocolEnd(high: 0, low: 0xFFFF << 32 | word(header, 20, 4), port: port(header, 26))
            )
        case 0x21:
            return .relayed(
                source: ProxyProtocolEnd(high: word(header, 16, 8), low: word(header, 24, 8), port: port(header, 48)),
                destination: ProxyProtocolEnd(
                    high: word(header, 32, 8),
                    low: word(header, 40, 8),
                    port: port(header, 50)
                )
            )
        default: return .unknown
        }
    }

    private static func word(_ bytes: borrowing Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in start..<(start + count) { value = value << 8 | UInt64(bytes[index]) }
        return value
    }

    private static func port(_ bytes: borrowing Span<UInt8>, _ start: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: word(bytes, start, 2))
    }

    // MARK: Extensions

    /// Type, length and value of each: they are skipped, but must fit, and a checksum must be right and the only one.
    private static func checkExtensions(_ header: borrowing Span<UInt8>, from start: Int) throws(ProxyProtocolError) {
        var position = start
        var isChecked = false
        while position < header.count {
            guard header.count - position >= 3 else { throw .malformedExtension }
            let count = Int(word(header, position + 1, 2))
            guard header.count - position - 3 >= count else { throw .malformedExtension }
            let isChecksum = header[position] == 0x03
            position += 3
            if isChecksum {
                guard count == 4, !isChecked else { throw .malformedExtension }
                isChecked = true
                let expected = UInt32(truncatingIfNeeded: word(header, position, 4))
                guard checksum(header, zeroing: position..<(position + 4)) == expected else { throw .wrongChecksum }
            }
            position += count
        }
    }

    /// CRC32C (RFC 9260, appendix A) of the header with its own field taken as zero.
    private static func checksum(_ header: borrowing Span<UInt8>, zeroing field: Range<Int>) -> UInt32 {
        var sum = UInt32.max
        for index in 0..<header.count {
            sum ^= field.contains(index) ? 0 : UInt32(header[index])
            for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82F6_3B78 }
        }
        return ~sum
    }
}
