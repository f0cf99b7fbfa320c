import EventLoop
import Testing

@testable import Proxy

struct AddressRangeTests {
    @Test(arguments: [
        ("192.0.2.0", 24, "192.0.2.255", true), ("192.0.2.0", 24, "192.0.3.0", false),
        ("192.0.2.77", 24, "192.0.2.1", true),
        ("192.0.2.1", 32, "192.0.2.1", true), ("192.0.2.1", 32, "192.0.2.0", false),
        ("0.0.0.0", 0, "255.255.255.255", true),
        ("0.0.0.0", 0, "[2001:db8::1]", false), ("[2001:db8::]", 32, "[2001:db8:ffff::]", true),
        ("[2001:db8::]", 32, "[2001:db9::]", false), ("[2001:db8::]", 64, "[2001:db8::ffff:ffff:ffff:ffff]", true),
        ("[2001:db8::]", 64, "[2001:db8:0:1::]", false), ("[2001:db8::]", 65, "[2001:db8::8000:0:0:0]", false),
        ("[2001:db8::]", 127, "[2001:db8::1]", true), ("[2001:db8::]", 128, "[2001:db8::1]", false),
        ("[::]", 0, "[2001:db8::1]", true), ("[::]", 0, "[::1]", true), ("[::1]", 128, "127.0.0.1", false),
        // A range of IPv6 holds no IPv4: who allows `::/0` allows nobody who comes by IPv4.
        ("[::]", 0, "10.0.0.1", false), ("[::]", 64, "10.0.0.1", false), ("[::]", 80, "255.255.255.255", false),
        ("128.0.0.0", 1, "10.0.0.1", false), ("128.0.0.0", 1, "200.0.0.1", true),
    ])
    func containsWhatItsPrefixSays(network: String, length: Int, address: String, isInside: Bool) throws {
        let base = try #require(SocketAddress(parsing: "\(network):1"))
        let probe = try #require(SocketAddress(parsing: "\(address):1"))
        let bits = base.family == .ipv4 ? length + 96 : length
        let range = AddressRange(high: base.ipBytes.high, low: base.ipBytes.low, prefixLength: bits)
        #expect(range.contains(high: probe.ipBytes.high, low: probe.ipBytes.low) == isInside)
        let packed = LocationRuntime.PackedRange(range)
        #expect(packed.contains(high: probe.ipBytes.high, low: probe.ipBytes.low) == isInside)
    }

    @Test(arguments: 0...128) func everyLengthHasItsMask(length: Int) {
        let range = AddressRange(high: .max, low: .max, prefixLength: length)
        #expect(range.maskHigh.nonzeroBitCount + range.maskLow.nonzeroBitCount == length)
        #expect(range.maskHigh.leadingZeroBitCount == 0 || length == 0)
        #expect(range.contains(high: .max, low: .max))
        #expect(range.contains(high: 0, low: 0) == (length == 0))
    }

    @Test(arguments: [-1, 129]) func lengthsOutOfBoundsAreTakenForTheNearest(length: Int) {
        let range = AddressRange(high: .max, low: .max, prefixLength: length)
        #expect(range.maskLow == (length < 0 ? 0 : .max))
    }
}
