import Testing

@testable import Limits

@Suite struct LimitKeyTests {
    static let address = (high: UInt64(0x2001_0DB8_1234_5678), low: UInt64(0x9ABC_DEF0_1122_3344))

    @Test(
        arguments: [
            (0, 0, 0),
            (1, 0, 0),
            (48, 0x2001_0DB8_1234_0000, 0),
            (64, 0x2001_0DB8_1234_5678, 0),
            (65, 0x2001_0DB8_1234_5678, 0x8000_0000_0000_0000),
            (127, 0x2001_0DB8_1234_5678, 0x9ABC_DEF0_1122_3344),
            (128, 0x2001_0DB8_1234_5678, 0x9ABC_DEF0_1122_3344),
        ] as [(Int, UInt64, UInt64)]
    )
    func masksByPrefix(_ prefix: Int, _ high: UInt64, _ low: UInt64) {
        #expect(LimitKey(ipv6: Self.address, prefix: prefix) == LimitKey(high: high, low: low))
    }

    @Test func mappedAddressesCountAsIPv4() {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1]
        let plain: [UInt8] = [192, 0, 2, 1]
        #expect(LimitKey(address: mapped.span) == LimitKey(ipv4: 0xC000_0201))
        #expect(LimitKey(address: plain.span) == LimitKey(ipv4: 0xC000_0201))
        #expect(LimitKey(address: plain.span.extracting(0..<3)) == nil)
        #expect(LimitKey(ipv4: 1) != LimitKey(ipv4: 2))
    }

    @Test(arguments: [
        (0, "a3817f04ba25a8e66df67214c7550293"),
        (1, "da87c1d86b99af44347659119b22fc45"),
        (7, "a1f1ebbed8dbc153c0b84aa61ff08239"),
        (8, "3b62a9ba6258f5610f83e264f31497b4"),
        (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
        (63, "5150d1772f50834a503e069a973fbd7c"),
    ])
    func sipHashVectors(_ count: Int, _ expected: String) {
        let input = (0..<count).map(UInt8.init)
        let hash = SipHash128(key0: 0x0706_0504_0302_0100, key1: 0x0F0E_0D0C_0B0A_0908).hash(input.span)
        let digits = [hash.low, hash.high].map { word in
            (0..<8).map { index in
                let text = String(UInt8(truncatingIfNeeded: word >> UInt64(8 * index)), radix: 16)
                return text.utf8.count == 1 ? "0" + text : text
            }.joined()
        }
        #expect(digits.joined() == expected)
    }

    @Test func eachTableHashesWithItsOwnKey() {
        let name: [UInt8] = Array("alice".utf8)
        let (one, other) = (LimitTable(capacity: 1), LimitTable(capacity: 1))
        #expect(one.key(of: name.span) == one.key(of: name.span))
        #expect(one.key(of: name.span) != other.key(of: name.span))
    }
}
