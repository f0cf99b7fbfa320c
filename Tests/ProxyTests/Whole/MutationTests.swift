import Synchronization
import TestSupport
import Testing

@testable import Proxy

/// Messages with random damage: whatever they are, the loop goes on and the next client is served.
struct MutationTests {
    private static let requests = [
        "GET /a%20b/../c?x=1 HTTP/1.1\r\nHost: a.test:80\r\nCookie: a=1; b=2\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: keep-alive, X-A\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\nabcde\r\n0\r\nX: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nxx",
        "HEAD http://[::1]:80/x HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\nAuthorization: Basic YTpi\r\n\r\n",
    ]

    private static let replies = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nLocation: http://a/\r\n\r\nabcde",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: X-A\r\n\r\n5\r\nabcde\r\n0\r\nX: 1\r\n\r\n",
        "HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\nto the end",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi",
        "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    ]

    private static func damage(_ text: String, _ random: inout SplitMix) -> [UInt8] {
        var bytes = Array(text.utf8)
        let special = Array("\r\n \t:;,%/\\.0\u{0}\u{7F}".utf8) + [0xFF, 0x80]
        for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = special.randomElement(using: &random)!
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(special.randomElement(using: &random)!, at: place)
            case 3: bytes.removeSubrange(place...)
            default: bytes.insert(contentsOf: bytes[place..<min(place + 20, bytes.count)], at: place)
            }
        }
        return bytes
    }

    @Test(arguments: [1, 2, 3, 4]) func theLoopGoesOn(seed: UInt64) throws {
        let random = Mutex(SplitMix(seed: seed))
        let server = try TestServer(timeout: 200_000_000) { peer, _ in
            while try !peer.isAtEnd() {
                _ = try peer.read(through: "\r\n\r\n")
                try peer.send(random.withLock { Self.damage(Self.replies.randomElement(using: &$0)!, &$0) })
                if random.withLock({ Bool.random(using: &$0) }) { return }
            }
        }
        let healthy = try TestServer { _ in Answer.ok("well") }
        let proxy = try TestProxy(
            """
            server { listen 80; proxy_pass http://\(server.address);
              proxy_read_timeout 300ms; client_header_timeout 300ms; client_body_timeout 300ms;
              add_header X-Up $upstream_http_etag;
              location /well { proxy_pass http://\(healthy.address); } }
            """
        )
        for round in 0..<150 {
            let client = try proxy.connect()
            let bytes = random.withLock { Self.damage(Self.requests.randomElement(using: &$0)!, &$0) }
            try? client.send(bytes)
            // Some stay to read, some leave at once, some by a reset.
            switch round % 3 {
            case 0:
                client.timeout = 30_000_000
                _ = try? client.readToEnd()
            case 1: client.resetOnClose()
            default: break
            }
            if round % 10 == 0 { #expect(try proxy.get("/well").text == "well") }
        }
        #expect(try proxy.get("/well").text == "well")
        #expect(proxy.runningLoops == 1)
    }
}
