import DemoGateway
import EventLoop
import Glibc
import TestSupport
import Testing

@Suite struct MessageTests {
    @Test func echoTellsWhatCame() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        let response = try client.exchange(
            "PUT",
            "/echo/a%2Fb?c=d&e",
            [("X-One", "1"), ("x-ONE", "2"), ("X-Two", "a b")],
            body: Array("abc".utf8)
        )
        #expect(response.status == 200)
        for part in [
            #""method":"PUT""#, #""target":"/echo/a%2Fb?c=d&e""#, #""version":"HTTP/1.1""#, #""framing":"length""#,
            #""headers":[["Host","gateway.test"],["X-One","1"],["x-ONE","2"],["X-Two","a b"],["Content-Length","3"]]"#,
            #""bodyLength":3"#, #""requestOnConnection":1"#,
            #""bodySHA256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#,
        ] {
            #expect(response.text.contains(part), "\(part) in \(response.text)")
        }
        #expect(try client.exchange("GET", "/echo").text.contains(#""requestOnConnection":2"#))
    }

    @Test func chunkedBodiesAndTrailers() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        try client.send(
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nX-Sum: 1\r\n\r\n"
        )
        let response = try client.readResponse()
        #expect(response.text.contains(#""bodyLength":3"#))
        #expect(response.text.contains(#""framing":"chunked""#))
        #expect(response.text.contains(#""trailers":"X-Sum: 1\r\n""#))
        #expect(response.text.contains("ba7816bf8f01cfea"))
    }

    @Test func requestsInARow() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        var text = ""
        for number in 0..<200 { text += "GET /echo?\(number) HTTP/1.1\r\nHost: x\r\n\r\n" }
        try client.send(text)
        for number in 0..<200 {
            #expect(try client.readResponse().text.contains("\"target\":\"/echo?\(number)\""))
        }
    }

    @Test func aRequestByteByByte() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        for byte in "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab".utf8 { try client.send([byte]) }
        #expect(try client.readResponse().text.hasPrefix(#"{"bytes":2,"#))
    }

    @Test(arguments: [
        ("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200", true),
        ("GET /health HTTP/1.0\r\n\r\n", "200", true),
        ("GET /health HTTP/1.1\r\nHost : x\r\n\r\n", "400", true),
        ("GET /health HTTP/1.1\r\n\r\n", "400", true),
        ("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400", true),
        ("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", "404", true),
        ("POST /tools/invoke HTTP/1.1\r\nHost: x\r\nContent-Length: 2000001\r\n\r\n", "413", true),
        ("GET /sse?count=2&gap_ms=0 HTTP/1.0\r\n\r\n", "200", true),
    ])
    func connectionsThatClose(request: String, status: String, closes: Bool) throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        try client.send(request)
        let answer = String(decoding: try client.readToEnd(), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.contains("\r\nConnection: close\r\n"))
    }

    @Test func continueIsSentBeforeTheBody() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        try client.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.read(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        try client.send("abc")
        #expect(try client.readResponse().text.hasPrefix(#"{"bytes":3,"#))
        // What is refused anyway is refused before the body is sent.
        try client.send("POST /status/403 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.readHead().status == 403)
    }

    @Test func aBodyBeyondTheLimitOfItsRoute() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        try client.send("POST /tools/invoke HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        let part = [UInt8](repeating: 0x20, count: 500_000)
        for _ in 0..<4 { try client.send(Array("7a120\r\n".utf8) + part + [13, 10]) }
        try client.send("1\r\n \r\n")
        #expect(try client.readResponse().status == 413)
    }

    @Test func headHasNoBody() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        for target in ["/health", "/bytes/1000", "/sse", "/"] {
            #expect(try client.exchange("HEAD", target).status == 200)
        }
        #expect(try client.exchange("HEAD", "/bytes/1000")["content-length"] == "1000")
    }

    @Test func aDownloadIsWhole() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        let count = 20_000_003
        try client.request("GET", "/bytes/\(count)")
        #expect(try client.readHead()["content-length"] == "\(count)")
        var wrong = 0
        try client.discard(count) { bytes, offset in
            for index in 0..<bytes.count where bytes[index] != UInt8((offset + index) % 251) { wrong += 1 }
        }
        #expect(wrong == 0)
        #expect(try client.exchange("GET", "/health").status == 200)
    }

    @Test func anUploadIsCounted() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        let part = [UInt8](repeating: 0x61, count: 1_000_000)
        try client.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
        for _ in 0..<10 { try client.send(part) }
        #expect(
            try client.readResponse().text
                == #"{"bytes":10000000,"sha256":"01f4a87c04b40af59aadc0e812293509709c9a8763a60b7f9e19303322f8b03c"}"#
        )
        #expect(gateway.statistics.uploaded == 10_000_000)
    }

    @Test func aStalledReaderCostsLittle() throws {
        let gateway = try Gateway()
        var clients: [TestClient] = []
        for _ in 0..<8 {
            let client = try gateway.client()
            try client.request("GET", "/bytes/2147483648")
            #expect(try client.readHead()["content-length"] == "2147483648")
            clients.append(client)
        }
        // The loop has come round to each of them again once it answers another.
        for _ in 0..<20 { #expect(try gateway.client().exchange("GET", "/health").status == 200) }
        #expect(Patience.until { gateway.statistics.largestBacklog > 0 })
        #expect(gateway.statistics.largestBacklog <= 512 * 1024)
        clients = []
        #expect(Patience.until { gateway.statistics.open == 0 })
        #expect(gateway.statistics.cancelled == 8)
    }

    @Test func aGatewayThatRestarts() throws {
        let gateway = try Gateway()
        let client = try gateway.client()
        #expect(try client.exchange("GET", "/health").status == 200)
        gateway.gateway.dropConnections()
        #expect(try client.isAtEnd())
        #expect(try gateway.client().exchange("GET", "/health").status == 200)
        gateway.gateway.stop()
        #expect(gateway.gateway.boundAddress == nil)
        #expect(throws: SystemError("connect", code: ECONNREFUSED)) { _ = try TestClient(gateway.address) }
        try gateway.gateway.start()
        #expect(try TestClient(try #require(gateway.gateway.boundAddress)).exchange("GET", "/health").status == 200)
    }
}
