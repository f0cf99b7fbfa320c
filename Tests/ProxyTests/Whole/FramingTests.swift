import TestSupport
import Testing

@testable import Proxy

/// Where messages begin and end, on both sides.
struct FramingTests {
    private func proxy(_ server: TestServer, _ extra: String = "") throws -> TestProxy {
        try TestProxy("server { listen 80; proxy_pass http://\(server.address); \(extra) }")
    }

    @Test(arguments: [0, 1, 100, 16_384, 100_000, 3_000_000]) func movesBodiesOfKnownLength(count: Int) throws {
        let server = try TestServer { peer, server in
            while let request = try peer.readRequest() {
                server.note(request)
                let head = "HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n"
                try peer.send(Array(head.utf8) + request.body)
            }
        }
        let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        for _ in 0..<2 {
            let response = try client.exchange("POST", "/", body: body)
            #expect(response.status == 200)
            #expect(response.body == body)
        }
        #expect(server.connections == 1)
    }

    @Test func movesChunksBothWaysWithTrailers() throws {
        let server = try TestServer { peer, _ in
            let head = try peer.read(through: "\r\n\r\n")
            let body = try peer.read(through: "0\r\nX-Sum: up\r\n\r\n")
            let isChunked = head.lowercased().contains("transfer-encoding: chunked\r\ntrailer: x-sum\r\n")
            let seen = "\(isChunked) " + body.replacing("\r\n", with: "|")
            try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            try peer.send("\(String(seen.utf8.count, radix: 16))\r\n\(seen)\r\n0\r\nX-Sum: down\r\n\r\n")
        }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        try client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                + "3;ext=1\r\nabc\r\n5\r\ndefgh\r\n0\r\nX-Sum: up\r\n\r\n"
        )
        let head = try client.readHead()
        #expect(head["transfer-encoding"] == "chunked")
        #expect(head["trailer"] == "X-Sum")
        let rest = try client.read(through: "X-Sum: down\r\n\r\n")
        #expect(rest.contains("true "))
        #expect(rest.contains("3|abc|5|defgh|0|X-Sum: up||") || rest.contains("8|abcdefgh|0|X-Sum: up||"))
    }

    @Test func largeChunkedBodiesArriveWhole() throws {
        let server = try TestServer { peer, server in
            while let request = try peer.readRequest() {
                server.note(request)
                try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                var rest = request.body[...]
                var size = 1
                while !rest.isEmpty {
                    let part = rest.prefix(size)
                    rest = rest.dropFirst(size)
                    size = size * 3 % 70_001
                    try peer.send(Array("\(String(part.count, radix: 16))\r\n".utf8) + part + [13, 10])
                }
                try peer.send("0\r\n\r\n")
            }
        }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) }
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        var rest = body[...]
        var size = 5
        while !rest.isEmpty {
            let part = rest.prefix(size)
            rest = rest.dropFirst(size)
            size = size * 2 % 65_537
            try client.send(Array("\(String(part.count, radix: 16))\r\n".utf8) + part + [13, 10])
        }
        try client.send("0\r\n\r\n")
        let response = try client.readResponse()
        #expect(response.body == body)
        #expect(server.requests.first?.body == body)
    }

    @Test func flushesEachChunkAsItComes() throws {
        let upstream = try ScriptedUpstream(
            .readHead,
            .send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"),
            .wait,
            .send("6\r\ndata1\n\r\n"),
            .wait,
            .send("6\r\ndata2\n\r\n"),
            .wait,
            .send("0\r\n\r\n")
        )
        let proxy = try TestProxy("server { listen 80; proxy_pass http://\(upstream.address); }")
        let client = try proxy.connect()
        try client.request("GET", "/events")
        #expect(try client.readHead().status == 200)
        for event in ["data1\n", "data2\n"] {
            upstream.proceed()
            #expect(try client.readChunk() == Array(event.utf8))
        }
        upstream.proceed()
        #expect(try client.readChunk() == nil)
    }

    @Test func tellsClientsToContinue() throws {
        let server = try TestServer { Answer.ok($0.text) }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.readHead().status == 100)
        try client.send("body")
        #expect(try client.readResponse().text == "body")
        #expect(server.requests[0]["expect"] == [])
    }

    @Test func refusesInsteadOfContinuing() throws {
        let server = try TestServer { Answer.ok($0.text) }
        let proxy = try proxy(server, "client_max_body_size 3;")
        let client = try proxy.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.readHead().status == 413)
        #expect(server.connections == 0)
    }

    @Test func boundsChunkedBodies() throws {
        let server = try TestServer { Answer.ok($0.text) }
        let proxy = try proxy(server, "client_max_body_size 10;")
        let client = try proxy.connect()
        try client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nghijkl\r\n0\r\n\r\n"
        )
        #expect(try client.readResponse().status == 413)
        #expect(server.requests.isEmpty)
    }

    @Test(arguments: [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", 200), ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: x\r\n\r\n", 304),
        ("HEAD", "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n", 404),
    ])
    func bodilessRepliesEndWithTheirHeads(method: String, reply: String, status: Int) throws {
        let server = try TestServer { _ in reply }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        for _ in 0..<3 {
            let response = try client.exchange(method, "/")
            #expect(response.status == status)
            if reply.contains("99") { #expect(response["content-length"] == "99") }
        }
        #expect(server.connections == 1)
    }

    @Test func aReplyThatEndsWithTheConnectionIsChunked() throws {
        let server = try TestServer { peer, _ in
            _ = try peer.readRequest()
            try peer.send("HTTP/1.1 200 OK\r\n\r\nto the end")
        }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        for _ in 0..<2 {
            let response = try client.exchange("GET", "/")
            #expect(response["transfer-encoding"] == "chunked")
            #expect(response.text == "to the end")
        }
        let old = try proxy.connect()
        try old.send("GET / HTTP/1.0\r\n\r\n")
        let response = try old.readResponse()
        #expect(response["transfer-encoding"] == nil)
        #expect(response.text == "to the end")
    }

    @Test func oldClientsGetNoChunks() throws {
        let server = try TestServer { _ in
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
        }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let response = try client.readResponse()
        #expect(response["connection"] == "close")
        #expect(response.text == "abc")
    }

    @Test func interimRepliesReachClients() throws {
        let server = try TestServer { _ in
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + Answer.ok("last")
        }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        try client.request("GET", "/")
        let hints = try client.readHead()
        #expect(hints.status == 103)
        #expect(hints["link"] == "</a>")
        #expect(try client.readResponse().text == "last")
    }

    @Test func repliesBeforeTheBodyIsReadAreHandedOn() throws {
        let server = try TestServer { peer, server in
            _ = try peer.read(through: "\r\n\r\n")
            try peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome")
        let response = try client.readResponse()
        #expect(response.status == 403)
        #expect(response.text == "no")
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/2 200\r\n\r\n", "nonsense\r\n\r\n", "HTTP/1.1 99 X\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\u{0}b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "",
    ])
    func repliesThatTwoCouldReadDifferentlyAreBad(reply: String) throws {
        let server = try TestServer { peer, _ in
            _ = try peer.readRequest()
            try peer.send(reply)
        }
        let proxy = try proxy(server)
        #expect(try proxy.get("/").status == 502)
    }

    /// What comes behind a reply is no reply to the next request.
    @Test func bytesBehindAReplyAreNeverTheNextOnes() throws {
        let server = try TestServer { _ in Answer.ok("mine") + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged" }
        let proxy = try proxy(server)
        let client = try proxy.connect()
        for _ in 0..<3 { #expect(try client.exchange("GET", "/").text == "mine") }
        #expect(server.connections == 3)
    }
}
