import TestSupport
import Testing

@testable import Proxy

/// A reload that succeeds drops nothing; a drain finishes what runs.
struct ReloadTests {
    @Test func whatRunsGoesOnAndTheNextRequestIsUnderTheNewRules() throws {
        let tunnels = try TunnelTests.echo()
        let upstream = try ScriptedUpstream(.readHead, .wait, .send(Answer.ok("late")))
        let text = """
            server { listen 80; proxy_pass http://\(tunnels.address);
              location /slow { proxy_pass http://\(upstream.address); } }
            """
        let proxy = try TestProxy(text, workers: 2)
        let tunnel = try proxy.connect()
        #expect(try tunnel.upgrade().status == 101)
        #expect(try tunnel.read(2) == Array("hi".utf8))
        let slow = try proxy.connect()
        try slow.request("GET", "/slow")
        #expect(TestProxy.wait { upstream.records.first?.text.contains("\r\n\r\n") ?? false } == true)
        let idle = try proxy.connect()
        #expect(try idle.exchange("GET", "/").text == "plain")

        try proxy.reload("server { listen 80; return 200 new; }")
        #expect(TestProxy.wait { (try? proxy.get("/").text) == "new" } == true)
        try tunnel.send("still")
        #expect(try tunnel.read(5) == Array("still".utf8))
        upstream.proceed()
        #expect(try slow.readResponse().text == "late")
        // Connections that were open before move to the new rules with their next request.
        #expect(try slow.exchange("GET", "/slow").text == "new")
        #expect(TestProxy.wait { (try? idle.exchange("GET", "/").text) == "new" } == true)
    }

    @Test func manyReloadsUnderLoadLoseNoRequest() throws {
        let server = try TestServer { Answer.ok($0.target) }
        let texts = [
            "server { listen 80; proxy_pass http://\(server.address); }",
            "upstream up { server \(server.address); keepalive 2; } server { listen 80; add_header X-New 1; proxy_pass http://up; }",
        ]
        let proxy = try TestProxy(texts[0], workers: 2)
        let clients = try (0..<8).map { _ in try proxy.connect() }
        for round in 0..<30 {
            for client in clients { try client.request("GET", "/\(round)") }
            try proxy.reload(texts[round % 2])
            for client in clients { #expect(try client.readResponse().text == "/\(round)") }
        }
    }

    @Test func aHeadThatIsComingSurvivesAReload() throws {
        let server = try TestServer { Answer.ok($0.target) }
        let text = "server { listen 80; proxy_pass http://\(server.address); }"
        let proxy = try TestProxy(text)
        let client = try proxy.connect()
        try client.send("GET /half HTTP/1.1\r\nHo")
        for _ in 0..<3 { try proxy.reload(text) }
        #expect(try proxy.get("/x").text == "/x")
        try client.send("st: a\r\n\r\n")
        #expect(try client.readResponse().text == "/half")
    }

    @Test func unchangedUpstreamsKeepTheirConnections() throws {
        let server = try TestServer { Answer.ok($0.target) }
        let text = "server { listen 80; proxy_pass http://\(server.address); }"
        let proxy = try TestProxy(text)
        for round in 0..<5 {
            #expect(try proxy.get("/\(round)").text == "/\(round)")
            try proxy.reload(text)
        }
        #expect(server.connections == 1)
    }

    @Test func changedUpstreamsLoseTheirIdleConnections() throws {
        let old = try TestServer { _ in Answer.ok("old") }
        let new = try TestServer { _ in Answer.ok("new") }
        let proxy = try TestProxy("server { listen 80; proxy_pass http://\(old.address); }")
        #expect(try proxy.get("/").text == "old")
        #expect(old.openConnections == 1)
        try proxy.reload("server { listen 80; proxy_pass http://\(new.address); }")
        #expect(TestProxy.wait { old.openConnections == 0 } == true)
        #expect(try proxy.get("/").text == "new")
    }

    @Test func aDrainFinishesWhatRuns() throws {
        let tunnels = try TunnelTests.echo()
        let upstream = try ScriptedUpstream(.readHead, .wait, .send(Answer.ok("late")))
        let proxy = try TestProxy(
            """
            server { listen 80; proxy_pass http://\(tunnels.address);
              location /slow { proxy_pass http://\(upstream.address); } }
            """,
            workers: 2
        )
        let idle = try proxy.connect()
        #expect(try idle.exchange("GET", "/").status == 200)
        let tunnel = try proxy.connect()
        #expect(try tunnel.upgrade().status == 101)
        #expect(try tunnel.read(2) == Array("hi".utf8))
        let slow = try proxy.connect()
        try slow.request("GET", "/slow")
        #expect(TestProxy.wait { upstream.records.first?.text.contains("\r\n\r\n") ?? false } == true)

        proxy.drain()
        #expect(try idle.isAtEnd() == true)
        #expect(TestProxy.wait { (try? proxy.connect()) == nil } == true)
        try tunnel.send("still")
        #expect(try tunnel.read(5) == Array("still".utf8))
        upstream.proceed()
        let last = try slow.readResponse()
        #expect(last.text == "late")
        #expect(last["connection"] == "close")
        #expect(try slow.isAtEnd() == true)
        slow.shutdownWrite()
        #expect(proxy.runningLoops > 0)
        tunnel.shutdownWrite()
        #expect(try tunnel.isAtEnd() == true)
        #expect(TestProxy.wait { proxy.runningLoops == 0 } == true)
    }

    @Test func aStopEndsEverythingAtOnce() throws {
        let tunnels = try TunnelTests.echo()
        let proxy = try TestProxy("server { listen 80; proxy_pass http://\(tunnels.address); }", workers: 2)
        let tunnel = try proxy.connect()
        #expect(try tunnel.upgrade().status == 101)
        #expect(try tunnel.read(2) == Array("hi".utf8))
        proxy.stop()
        #expect(try tunnel.isAtEnd() == true)
        #expect(TestProxy.wait { tunnels.openConnections == 0 } == true)
    }
}
