import Bytes

/// A host with an optional port, as `Host`, `:authority` and absolute targets carry it (RFC 3986, section 3.2).
///
/// Stricter than the RFC: names are letters, digits and `-._~` in non-empty labels (a last dot may stand), no percent
/// escapes, no user information; addresses in brackets are IPv6 without zone; a port, if its colon is there, is 1 to 65535.
package struct Authority: Sendable, Equatable {
    /// Where the host stands: brackets included, a last dot left out.
    package var host: ByteRange
    /// The port, if one is written.
    package var port: Int?

    /// Reads the authority at `range` of `bytes`; nil when it is malformed or longer than 255 bytes of host.
    package init?(_ bytes: borrowing Span<UInt8>, _ range: ByteRange) {
        precondition(range.upperBound <= bytes.count)
        let end = range.upperBound
        var index = range.lowerBound
        guard index < end else { return nil }
        var hostEnd = index
        if bytes[index] == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]"), in: index..<end),
                Self.isIPv6(bytes, index + 1, close)
            else { return nil }
            index = close + 1
            hostEnd = index
        } else {
            var labelCount = 0
            while index < end {
                let run = NameBytes.end(bytes, from: index, to: end)
                labelCount &+= run &- index
                index = run
                guard index < end else { break }
                let byte = unsafe bytes[unchecked: index]
                if byte == ASCII.colon { break }
                if byte == ASCII.dot {
                    if labelCount == 0 { return nil }
                    labelCount = 0
                } else {
                    guard
                        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == ASCII.hyphen || byte == 0x5F
                            || byte == 0x7E
                    else { return nil }
                    labelCount &+= 1
                }
                index &+= 1
            }
            hostEnd = labelCount == 0 ? index - 1 : index
        }
        guard hostEnd > range.lowerBound, hostEnd - range.lowerBound <= 255 else { return nil }
        host = ByteRange(range.lowerBound..<hostEnd)
        port = nil
        if index < end {
            guard bytes[index] == ASCII.colon, end - index <= 6,
                let value = bytes.extracting((index + 1)..<end).decimalValue(), value > 0, value < 65536
            else { return nil }
            port = value
        }
    }

    /// Whether the bytes are an IPv6 address (RFC 4291, section 2.2), a dotted last part allowed.
    private static func isIPv6(_ bytes: borrowing Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var index = start
        var groups = 0
        var hasGap = false
        if end - start >= 2, bytes[start] == ASCII.colon {
            guard bytes[start + 1] == ASCII.colon else { return false }
            hasGap = true
            index += 2
        }
        while index < end {
            let groupStart = index
            while index < end, ASCII.hexValue(bytes[index]) != nil { index += 1 }
            if index < end, bytes[index] == ASCII.dot {
                guard isIPv4(bytes, groupStart, end) else { return false }
                groups += 2
                index = end
                break
            }
            guard index > groupStart, index - groupStart <= 4 else { return false }
            groups += 1
            if index == end { break }
            guard bytes[index] == ASCII.colon else { return false }
            index += 1
            if index == end { return false }
            if bytes[index] == ASCII.colon {
                if hasGap { return false }
                hasGap = true
                index += 1
            }
        }
        return hasGap ? groups <= 7 : groups == 8
    }

    private static func isIPv4(_ bytes: borrowing Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var parts = 0
        var digits = 0
        var value = 0
        for index in start..<end {
            let byte = bytes[index]
            if ASCII.isDigit(byte) {
                if digits > 0, value == 0 { return false }
                value = value * 10 + Int(byte - ASCII.zero)
                digits += 1
                if value > 255 { return false }
            } else {
                guard byte == ASCII.dot, digits > 0 else { return false }
                parts += 1
                digits = 0
                value = 0
            }
        }
        return parts == 3 && digits > 0
    }
}
