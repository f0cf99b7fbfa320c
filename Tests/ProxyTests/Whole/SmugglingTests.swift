import TestSupport
import Testing

@testable import Proxy

/// Requests that two servers could read differently: none reaches the upstream, in either dialect.
struct SmugglingTests {
    static let requests: [String] = [
        // Two framings.
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
        // Lengths that aren't digits.
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabcde",
        // Codings.
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
        // Names and lines.
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX(: 1\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1x\r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        // Hosts and targets.
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a\u{1}b HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    ]

    /// Bodies in chunks that are misspelt: what was sent before may have gone upstream, the end of the message must not.
    static let bodies: [String] = [
        "5\nabcde\r\n0\r\n\r\n", "5\r\nabcdeX0\r\n\r\n", "5\r\nabcde\n0\r\n\r\n", "0x5\r\nabcde\r\n0\r\n\r\n",
        "+5\r\nabcde\r\n0\r\n\r\n",
        " 5\r\nabcde\r\n0\r\n\r\n", "5 \r\nabcde\r\n0\r\n\r\n", "g\r\nabc\r\n0\r\n\r\n", "\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n", "5\r\nabcde\r\n0\r\nX : 1\r\n\r\n",
        "5\r\nabcde\r\n0\r\n folded: 1\r\n\r\n",
        "5;a=\u{0}\r\nabcde\r\n0\r\n\r\n", "5\r\nabcde\r\n0\n\n",
    ]

    private func dialects(_ server: TestServer) throws -> [TestProxy] {
        [
            try TestProxy("server { listen 80; proxy_pass http://\(server.address); }"),
            try TestProxy(
                "events {} http { server { listen 80; location / { proxy_pass http://\(server.address); } } }"
            ),
        ]
    }

    @Test func noneReachesTheUpstream() throws {
        let server = try TestServer { Answer.ok($0.target) }
        for proxy in try dialects(server) {
            for request in Self.requests {
                let client = try proxy.connect()
                // What follows must not be taken for a request of its own.
                let bytes = request.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
                try client.send(bytes + Array("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
                let response = try client.readResponse()
                #expect((400...505).contains(response.status), "\(request.debugDescription): \(response.status)")
                #expect(response["connection"] == "close", "\(request.debugDescription)")
                #expect(try client.readToEnd() == [], "\(request.debugDescription)")
            }
        }
        #expect(server.requests.map(\.head) == [])
        #expect(server.connections == 0)
    }

    @Test(arguments: bodies) func misspeltChunksEndTheConnection(body: String) throws {
        let server = try TestServer { peer, server in
            while let request = try peer.readRequest() {
                server.note(request)
                try peer.send(Answer.ok())
            }
        }
        for proxy in try dialects(server) {
            let client = try proxy.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
            try client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            let all = String(decoding: try client.readToEnd(), as: UTF8.self)
            #expect(all.hasPrefix("HTTP/1.1 400 "), "\(all)")
            #expect(all.ranges(of: "HTTP/1.1 ").count == 1, "\(all)")
        }
        #expect(TestProxy.wait { server.openConnections == 0 } == true)
        #expect(server.requests.map(\.head) == [])
    }

    /// An Nginx file allows a bare line feed in a head, rewritten; a native one doesn't.
    @Test func bareLineFeedsAreRewrittenOrRefused() throws {
        let server = try TestServer { Answer.ok($0.target) }
        let proxies = try dialects(server)
        let request = "GET /lf HTTP/1.1\nHost: a\nX: 1\n\n"
        let native = try proxies[0].connect()
        try native.send(request)
        #expect(try native.readResponse().status == 400)
        #expect(server.connections == 0)
        let nginx = try proxies[1].connect()
        try nginx.send(request)
        #expect(try nginx.readResponse().text == "/lf")
        let head = server.requests[0].head
        #expect(head.utf8.count { $0 == 10 } == head.utf8.count { $0 == 13 })
    }

    @Test func boundsHeads() throws {
        let server = try TestServer { Answer.ok($0.target) }
        let proxy = try dialects(server)[0]
        for (request, status) in [
            ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 9000))\r\n\r\n", 431),
            ("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: 1\r\n", count: 200) + "\r\n", 431),
            (
                "GET / HTTP/1.1\r\nHost: a\r\n"
                    + String(repeating: "X: \(String(repeating: "a", count: 4000))\r\n", count: 20) + "\r\n", 431
            ),
        ] {
            let client = try proxy.connect()
            try client.send(request)
            #expect(try client.readResponse().status == status)
        }
        #expect(server.connections == 0)
    }
}
