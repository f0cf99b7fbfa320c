import Bytes
import EventLoop
import TestSupport
import Testing

@testable import Proxy

/// `client_min_rate` and `send_min_rate`.
struct ProgressTests {
    private func proxy(_ address: SocketAddress, _ extra: String) throws -> TestProxy {
        try TestProxy("server { listen 80; proxy_pass http://\(address); \(extra) }")
    }

    /// Waits so long, or until the peer ends.
    private func pause(_ client: TestClient, _ nanoseconds: UInt64) {
        let patience = client.timeout
        client.timeout = nanoseconds
        _ = try? client.isAtEnd()
        client.timeout = patience
    }

    @Test func aBodyThatTricklesIs408() throws {
        let server = try TestServer { peer, server in _ = try peer.readRequest() }
        let proxy = try proxy(server.address, "client_min_rate 1k/s over=300ms; client_body_timeout 10s;")
        let client = try proxy.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        for _ in 0..<100 where client.pending.isEmpty {
            pause(client, 20_000_000)
            try? client.send("x")
        }
        #expect(try client.readResponse().status == 408)
        #expect(proxy.errorLog.contains("slower than client_min_rate"))
        #expect(TestProxy.wait { server.openConnections == 0 } == true)
    }

    @Test func aBodyThatStopsIs408() throws {
        let server = try TestServer { peer, server in _ = try peer.readRequest() }
        let proxy = try proxy(server.address, "client_min_rate 1k/s over=300ms; client_body_timeout 10s;")
        let client = try proxy.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        #expect(try client.readResponse().status == 408)
    }

    /// In small pieces, but fast enough.
    @Test func aBodyThatMovesOnPasses() throws {
        let server = try TestServer { request in Answer.ok("\(request.body.count)") }
        let proxy = try proxy(server.address, "client_min_rate 100/s over=200ms; client_body_timeout 10s;")
        let client = try proxy.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        for _ in 0..<20 {
            pause(client, 30_000_000)
            try client.send(String(repeating: "x", count: 50))
        }
        #expect(try client.readResponse().text == "1000")
    }

    /// The client has sent all it may: it is the upstream that is slow to take it.
    @Test func aSlowUpstreamIsNotTheClientsFault() throws {
        let server = try TestServer { peer, _ in
            _ = try peer.read(through: "\r\n\r\n")
            peer.timeout = 900_000_000
            _ = try? peer.read(100_000_000)
            peer.timeout = 5_000_000_000
            _ = try peer.read(8_000_000)
            try peer.send(Answer.ok("patience"))
        }
        // No progress can be seen for the window's time: the sockets between are full.
        let proxy = try proxy(server.address, "client_min_rate 1m/s over=100ms; proxy_send_timeout 5s;")
        let client = try proxy.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n")
        try client.send([UInt8](repeating: 0x78, count: 8_000_000))
        #expect(try client.readResponse().text == "patience")
    }

    private func flood(_ type: String) throws -> TestServer {
        try TestServer { peer, _ in
            _ = try peer.readRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n" + String(repeating: "x", count: 65536) + "\r\n"
            for _ in 0..<1000 { try peer.send(chunk) }
        }
    }

    @Test func aReplyThatNobodyReadsEnds() throws {
        let server = try flood("text/plain")
        let proxy = try proxy(server.address, "send_min_rate 1k/s over=300ms; send_timeout 30s;")
        let client = try proxy.connect()
        Sockets.setBufferSizes(client.descriptor, receive: 4096)
        try client.request("GET", "/")
        #expect(TestProxy.wait { proxy.errorLog.contains("slower than send_min_rate") } == true)
        #expect(TestProxy.wait { server.openConnections == 0 } == true)
    }

    /// A byte now and then keeps `send_timeout` away, but is no progress.
    @Test func aReplyThatIsReadInDripsEnds() throws {
        let server = try flood("text/plain")
        let proxy = try proxy(server.address, "send_min_rate 100k/s over=300ms; send_timeout 30s;")
        let client = try proxy.connect()
        Sockets.setBufferSizes(client.descriptor, receive: 4096)
        try client.request("GET", "/")
        let isEnded = TestProxy.wait {
            _ = try? client.read(1)
            return proxy.errorLog.contains("slower than send_min_rate")
        }
        #expect(isEnded)
    }

    @Test(arguments: ["text/event-stream", "Text/Event-Stream; charset=utf-8"])
    func eventStreamsAreExempt(_ type: String) throws {
        let server = try flood(type)
        let proxy = try proxy(server.address, "send_min_rate 1m/s over=100ms; send_timeout 30s;")
        let client = try proxy.connect()
        Sockets.setBufferSizes(client.descriptor, receive: 4096)
        try client.request("GET", "/")
        #expect(try client.readHead().status == 200)
        // Longer than several windows.
        let start = Clock.monotonic()
        while Clock.monotonic() - start < 600_000_000 { pause(client, 1) }
        #expect(!proxy.errorLog.contains("slower than send_min_rate"))
        try client.discard(1_000_000)
    }

    /// A slow gateway's reply waits for nobody.
    @Test func aSlowGatewayIsNotTheClientsFault() throws {
        let server = try TestServer { peer, _ in
            _ = try peer.readRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
            peer.timeout = 60_000_000
            for byte in "abcdefgh".utf8 {
                _ = try? peer.isAtEnd()
                try peer.send([byte])
            }
        }
        let proxy = try proxy(server.address, "send_min_rate 1m/s over=100ms; client_min_rate 1m/s over=100ms;")
        #expect(try proxy.get("/").text == "abcdefgh")
    }

    @Test func upgradedConnectionsAreExempt() throws {
        let server = try TunnelTests.echo()
        let proxy = try proxy(server.address, "send_min_rate 1m/s over=100ms; client_min_rate 1m/s over=100ms;")
        let client = try proxy.connect()
        #expect(try client.upgrade("/ws").status == 101)
        #expect(try client.read(2) == Array("hi".utf8))
        pause(client, 400_000_000)
        try client.send("x")
        #expect(try client.read(1) == [0x78])
    }
}

/// The accounting alone, with a clock of its own.
struct ClientProgressTests {
    private let rate = MinimumRate(bytesPerSecond: 100, window: 10_000_000_000)
    private let second: UInt64 = 1_000_000_000

    @Test func countsOnlyTheTimeOfWaiting() {
        var progress = ClientProgress()
        // Nine waits of a second each, an hour apart.
        for round in UInt64(1)...9 {
            let start = round * 3600 * second
            progress.wait(now: start, bytes: 0)
            #expect(progress.check(rate, now: start + second, bytes: 0) == nil)
            progress.stop(now: start + second)
        }
        progress.wait(now: 40000 * second, bytes: 7)
        #expect(progress.deadline(rate) == 40001 * second)
        #expect(progress.check(rate, now: 40001 * second - 1, bytes: 0) == nil)
        #expect(progress.check(rate, now: 40001 * second, bytes: 999) == 99)
        #expect(progress.check(rate, now: 40001 * second, bytes: 1000) == nil)
    }

    @Test func eachWindowStandsForItself() {
        var progress = ClientProgress()
        progress.wait(now: second, bytes: 0)
        #expect(progress.check(rate, now: 11 * second, bytes: 1_000_000) == nil)
        #expect(progress.deadline(rate) == 21 * second)
        #expect(progress.check(rate, now: 21 * second, bytes: 1_000_999) == 99)
    }

    @Test func offMeansOff() {
        var progress = ClientProgress()
        progress.wait(now: 1, bytes: 0)
        #expect(progress.check(MinimumRate(), now: .max, bytes: 0) == nil)
        #expect(progress.deadline(MinimumRate()) == .max)
        progress.timeoutAt = 5
        #expect(progress.deadline(rate) == 5)
    }
}
