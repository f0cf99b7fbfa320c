import Bytes
import EventLoop
import Testing

@Suite struct SocketAddressTests {
    @Test(arguments: [
        // text, address, port, family, whether loopback
        ("127.0.0.1:80", "127.0.0.1", UInt16(80), SocketAddress.Family.ipv4, true),
        ("127.255.0.1:0", "127.255.0.1", 0, .ipv4, true),
        ("0.0.0.0:65535", "0.0.0.0", 65535, .ipv4, false),
        ("203.0.113.9:18789", "203.0.113.9", 18789, .ipv4, false),
        ("[::1]:80", "::1", 80, .ipv6, true),
        ("[::]:443", "::", 443, .ipv6, false),
        ("[2001:DB8:0:0:0:0:0:1]:443", "2001:db8::1", 443, .ipv6, false),
        ("[2001:db8:0:1:1:1:1:1]:1", "2001:db8:0:1:1:1:1:1", 1, .ipv6, false),
        ("[2001:0:0:1:0:0:0:1]:1", "2001:0:0:1::1", 1, .ipv6, false),
        ("[2001:db8:0:0:1:0:0:1]:1", "2001:db8::1:0:0:1", 1, .ipv6, false),
        ("[1:2:3:4:5:6::]:1", "1:2:3:4:5:6::", 1, .ipv6, false),
        ("[::3:4:5:6:7:8]:1", "::3:4:5:6:7:8", 1, .ipv6, false),
        ("[::ffff:192.0.2.1]:8080", "192.0.2.1", 8080, .ipv4, false),
        ("[::ffff:127.0.0.1]:8080", "127.0.0.1", 8080, .ipv4, true),
        ("unix:/run/gateway.sock", "unix:/run/gateway.sock", 0, .unix, true),
    ])
    func parses(text: String, address: String, port: UInt16, family: SocketAddress.Family, isLoopback: Bool) throws {
        let parsed = try #require(SocketAddress(parsing: text))
        #expect(parsed.addressText == address)
        #expect(parsed.port == port)
        #expect(parsed.family == family)
        #expect(parsed.isLoopback == isLoopback)
        #expect(SocketAddress(parsing: parsed.description) == parsed)
        let copy = unsafe parsed.withSockaddr { pointer, count in
            unsafe SocketAddress(kernel: UnsafeRawBufferPointer(start: pointer, count: Int(count)), count: Int(count))
        }
        #expect(copy == parsed)
        #expect(copy?.hashValue == parsed.hashValue)
    }

    @Test(arguments: [
        "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1:1x",
        "127.0.0.1:000080", "127.1:80", "127.0.0.01:80", "256.0.0.1:80", "localhost:80", "[::1]", "[::1]:", "[::1",
        "::1:80",
        "[127.0.0.1]:80", "[::1]x80", "[::1%lo]:80", "[:::1]:80", "[1::2::3]:80", "[1:2:3:4:5:6:7]:80", "unix:",
        "1 .2.3.4:1",
        "unix:/" + String(repeating: "x", count: 107),
    ])
    func refuses(text: String) {
        #expect(SocketAddress(parsing: text) == nil)
    }

    @Test func defaultPort() throws {
        #expect(SocketAddress(parsing: "192.0.2.1", defaultPort: 80)?.port == 80)
        #expect(SocketAddress(parsing: "[2001:db8::1]", defaultPort: 80)?.port == 80)
        #expect(SocketAddress(parsing: "192.0.2.1:81", defaultPort: 80)?.port == 81)
    }

    @Test func ipBytes() throws {
        let four = try #require(SocketAddress(parsing: "192.0.2.1:1"))
        #expect(four.ipBytes == SocketAddress.IPBytes(high: 0, low: 0xFFFF_C000_0201))
        let six = try #require(SocketAddress(parsing: "[2001:db8::1]:1"))
        #expect(six.ipBytes == SocketAddress.IPBytes(high: 0x2001_0DB8_0000_0000, low: 1))
        var text = ByteBuffer(capacity: 8)
        six.ipBytes.append(to: &text)
        #expect(text.readable.string == "2001:db8::1")
    }

    @Test func theLongestPathFits() throws {
        let path = "/" + String(repeating: "x", count: SocketAddress.maximumPathCount - 1)
        #expect(SocketAddress(path: path)?.pathText == path)
    }

    @Test func addressesThatDifferAreNotEqual() throws {
        let texts = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1", "[::1]:1", "unix:/a", "unix:/b", "unix:/ab"]
        let addresses = Set(texts.compactMap { SocketAddress(parsing: $0) })
        #expect(addresses.count == texts.count)
    }
}
