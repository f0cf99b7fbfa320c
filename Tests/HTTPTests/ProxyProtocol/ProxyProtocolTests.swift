import Testing

@testable import HTTP

/// Headers of both versions: what is read, what is refused, and that no byte too many is taken.
struct ProxyProtocolTests {
    private typealias Parser = ProxyProtocolParser

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    private static func line(_ text: String) -> [UInt8] { Array((text + "\r\n").utf8) }

    static func binary(
        _ command: UInt8,
        _ family: UInt8,
        _ payload: [UInt8],
        count: Int? = nil
    ) -> [UInt8] {
        let count = count ?? payload.count
        return signature + [command, family, UInt8(count >> 8), UInt8(count & 0xFF)] + payload
    }

    private static let ends4: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 0x01, 0xBB]
    private static let ends6: [UInt8] =
        [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7] + [0x20, 0x01, 0x0D, 0xB8]
        + [UInt8](repeating: 0, count: 11) + [1] + [0x30, 0x39, 0x01, 0xBB]

    private static func four(_ address: UInt64, _ port: UInt16) -> ProxyProtocolEnd {
        ProxyProtocolEnd(high: 0, low: 0xFFFF_0000_0000 | address, port: port)
    }

    private static let relayed4 = ProxyProtocolHeader.relayed(
        source: four(0xC000_0207, 12345),
        destination: four(0xC633_6401, 443)
    )
    private static let relayed6 = ProxyProtocolHeader.relayed(
        source: ProxyProtocolEnd(high: 0x2001_0DB8_0000_0000, low: 7, port: 12345),
        destination: ProxyProtocolEnd(high: 0x2001_0DB8_0000_0000, low: 1, port: 443)
    )

    static let accepted: [([UInt8], ProxyProtocolHeader)] = [
        (line("PROXY TCP4 192.0.2.7 198.51.100.1 12345 443"), relayed4),
        (line("PROXY TCP6 2001:db8::7 2001:db8::1 12345 443"), relayed6),
        (line("PROXY TCP6 2001:DB8:0:0:0:0:0:7 2001:0db8::0001 12345 443"), relayed6),
        (line("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 12345 443"), relayed4),
        (
            line("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535"),
            .relayed(source: four(0, 0), destination: four(0xFFFF_FFFF, 65535))
        ),
        (line("PROXY UNKNOWN"), .unknown),
        (line("PROXY UNKNOWN ffff::1 ffff::2 65535 65535"), .unknown),
        (line("PROXY UNKNOWN " + String(repeating: "x", count: 91)), .unknown),
        (binary(0x21, 0x11, ends4), relayed4),
        (binary(0x21, 0x21, ends6), relayed6),
        (binary(0x21, 0x31, [UInt8](repeating: 0x2F, count: 216)), .unknown),
        (binary(0x21, 0x00, []), .unknown),
        (binary(0x21, 0x00, [0x04, 0, 2, 0, 0]), .unknown),
        (binary(0x20, 0x00, []), .local),
        // What a LOCAL one holds counts for nothing.
        (binary(0x20, 0xFF, [1, 2, 3]), .local),
        // Extensions: an ALPN, a no-op, an empty one.
        (binary(0x21, 0x11, ends4 + [0x01, 0, 2, 0x68, 0x32, 0x04, 0, 0, 0x30, 0, 1, 0]), relayed4),
        (binary(0x21, 0x11, ends4 + [0x04, 0x0F, 0xE1] + [UInt8](repeating: 0, count: 4065)), relayed4),
    ]

    static let refused: [([UInt8], ProxyProtocolError)] = [
        (Array("GET / HTTP/1.1\r\n".utf8), .noSignature),
        ([0x16, 0x03, 0x01], .noSignature),
        (Array("proxy TCP4 ".utf8), .noSignature),
        (Array("\r\n\r\nGET".utf8), .noSignature),
        (Array("PROXYTCP4".utf8), .noSignature),
        (line("PROXY"), .noSignature),
        (Array("PROXY \n".utf8), .malformedLine),
        (line("PROXY "), .unknownProtocol),
        (line("PROXY TCP5 192.0.2.7 198.51.100.1 12345 443"), .unknownProtocol),
        (line("PROXY tcp4 192.0.2.7 198.51.100.1 12345 443"), .unknownProtocol),
        (line("PROXY  TCP4 192.0.2.7 198.51.100.1 12345 443"), .unknownProtocol),
        (line("PROXY TCP4  192.0.2.7 198.51.100.1 12345 443"), .malformedLine),
        (line("PROXY TCP4 192.0.2.7 198.51.100.1 12345 443 "), .malformedLine),
        (line("PROXY TCP4 192.0.2.7 198.51.100.1 12345 443 x"), .malformedLine),
        (line("PROXY TCP4 192.0.2.7 198.51.100.1 12345"), .malformedLine),
        (line("PROXY TCP4 192.0.2.7"), .malformedLine),
        (line("PROXY TCP4"), .malformedLine),
        (line("PROXY TCP4\t192.0.2.7 198.51.100.1 12345 443"), .malformedLine),
        (line("PROXY UNKNOWN \u{0}"), .malformedLine),
        (line("PROXY UNKNOWN \u{7F}"), .malformedLine),
        (Array("PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\n".utf8), .malformedLine),
        (Array("PROXY TCP4 192.0.2.7\r198.51.100.1 12345 443\r\n".utf8), .malformedLine),
        (line("PROXY TCP4 192.0.2.256 198.51.100.1 12345 443"), .malformedAddress),
        (line("PROXY TCP4 192.0.2.07 198.51.100.1 12345 443"), .malformedAddress),
        (line("PROXY TCP4 ::1 ::1 12345 443"), .malformedAddress),
        (line("PROXY TCP6 192.0.2.7 198.51.100.1 12345 443"), .malformedAddress),
        (line("PROXY TCP6 [::1] ::1 12345 443"), .malformedAddress),
        (line("PROXY TCP6 fe80::1%eth0 ::1 12345 443"), .malformedAddress),
        (line("PROXY TCP4 192.0.2.7 198.51.100.1 65536 443"), .malformedPort),
        (line("PROXY TCP4 192.0.2.7 198.51.100.1 012 443"), .malformedPort),
        (line("PROXY TCP4 192.0.2.7 198.51.100.1 +12 443"), .malformedPort),
        (line("PROXY TCP4 192.0.2.7 198.51.100.1 12 443a"), .malformedPort),
        (Array(("PROXY UNKNOWN " + String(repeating: "x", count: 93)).utf8), .lineTooLong),
        (line("PROXY UNKNOWN " + String(repeating: "x", count: 92)), .lineTooLong),
        (binary(0x11, 0x11, ends4), .unknownVersion),
        (binary(0x31, 0x11, ends4), .unknownVersion),
        (binary(0x22, 0x11, ends4), .unknownCommand),
        (binary(0x21, 0x12, ends4), .unknownFamily),
        (binary(0x21, 0x41, ends4), .unknownFamily),
        (binary(0x21, 0x10, ends4), .unknownFamily),
        (binary(0x21, 0x01, ends4), .unknownFamily),
        (binary(0x21, 0x11, Array(ends4.dropLast())), .shortAddresses),
        (binary(0x21, 0x21, ends4), .shortAddresses),
        (binary(0x21, 0x11, [], count: 4081), .tooLong),
        (binary(0x20, 0x00, [], count: 65535), .tooLong),
        (binary(0x21, 0x11, ends4 + [0x04]), .malformedExtension),
        (binary(0x21, 0x11, ends4 + [0x04, 0]), .malformedExtension),
        (binary(0x21, 0x11, ends4 + [0x04, 0, 1]), .malformedExtension),
        (binary(0x21, 0x11, ends4 + [0x04, 0xFF, 0xFF, 0]), .malformedExtension),
        (binary(0x21, 0x11, ends4 + [0x03, 0, 3, 0, 0, 0]), .malformedExtension),
        (binary(0x21, 0x11, ends4 + [0x03, 0, 4, 0, 0, 0, 0]), .wrongChecksum),
    ]

    @Test(arguments: accepted)
    func reads(_ bytes: [UInt8], _ header: ProxyProtocolHeader) throws {
        #expect(try Parser.parse(bytes.span) == Parser.Found(header: header, count: bytes.count))
        // What follows belongs to others, even if it looks like another header.
        let more = bytes + bytes
        #expect(try Parser.parse(more.span)?.count == bytes.count)
        for count in 0..<bytes.count {
            let part = Array(bytes[..<count])
            #expect(try Parser.parse(part.span) == nil, "\(count) bytes are enough")
        }
    }

    @Test(arguments: refused)
    func refuses(_ bytes: [UInt8], _ error: ProxyProtocolError) {
        #expect(throws: error) { try Parser.parse(bytes.span) }
        let more = bytes + [UInt8](repeating: 0x20, count: 5000)
        #expect(throws: ProxyProtocolError.self) { try Parser.parse(more.span) }
    }

    /// The checksum of the header whose own field is zero; the value is that of an independent implementation.
    @Test func checksTheChecksum() throws {
        var bytes = Self.binary(0x21, 0x11, Self.ends4 + [0x03, 0, 4, 0, 0, 0, 0])
        let field = bytes.count - 4
        bytes.replaceSubrange(field..., with: [0xBC, 0xAE, 0x69, 0x01])
        #expect(try Parser.parse(bytes.span)?.header == Self.relayed4)
        // All bits but those that make it a LOCAL header, or the checksum another extension.
        for bit in 0..<(bytes.count * 8) where bit != 12 * 8 && bit / 8 != field - 3 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: ProxyProtocolError.self, "bit \(bit)") {
                if try Parser.parse(changed.span) == nil { throw ProxyProtocolError.shortAddresses }
            }
        }
        // A second one would have the bytes summed up again and again.
        let twice = Self.binary(0x21, 0x11, Self.ends4 + [0x03, 0, 4, 0, 0, 0, 0] + [0x03, 0, 4, 0, 0, 0, 0])
        #expect(throws: ProxyProtocolError.self) { try Parser.parse(twice.span) }
    }

    /// No input keeps a reader waiting beyond the longest header.
    @Test(arguments: accepted.map(\.0) + refused.map(\.0))
    func isBounded(_ bytes: [UInt8]) {
        let endless = bytes + [UInt8](repeating: 0x41, count: Parser.longest)
        let found: Parser.Found?
        do { found = try Parser.parse(endless.span) } catch { return }
        #expect(found != nil)
    }

    @Test(arguments: ProxyProtocolError.allCases)
    func reasonsAreWords(_ error: ProxyProtocolError) { #expect(error.reason.utf8CodeUnitCount > 10) }
}
