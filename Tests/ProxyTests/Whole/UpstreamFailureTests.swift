import EventLoop
import TestSupport
import Testing

@testable import Proxy

/// Upstreams that refuse, die, stall or can't be found.
struct UpstreamFailureTests {
    /// An address where nobody listens: it was ours a moment ago.
    private func deadAddress() throws -> SocketAddress {
        let server = try TestServer { _ in nil }
        server.stop()
        return server.address
    }

    private func proxy(_ address: SocketAddress, _ extra: String = "") throws -> TestProxy {
        try TestProxy("server { listen 80; proxy_pass http://\(address); \(extra) }")
    }

    /// The listener of a stopped `TestServer` closes with it.
    @Test func refusedConnectionsAre502() throws {
        let proxy = try proxy(try deadAddress())
        let client = try proxy.connect()
        for _ in 0..<3 { #expect(try client.exchange("GET", "/").status == 502) }
        // One line for each, though nobody is left to ask next.
        #expect(proxy.errorLog.ranges(of: "connection refused").count == 3)
    }

    @Test func unresolvedNamesAre502WithTheReason() throws {
        let proxy = try TestProxy("server { listen 80; proxy_pass http://no-such-name.invalid:18789; }")
        let client = try proxy.connect()
        #expect(try client.exchange("GET", "/").status == 502)
        #expect(proxy.errorLog.contains("no-such-name.invalid"))
        #expect(try client.exchange("GET", "/").status == 502)
        let isSaid = TestProxy.wait { proxy.errorLog.contains("can't be looked up") }
        #expect(isSaid)
    }

    @Test func resolvedNamesAreServed() throws {
        let server = try TestServer { _ in Answer.ok("found") }
        let proxy = try TestProxy("server { listen 80; proxy_pass http://localhost:\(server.address.port); }")
        let client = try proxy.connect()
        #expect(TestProxy.wait { (try? client.exchange("GET", "/").text) == "found" } == true)
    }

    @Test func anUpstreamThatClosesBeforeItsHeadIs502() throws {
        let server = try TestServer { _ in nil }
        let proxy = try proxy(server.address)
        #expect(try proxy.get("/").status == 502)
        #expect(try proxy.connect().exchange("POST", "/", body: Array("x".utf8)).status == 502)
        // One attempt for each: there is one peer, and both connections were fresh.
        #expect(server.requests.count == 2)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n5\r\nab",
        // Wrong in what came with the head: the client gets what was right, and no more.
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nno size\r\n",
    ])
    func aReplyCutOffIsCutOffForTheClientToo(reply: String) throws {
        let server = try TestServer { peer, server in
            _ = try peer.readRequest()
            try peer.send(reply)
        }
        let proxy = try proxy(server.address)
        let client = try proxy.connect()
        try client.request("GET", "/")
        #expect(try client.readHead().status == 200)
        let rest = String(decoding: try client.readToEnd(), as: UTF8.self)
        #expect(rest.contains("half"))
        #expect(!rest.contains("0\r\n\r\n"))
    }

    /// It closes with the body unread, so a reset follows its answer; the answer counts, whenever it is noticed. The rest of
    /// the body is nobody's next request.
    @Test func anAnswerThatComesBeforeTheBodyIsThroughCounts() throws {
        let server = try TestServer { peer, server in
            server.note(TestRequest(head: try peer.read(through: "\r\n\r\n")))
            try peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        let proxy = try proxy(server.address)
        let body = Array(String(repeating: "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", count: 10_000).utf8)
        for _ in 0..<50 {
            let client = try proxy.connect()
            // Refused underway, it may not all be taken.
            try? client.request("POST", "/", body: body)
            let response = try client.readResponse()
            #expect(response.status == 413)
            // Where not all of the body was taken. A reset will do.
            if response["connection"] == "close" { #expect((try? client.isAtEnd()) != false) }
        }
        #expect(!server.requests.contains { $0.target == "/smuggled" })
        #expect(!proxy.errorLog.contains("a request that is refused"))
    }

    @Test func aPooledConnectionThatDiedIsReplaced() throws {
        let server = try TestServer { peer, server in
            // One request for each connection, without a word about it.
            guard let request = try peer.readRequest() else { return }
            server.note(request)
            try peer.send(Answer.ok(request.target))
            if request.target == "/last" { while try peer.readRequest() != nil {} }
        }
        let proxy = try proxy(server.address)
        let client = try proxy.connect()
        for number in 0..<10 { #expect(try client.exchange("GET", "/\(number)").text == "/\(number)") }
        #expect(server.requests.count == 10)
    }

    @Test func aPooledConnectionThatDiesUnderARequestIsReplaced() throws {
        // The second request is read, and then the connection closes without an answer.
        let upstream = try ScriptedUpstream([
            [.readHead, .send(Answer.ok("first")), .read(1), .readHead, .close],
            [.readHead, .send(Answer.ok("second"))],
        ])
        let proxy = try proxy(upstream.address)
        let client = try proxy.connect()
        #expect(try client.exchange("GET", "/1").text == "first")
        #expect(try client.exchange("GET", "/2").text == "second")
        #expect(upstream.records.count == 2)
    }

    @Test func aRequestThatMayHaveBeenActedOnIsNotRepeated() throws {
        let upstream = try ScriptedUpstream([
            [.readHead, .send(Answer.ok("first")), .read(1), .readHead, .close],
            [.readHead, .send(Answer.ok("second"))],
        ])
        let proxy = try proxy(upstream.address)
        let client = try proxy.connect()
        #expect(try client.exchange("GET", "/1").text == "first")
        #expect(try client.exchange("POST", "/2", body: []).status == 502)
        #expect(upstream.records.count == 1)
    }

    private func group(_ servers: String, _ extra: String = "") throws -> TestProxy {
        try TestProxy("upstream up { \(servers) } server { listen 80; proxy_pass http://up; \(extra) }")
    }

    @Test func theNextPeerIsAskedWhenOneRefuses() throws {
        let server = try TestServer { _ in Answer.ok("alive") }
        let proxy = try group("server \(try deadAddress()); server \(server.address);")
        for _ in 0..<6 { #expect(try proxy.get("/").text == "alive") }
    }

    @Test func aPeerRestsAfterItsFailures() throws {
        let failing = try TestServer { _ in nil }
        let working = try TestServer { _ in Answer.ok("alive") }
        let proxy = try group(
            "server \(failing.address) max_fails=2 fail_timeout=60s; server \(working.address);"
        )
        for _ in 0..<12 { #expect(try proxy.get("/").text == "alive") }
        #expect(failing.requests.count == 2)
        #expect(proxy.errorLog.contains("rests"))
    }

    @Test func backupsServeWhenAllOthersRest() throws {
        let failing = try TestServer { _ in nil }
        let backup = try TestServer { _ in Answer.ok("backup") }
        let proxy = try group(
            "server \(failing.address) max_fails=1 fail_timeout=60s; server \(backup.address) backup;"
        )
        for _ in 0..<5 { #expect(try proxy.get("/").text == "backup") }
        #expect(failing.requests.count == 1)
    }

    @Test func backupsStayUnusedWhileOthersWork() throws {
        let working = try TestServer { _ in Answer.ok("main") }
        let backup = try TestServer { _ in Answer.ok("backup") }
        let proxy = try group("server \(working.address); server \(backup.address) backup;")
        for _ in 0..<5 { #expect(try proxy.get("/").text == "main") }
        #expect(backup.connections == 0)
    }

    @Test func statusesThatTheConfigurationNamesAreAskedForElsewhere() throws {
        let busy = try TestServer { _ in "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy" }
        let free = try TestServer { _ in Answer.ok("free") }
        let servers = "server \(busy.address) max_fails=0; server \(free.address);"
        let proxy = try group(servers, "proxy_next_upstream error timeout http_503;")
        for _ in 0..<4 { #expect(try proxy.get("/").text == "free") }
        let plain = try group("server \(busy.address);", "proxy_next_upstream error timeout http_503;")
        #expect(try plain.get("/").text == "busy")
        // A POST may have done its work.
        let posts = try (0..<4).map { _ in try proxy.connect().exchange("POST", "/", body: []).status }
        #expect(posts.contains(503))
    }

    @Test func weightsShareOutRequests() throws {
        let heavy = try TestServer { _ in Answer.ok() }
        let light = try TestServer { _ in Answer.ok() }
        let proxy = try group("server \(heavy.address) weight=3; server \(light.address);")
        for _ in 0..<12 { #expect(try proxy.get("/").status == 200) }
        #expect(heavy.requests.count == 9)
        #expect(light.requests.count == 3)
    }

    @Test func aBodyThatCameWholeIsSentAgain() throws {
        let server = try TestServer { Answer.ok($0.text) }
        let proxy = try group("server \(try deadAddress()); server \(server.address);")
        for _ in 0..<4 {
            #expect(try proxy.connect().exchange("POST", "/", body: Array("the body".utf8)).text == "the body")
        }
    }

    @Test func aBodyThatComesLateStillGoesElsewhereWhenAPeerRefuses() throws {
        let server = try TestServer { Answer.ok($0.text) }
        let proxy = try group("server \(try deadAddress()) max_fails=0; server \(server.address);")
        for _ in 0..<4 {
            let client = try proxy.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.readHead().status == 100)
            try client.send("the body")
            #expect(try client.readResponse().text == "the body")
        }
    }

    @Test func readinessFollowsTheUpstream() throws {
        let server = try TestServer { _ in Answer.ok() }
        let ready = try proxy(server.address)
        #expect(try ready.get("/.postern/ready").status == 200)
        let dead = try proxy(try deadAddress())
        #expect(try dead.get("/.postern/ready").status == 503)
    }
}
