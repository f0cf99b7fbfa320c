import EventLoop
import Synchronization
import TestSupport
import Testing

@testable import Proxy

/// Connections that stop being HTTP after 101.
struct TunnelTests {
    static let accepted =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

    /// Agrees to every upgrade, says `hi`, and sends back what it gets.
    static func echo() throws -> TestServer {
        try TestServer { peer, server in
            guard let request = try peer.readRequest() else { return }
            server.note(request)
            guard !request["upgrade"].isEmpty else {
                try peer.send(Answer.ok("plain"))
                return
            }
            try peer.send(accepted + "hi")
            while try !peer.isAtEnd() {
                try peer.send(try peer.read(1))
                let rest = peer.pending
                if !rest.isEmpty { try peer.send(try peer.read(rest.count)) }
            }
        }
    }

    private func proxy(_ address: SocketAddress, _ extra: String = "") throws -> TestProxy {
        try TestProxy("server { listen 80; proxy_pass http://\(address); \(extra) }")
    }

    @Test func movesBytesBothWays() throws {
        let server = try Self.echo()
        let proxy = try proxy(server.address)
        let client = try proxy.connect()
        let response = try client.upgrade("/ws", [("X-Forwarded-User", "forged")])
        #expect(response.status == 101)
        #expect(response["upgrade"] == "websocket")
        #expect(response["connection"] == "upgrade")
        #expect(response["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(try client.read(2) == Array("hi".utf8))
        for text in ["a", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", String(repeating: "x", count: 100_000)] {
            try client.send(text)
            #expect(try client.read(text.utf8.count) == Array(text.utf8))
        }
        #expect(server.requests[0]["x-forwarded-user"] == [])
        #expect(server.requests[0]["sec-websocket-key"] == ["dGhlIHNhbXBsZSBub25jZQ=="])
        client.shutdownWrite()
        #expect(try client.isAtEnd() == true)
        #expect(TestProxy.wait { server.openConnections == 0 } == true)
    }

    @Test func bytesSentWithTheRequestGoUpAfter101Only() throws {
        let upstream = try ScriptedUpstream(.readHead, .wait, .send(Self.accepted), .read(5), .close)
        let proxy = try proxy(upstream.address)
        let client = try proxy.connect()
        try client.send(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                + "Sec-WebSocket-Version: 13\r\n\r\nearly"
        )
        #expect(TestProxy.wait { upstream.records.first?.text.contains("\r\n\r\n") ?? false } == true)
        #expect(upstream.records[0].text.hasSuffix("\r\n\r\n"))
        upstream.proceed()
        #expect(try client.readHead().status == 101)
        #expect(upstream.waitUntilFinished() == true)
        #expect(upstream.records[0].text.hasSuffix("early"))
        #expect(try client.isAtEnd() == true)
    }

    @Test(arguments: [401, 403, 429, 503]) func refusalsReachTheClientAsTheyAre(status: Int) throws {
        let server = try TestServer { _ in "HTTP/1.1 \(status) No\r\nContent-Length: 2\r\nX-Why: z\r\n\r\nno" }
        let proxy = try proxy(server.address)
        let client = try proxy.connect()
        let response = try client.upgrade()
        #expect(response.status == status)
        #expect(response.text == "no")
        #expect(response["x-why"] == "z")
        // The connection is an ordinary one still.
        #expect(try client.exchange("GET", "/").status == status)
    }

    @Test func aRefusedUpgradeLeavesWhatFollowsARequest() throws {
        let server = try TestServer {
            $0.target == "/ws" ? "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" : Answer.ok($0.target)
        }
        let proxy = try proxy(server.address)
        let client = try proxy.connect()
        try client.request(
            "GET",
            "/ws",
            [
                ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ]
        )
        try client.request("GET", "/next")
        #expect(try client.readResponse().status == 403)
        #expect(try client.readResponse().text == "/next")
    }

    @Test func otherProtocolsAreNotPassed() throws {
        let server = try Self.echo()
        let proxy = try proxy(server.address)
        let client = try proxy.connect()
        let response = try client.exchange("GET", "/", [("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings")])
        #expect(response.text == "plain")
        #expect(server.requests[0]["upgrade"] == [])
    }

    @Test func anUpstreamThatEndsEndsTheClient() throws {
        let upstream = try ScriptedUpstream(.readHead, .send(Self.accepted + "last words"), .close)
        let proxy = try proxy(upstream.address)
        let client = try proxy.connect()
        #expect(try client.upgrade().status == 101)
        #expect(try client.readToEnd() == Array("last words".utf8))
    }

    @Test func aSilentTunnelLivesOnInNativeAndEndsInNginx() throws {
        let server = try Self.echo()
        let timeout = "proxy_read_timeout 150ms;"
        let native = try proxy(server.address, timeout)
        let client = try native.connect()
        #expect(try client.upgrade().status == 101)
        #expect(try client.read(2) == Array("hi".utf8))
        let nginx = try TestProxy(
            """
            events {} http { server { listen 80; location / {
              proxy_pass http://\(server.address); \(timeout)
              proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
            } } }
            """
        )
        let other = try nginx.connect()
        #expect(try other.upgrade().status == 101)
        #expect(try other.read(2) == Array("hi".utf8))
        #expect(try other.isAtEnd() == true)
        // By now the native one has been silent for longer than the limit.
        try client.send("still here")
        #expect(try client.read(10) == Array("still here".utf8))
    }

    @Test func aStalledReaderStopsTheTunnel() throws {
        let sent = TestProxy.Counter()
        let server = try TestServer(timeout: 500_000_000) { peer, server in
            _ = try peer.readRequest()
            try peer.send(Self.accepted)
            let part = [UInt8](repeating: 0x61, count: 1 << 16)
            do {
                while true {
                    try peer.send(part)
                    sent.value.add(part.count, ordering: .sequentiallyConsistent)
                }
            } catch {
                server.note(TestRequest(head: "stalled\r\n\r\n"))
            }
        }
        let proxy = try proxy(server.address)
        let client = try proxy.connect()
        #expect(try client.upgrade().status == 101)
        #expect(TestProxy.wait { !server.requests.isEmpty } == true)
        #expect(sent.value.load(ordering: .sequentiallyConsistent) < 32 << 20)
    }
}
