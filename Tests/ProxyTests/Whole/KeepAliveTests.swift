import TestSupport
import Testing

/// Connections that carry one request after another.
struct KeepAliveTests {
    /// The upstream answers with the target; it lives as long as the caller keeps it.
    private func make(_ extra: String = "", workers: Int = 1) throws -> (TestServer, TestProxy) {
        let server = try TestServer { Answer.ok($0.target) }
        let proxy = try TestProxy(
            "server { listen 80; proxy_pass http://\(server.address); \(extra) }",
            workers: workers
        )
        return (server, proxy)
    }

    @Test func oneConnectionUpstreamServesManyRequests() throws {
        let (server, proxy) = try make()
        let client = try proxy.connect()
        for number in 0..<20 {
            let response = try client.exchange("GET", "/\(number)")
            #expect(response.status == 200)
            #expect(response.text == "/\(number)")
        }
        #expect(server.connections == 1)
        #expect(server.requests.count == 20)
    }

    @Test func clientsShareUpstreamConnections() throws {
        let (server, proxy) = try make()
        for _ in 0..<5 { #expect(try proxy.get("/").text == "/") }
        #expect(server.connections == 1)
    }

    @Test func answersPipelinedRequestsInOrder() throws {
        let (server, proxy) = try make()
        let client = try proxy.connect()
        var text = ""
        for number in 0..<100 { text += "GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n" }
        try client.send(text)
        for number in 0..<100 { #expect(try client.readResponse().text == "/\(number)") }
        #expect(server.requests.map(\.target) == (0..<100).map { "/\($0)" })
    }

    @Test func takesPipelinedBodiesForBodies() throws {
        let (server, proxy) = try make()
        let client = try proxy.connect()
        var text = ""
        for number in 0..<10 {
            text += "POST /\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nGET /x HTTP/1.1\r\n\r"
        }
        try client.send(text)
        for number in 0..<10 { #expect(try client.readResponse().text == "/\(number)") }
        #expect(server.requests.map(\.text) == [String](repeating: "GET /x HTTP/1.1\r\n\r", count: 10))
    }

    @Test func takesRequestsByteByByte() throws {
        let (server, proxy) = try make()
        let client = try proxy.connect()
        for byte in "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".utf8 { try client.send([byte]) }
        #expect(try client.readResponse().text == "/slow")
        #expect(server.requests.count == 1)
    }

    @Test func closesAfterAsManyRequestsAsConfigured() throws {
        let (server, proxy) = try make("keepalive_requests 3;")
        let client = try proxy.connect()
        #expect(try client.exchange("GET", "/")["connection"] == nil)
        #expect(try client.exchange("GET", "/")["connection"] == nil)
        #expect(try client.exchange("GET", "/")["connection"] == "close")
        #expect(try client.isAtEnd())
        #expect(server.requests.count == 3)
    }

    @Test func closesWhenTheClientAsks() throws {
        let (server, proxy) = try make()
        let client = try proxy.connect()
        let response = try client.exchange("GET", "/", [("Connection", "close")])
        #expect(response["connection"] == "close")
        #expect(try client.isAtEnd())
        // That was about the client's connection, not the upstream's.
        #expect(server.requests[0]["connection"] == [])
        #expect(try proxy.get("/").status == 200)
        #expect(server.connections == 1)
    }

    @Test func closesIdleConnections() throws {
        let (server, proxy) = try make("keepalive_timeout 100ms;")
        let client = try proxy.connect()
        #expect(try client.exchange("GET", "/").status == 200)
        #expect(try client.isAtEnd())
        #expect(server.openConnections == 1)
    }

    @Test func servesOldClients() throws {
        let (server, proxy) = try make()
        let client = try proxy.connect()
        try client.send("GET /old HTTP/1.0\r\nHost: a\r\n\r\n")
        let response = try client.readResponse()
        #expect(response.text == "/old")
        #expect(try client.isAtEnd())
        #expect(server.requests[0].line == "GET /old HTTP/1.1")
        let lasting = try proxy.connect()
        for _ in 0..<2 {
            try lasting.send("GET /old HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            let response = try lasting.readResponse()
            #expect(response["connection"] == "keep-alive")
        }
    }

    @Test func takesAbsoluteForm() throws {
        let (server, proxy) = try make()
        let client = try proxy.connect()
        try client.send("GET http://gateway.test/path?q=1 HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        #expect(try client.readResponse().text == "/path?q=1")
        #expect(server.requests[0].line == "GET /path?q=1 HTTP/1.1")
        #expect(server.requests[0]["host"] == ["gateway.test"])
    }

    @Test func servesManyClientsOnTwoLoops() throws {
        let (server, proxy) = try make(workers: 2)
        let clients = try (0..<40).map { _ in try proxy.connect() }
        for (number, client) in clients.enumerated() { try client.request("GET", "/\(number)") }
        for (number, client) in clients.enumerated() { #expect(try client.readResponse().text == "/\(number)") }
        #expect(server.requests.count == 40)
    }
}
