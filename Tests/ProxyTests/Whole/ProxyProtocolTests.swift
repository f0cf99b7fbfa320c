import EventLoop
import Limits
import TestSupport
import Testing

@testable import Proxy

/// Listeners that take the PROXY protocol.
struct ProxyProtocolTests {
    private static let names =
        "$remote_addr $remote_port $proxy_protocol_addr $proxy_protocol_port "
        + "$proxy_protocol_server_addr $proxy_protocol_server_port $realip_remote_addr"
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let line = "PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n"
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    private func native(_ extra: String = "", from: String = "127.0.0.1") throws -> TestProxy {
        try TestProxy(
            "set_real_ip_from \(from); \(extra) server { listen 80 proxy_protocol; return 200 \"\(Self.names)\"; }"
        )
    }

    private func nginx(_ extra: String) throws -> TestProxy {
        try TestProxy(
            "events {} http { server { listen 80 proxy_protocol; \(extra) return 200 \"\(Self.names)\"; } }"
        )
    }

    private static func binary(_ command: UInt8, _ family: UInt8, _ payload: [UInt8]) -> [UInt8] {
        signature + [command, family, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
    }

    private static let headers: [([UInt8], String)] = [
        (Array(line.utf8), "192.0.2.7 12345 192.0.2.7 12345 198.51.100.1 443 127.0.0.1"),
        (
            Array("PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n".utf8),
            "2001:db8::7 1 2001:db8::7 1 2001:db8::1 2 127.0.0.1"
        ),
        (
            binary(0x21, 0x11, [192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 1, 0xBB, 4, 0, 1, 0]),
            "192.0.2.7 12345 192.0.2.7 12345 198.51.100.1 443 127.0.0.1"
        ),
        (Array("PROXY UNKNOWN\r\n".utf8), "127.0.0.1 PORT     127.0.0.1"),
        (binary(0x20, 0, []), "127.0.0.1 PORT     127.0.0.1"),
    ]

    private func expect(_ client: TestClient, _ text: String) throws {
        let port = client.localAddress?.port ?? 0
        let response = try client.readResponse()
        #expect(response.status == 200)
        #expect(response.text == text.replacing("PORT", with: "\(port)"))
    }

    @Test(arguments: headers)
    func theHeaderSaysWhoTheClientIs(_ header: [UInt8], _ text: String) throws {
        for proxy in [
            try native(), try nginx("set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;"),
        ] {
            let client = try proxy.connect()
            // Together with requests, which are left alone.
            try client.send(header + Array((Self.get + Self.get).utf8))
            try expect(client, text)
            try expect(client, text)
            try client.send(Self.get)
            try expect(client, text)
        }
    }

    @Test(arguments: headers)
    func theHeaderMayComeInPieces(_ header: [UInt8], _ text: String) throws {
        let proxy = try native()
        let client = try proxy.connect()
        for byte in header { try client.send([byte]) }
        for byte in Self.get.utf8 { try client.send([byte]) }
        try expect(client, text)
    }

    /// A field is no match for the header, whoever sends it.
    @Test func fieldsCountForNothing() throws {
        let server = try TestServer { request in Answer.ok(request["x-forwarded-for"].joined(separator: "|")) }
        let proxy = try TestProxy(
            "set_real_ip_from 127.0.0.1; server { listen 80 proxy_protocol; proxy_pass http://\(server.address); }"
        )
        let client = try proxy.connect()
        try client.send(
            Self.line + "GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n\r\n"
        )
        #expect(try client.readResponse().text == "192.0.2.7")
        let unknown = try proxy.connect()
        try unknown.send(
            "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n\r\n"
        )
        #expect(try unknown.readResponse().text == "127.0.0.1")
    }

    @Test func aNativeFileHearsNamedPeersOnly() throws {
        let proxy = try native(from: "127.0.0.9")
        for _ in 0..<5 {
            let client = try proxy.connect()
            try? client.send(Self.line + Self.get)
            #expect(try client.isAtEnd() == true)
        }
        let named = try TestClient(proxy.address(), from: SocketAddress(parsing: "127.0.0.9:0"))
        try named.send(Self.line + Self.get)
        #expect(try named.readResponse().text.hasPrefix("192.0.2.7 ") == true)
        // Five times, said once.
        #expect(proxy.errorLog.ranges(of: "127.0.0.1 must not speak the PROXY protocol here").count == 1)
    }

    @Test func anNginxFileHearsEveryoneAndBelievesNamedPeers() throws {
        let proxy = try nginx("set_real_ip_from 127.0.0.9; real_ip_header proxy_protocol;")
        let client = try proxy.connect()
        try client.send(Self.line + Self.get)
        try expect(client, "127.0.0.1 PORT 192.0.2.7 12345 198.51.100.1 443 127.0.0.1")
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY UNKNOWN " + String(repeating: "x", count: 200), "\u{16}\u{3}\u{1}", "\r\n\r\n\r\n",
    ])
    func anythingElseIsClosed(_ bytes: String) throws {
        let proxy = try native()
        let client = try proxy.connect()
        try client.send(bytes)
        #expect(try client.readToEnd().isEmpty == true)
        #expect(proxy.errorLog.ranges(of: "sent no valid header of the PROXY protocol").count == 1)
    }

    @Test(arguments: ["", "PROXY TCP4 1.2.", "\r\n\r\n\0\r\nQUIT\n\u{21}"])
    func aHeaderThatEndsEarlyIsClosed(_ bytes: String) throws {
        let proxy = try native()
        let client = try proxy.connect()
        try client.send(bytes)
        client.shutdownWrite()
        #expect(try client.readToEnd().isEmpty == true)
        #expect(TestProxy.wait { proxy.errorLog.contains("sent no valid header of the PROXY protocol") } == true)
    }

    @Test(arguments: ["", "PROXY TCP4 1.2."])
    func aHeaderHasItsTime(_ bytes: String) throws {
        let proxy = try native("client_header_timeout 100ms;")
        let client = try proxy.connect()
        try client.send(bytes)
        #expect(try client.readToEnd().isEmpty == true)
        #expect(proxy.errorLog.contains("it took longer than client_header_timeout"))
    }

    /// The balancer itself isn't bounded, whom it stands for is.
    @Test func connectionsCountForWhomTheyAreFrom() throws {
        let proxy = try native("client_max_connections 2 per=ip;")
        func open(_ address: String) throws -> TestClient {
            let client = try proxy.connect()
            try client.send("PROXY TCP4 \(address) 198.51.100.1 1 443\r\n" + Self.get)
            return client
        }
        var clients = [try open("192.0.2.7"), try open("192.0.2.7"), try open("192.0.2.8")]
        for client in clients { #expect(try client.readResponse().status == 200) }
        #expect(try open("192.0.2.7").isAtEnd() == true)
        #expect(try open("192.0.2.8").readResponse().status == 200)
        clients.removeAll()
        #expect(TestProxy.wait { proxy.services.connections.table.statistics.entries == 0 } == true)
    }
}
