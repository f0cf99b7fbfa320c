import EventLoop
import Synchronization
import TestSupport
import Testing

@testable import Proxy

/// Slow peers, and those that are gone.
struct TimeoutTests {
    private func proxy(_ address: SocketAddress, _ extra: String) throws -> TestProxy {
        try TestProxy("server { listen 80; proxy_pass http://\(address); \(extra) }")
    }

    /// Takes requests and stays silent until its peer leaves.
    private func silent() throws -> TestServer {
        try TestServer { peer, server in
            while let request = try peer.readRequest() { server.note(request) }
        }
    }

    @Test func aSilentUpstreamIs504() throws {
        let server = try silent()
        let proxy = try proxy(server.address, "proxy_read_timeout 100ms;")
        let client = try proxy.connect()
        #expect(try client.exchange("GET", "/").status == 504)
        #expect(TestProxy.wait { server.openConnections == 0 } == true)
        // The client's connection lives on.
        #expect(try client.exchange("GET", "/").status == 504)
    }

    @Test func aReplyThatStallsIsCutOff() throws {
        let server = try TestServer { peer, _ in
            _ = try peer.readRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            _ = try peer.isAtEnd()
        }
        let proxy = try proxy(server.address, "proxy_read_timeout 100ms;")
        let client = try proxy.connect()
        try client.request("GET", "/")
        #expect(try client.readHead().status == 200)
        #expect(try client.readToEnd() == Array("half".utf8))
    }

    @Test func slowRepliesThatMoveOnAreNotCutOff() throws {
        let server = try TestServer { peer, _ in
            _ = try peer.readRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
            // Each byte comes within the limit, all of them together don't.
            peer.timeout = 60_000_000
            for byte in "abcdefgh".utf8 {
                _ = try? peer.isAtEnd()
                try peer.send([byte])
            }
        }
        let proxy = try proxy(server.address, "proxy_read_timeout 300ms;")
        #expect(try proxy.get("/").text == "abcdefgh")
    }

    /// A reply's head has one wait for all its bytes.
    @Test func aReplyHeadThatTricklesIs504() throws {
        let server = try TestServer { peer, _ in
            _ = try peer.readRequest()
            try peer.send("HTTP/1.1 200 OK\r\nX: ")
            peer.timeout = 20_000_000
            for _ in 0..<200 {
                _ = try? peer.isAtEnd()
                try peer.send("y")
            }
        }
        let proxy = try proxy(server.address, "proxy_read_timeout 200ms;")
        #expect(try proxy.get("/").status == 504)
        #expect(proxy.errorLog.contains("timed out while reading the head"))
    }

    /// An interim reply is no beginning of the one that is waited for.
    @Test func interimRepliesGiveTheNextHeadItsTime() throws {
        let server = try TestServer { peer, _ in
            _ = try peer.readRequest()
            peer.timeout = 60_000_000
            for _ in 0..<4 {
                try peer.send("HTTP/1.1 103 Early Hints\r\n\r\n")
                _ = try? peer.isAtEnd()
            }
            try peer.send(Answer.ok("patience"))
        }
        let proxy = try proxy(server.address, "proxy_read_timeout 200ms;")
        let client = try proxy.connect()
        try client.request("GET", "/")
        for _ in 0..<4 { #expect(try client.readHead().status == 103) }
        #expect(try client.readResponse().text == "patience")
    }

    /// A client whose end comes along with its request is gone: nobody waits for the answer.
    @Test func aRequestWithItsClientsEndIsCancelled() throws {
        let server = try silent()
        let proxy = try proxy(server.address, "")
        for _ in 0..<20 {
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.shutdownWrite()
            #expect(try client.isAtEnd() == true)
        }
        #expect(TestProxy.wait { server.openConnections == 0 } == true)
        #expect(proxy.errorLog.ranges(of: "closed the connection before it had its reply").count == 20)
    }

    @Test func aHeadThatNeverEndsIs408() throws {
        let server = try silent()
        let proxy = try proxy(server.address, "client_header_timeout 100ms;")
        let client = try proxy.connect()
        try client.send("GET / HTTP/1.1\r\nHost:")
        #expect(try client.readResponse().status == 408)
        #expect(try client.isAtEnd() == true)
        #expect(server.connections == 0)
    }

    /// Nobody knows yet what these bytes begin: a request's line, or HTTP/2's preface.
    @Test(arguments: [
        ("", "sent no request in time"), ("PRI * HT", "took too long to send a request's head"),
    ])
    func aConnectionWithoutARequestIsClosed(first: String, says: String) throws {
        let proxy = try TestProxy(
            "server { listen 80 http2; client_header_timeout 100ms; return 204; }"
        )
        let client = try proxy.connect()
        try client.send(first)
        #expect(try client.isAtEnd() == true)
        #expect(TestProxy.wait { proxy.errorLog.contains(says) } == true)
    }

    /// A client that has asked, and may ask again, is nobody to talk of.
    @Test func aConnectionThatWasUsedIsClosedInSilence() throws {
        let proxy = try TestProxy("server { listen 80; keepalive_timeout 100ms; return 204; }")
        let client = try proxy.connect()
        #expect(try client.exchange("GET", "/").status == 204)
        #expect(try client.isAtEnd() == true)
        #expect(!proxy.errorLog.contains("in time"))
    }

    /// Bytes that trickle in buy no time.
    @Test func aHeadThatTricklesIs408() throws {
        let server = try silent()
        let proxy = try proxy(server.address, "client_header_timeout 200ms;")
        let client = try proxy.connect()
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n")
        client.timeout = 20_000_000
        var response: TestResponse?
        var rounds = 0
        while response == nil, rounds < 100 {
            try? client.send("X: 1\r\n")
            response = try? client.readHead()
            rounds += 1
        }
        #expect(response?.status == 408)
        #expect(rounds < 60)
    }

    @Test func aConnectionWithoutARequestIsClosed() throws {
        let server = try silent()
        let proxy = try proxy(server.address, "client_header_timeout 100ms;")
        #expect(try proxy.connect().isAtEnd() == true)
    }

    @Test func aBodyThatNeverComesIs408() throws {
        let server = try silent()
        let proxy = try proxy(server.address, "client_body_timeout 100ms;")
        let client = try proxy.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        #expect(try client.readResponse().status == 408)
        #expect(TestProxy.wait { server.openConnections == 0 } == true)
        #expect(server.requests.isEmpty)
    }

    @Test func aClientThatLeavesCancelsItsRequest() throws {
        let server = try silent()
        let proxy = try proxy(server.address, "")
        for isReset in [false, true] {
            let before = server.requests.count
            do {
                let client = try proxy.connect()
                try client.request("GET", "/")
                #expect(TestProxy.wait { server.requests.count > before } == true)
                #expect(server.openConnections == 1)
                if isReset { client.resetOnClose() }
            }
            #expect(TestProxy.wait { server.openConnections == 0 } == true)
        }
    }

    @Test func aClientThatLeavesAmidAReplyCancelsIt() throws {
        let upstream = try ScriptedUpstream(
            .readHead,
            .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
            .readToEnd
        )
        let proxy = try proxy(upstream.address, "")
        do {
            let client = try proxy.connect()
            try client.request("GET", "/")
            #expect(try client.readHead().status == 200)
            #expect(try client.readChunk() == [0x61])
        }
        #expect(upstream.waitUntilFinished() == true)
    }

    @Test func aClientThatLeavesAmidItsBodyCancelsIt() throws {
        let upstream = try ScriptedUpstream(.readHead, .readToEnd)
        let proxy = try proxy(upstream.address, "")
        do {
            let client = try proxy.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
            #expect(TestProxy.wait { upstream.records.first?.text.hasSuffix("half") ?? false } == true)
        }
        #expect(upstream.waitUntilFinished() == true)
    }

    @Test func aReaderThatStallsIsCutOff() throws {
        let server = try flooding()
        let proxy = try proxy(server.address, "send_timeout 200ms;")
        let client = try proxy.connect()
        try client.request("GET", "/")
        #expect(try client.readHead().status == 200)
        #expect(TestProxy.wait { server.connections == 1 && server.openConnections == 0 } == true)
    }

    /// A client that reads nothing: what the upstream can send is what sockets and two buffers hold.
    @Test func aStalledReaderStopsTheUpstream() throws {
        let server = try flooding()
        let proxy = try proxy(server.address, "")
        let client = try proxy.connect()
        try client.request("GET", "/")
        #expect(try client.readHead().status == 200)
        // The upstream gives up once nothing moves for a while.
        #expect(TestProxy.wait { server.requests.last?.target == "stalled" } == true)
        let sent = Int(server.requests.last?.text ?? "") ?? .max
        #expect(sent < 32 << 20, "\(sent) bytes")
        // And it goes on where it stopped.
        #expect(throws: Never.self) { try client.discard(sent - (1 << 20)) }
    }

    /// Sends a reply without end, until nothing is taken for half a second; then notes how much it was.
    private func flooding() throws -> TestServer {
        try TestServer(timeout: 500_000_000) { peer, server in
            _ = try peer.readRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(1 << 40)\r\n\r\n")
            let part = [UInt8](repeating: 0x61, count: 1 << 16)
            var sent = 0
            do {
                while true {
                    try peer.send(part)
                    sent += part.count
                }
            } catch {
                server.note(TestRequest(head: "GET stalled X\r\n\r\n", body: Array("\(sent)".utf8)))
            }
            peer.timeout = TestProxy.patience
            _ = try peer.isAtEnd()
        }
    }

    /// And the other way: a client can't send more than a stalled upstream's sockets hold.
    @Test func aStalledUpstreamStopsTheClient() throws {
        let gate = TestProxy.Counter()
        let server = try TestServer { peer, _ in
            _ = try peer.read(through: "\r\n\r\n")
            _ = TestProxy.wait { gate.value.load(ordering: .sequentiallyConsistent) > 0 }
        }
        let proxy = try proxy(server.address, "client_max_body_size 0;")
        let client = try proxy.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(1 << 40)\r\n\r\n")
        client.timeout = 500_000_000
        let part = [UInt8](repeating: 0x61, count: 1 << 16)
        var sent = 0
        while (try? client.send(part)) != nil, sent < 256 << 20 { sent += part.count }
        #expect(sent < 32 << 20, "\(sent) bytes")
        gate.value.store(1, ordering: .sequentiallyConsistent)
    }
}
