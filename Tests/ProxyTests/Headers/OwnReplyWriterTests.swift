import Bytes
import Testing

@testable import Proxy

struct OwnReplyWriterTests {
    private static let configuration = """
        server { listen 80; proxy_pass http://127.0.0.1:1;
          location = /text { return 200 "uri is $uri"; }
          location = /away { return 302 https://x.test$uri; }
          location = /gone { return 410; }
          location = /nothing { return 204; }
          location = /odd { return 499; }
        }
        """

    private func answer(_ head: String) throws -> (head: String, body: String) {
        let rig = try Rig(Self.configuration)
        let reply = try #require(try rig.reply(head))
        let text = rig.ownReply(reply)
        let end = try #require(text.firstRange(of: "\r\n\r\n"))
        return (String(text[..<end.upperBound]), String(text[end.upperBound...]))
    }

    @Test(arguments: [
        ("application/json", true), ("text/html, application/json", false), ("*/*", false), ("text/plain", false),
        ("application/json; q=0.9, */*", true),
    ])
    func speaksJSONToPrograms(accept: String, isJSON: Bool) throws {
        let (head, body) = try answer("GET /gone HTTP/1.1\nHost: a\nAccept: \(accept)")
        #expect(head.hasPrefix("HTTP/1.1 410 Gone\r\n"))
        #expect(head.values(of: "content-type") == [isJSON ? "application/json" : "text/plain; charset=utf-8"])
        #expect(head.values(of: "content-length") == ["\(body.utf8.count)"])
        #expect(head.values(of: "x-request-id") == ["0123456789abcdeffedcba9876543210"])
        if isJSON {
            #expect(body == "{\"status\":410,\"error\":\"Gone\",\"request_id\":\"0123456789abcdeffedcba9876543210\"}\n")
        } else {
            #expect(body == "410 Gone\nrequest id: 0123456789abcdeffedcba9876543210\n")
        }
    }

    @Test func returnsText() throws {
        let (head, body) = try answer("GET /text HTTP/1.1\nHost: a\nAccept: application/json")
        #expect(body == "uri is /text")
        #expect(head.values(of: "content-length") == ["12"])
        #expect(head.values(of: "content-type") == ["text/plain"])
    }

    @Test func answersHEADWithoutABody() throws {
        let (head, body) = try answer("HEAD /text HTTP/1.1\nHost: a")
        #expect(body == "")
        #expect(head.values(of: "content-length") == ["12"])
    }

    @Test func noContentHasNoFraming() throws {
        let (head, body) = try answer("GET /nothing HTTP/1.1\nHost: a")
        #expect(body == "")
        #expect(head.values(of: "content-length") == [])
        #expect(head.values(of: "transfer-encoding") == [])
    }

    @Test func redirects() throws {
        let (head, body) = try answer("GET /away HTTP/1.1\nHost: a")
        #expect(head.values(of: "location") == ["https://x.test/away"])
        #expect(head.hasPrefix("HTTP/1.1 302 Found\r\n"))
        #expect(head.values(of: "content-length") == ["\(body.utf8.count)"])
    }

    @Test func unknownStatusesAreWrittenToo() throws {
        let (head, _) = try answer("GET /odd HTTP/1.1\nHost: a")
        #expect(head.hasPrefix("HTTP/1.1 499"))
    }

    @Test func tellsWhenToRetry() throws {
        let rig = try Rig(Self.configuration)
        try rig.run("GET / HTTP/1.1\nHost: a")
        var reply = Reply(503)
        reply.retryAfter = 7
        #expect(rig.ownReply(reply).values(of: "retry-after") == ["7"])
        #expect(rig.ownReply(Reply(503)).values(of: "retry-after") == [])
    }

    @Test func countsTheBodyItSent() throws {
        let rig = try Rig(Self.configuration)
        let reply = try #require(try rig.reply("GET /text HTTP/1.1\nHost: a"))
        _ = rig.ownReply(reply)
        #expect(rig.exchange.value.bodyBytesSent == 12)
    }

    @Test(arguments: [true, false]) func tellsWhoIsReady(isReady: Bool) throws {
        let rig = try Rig(Self.configuration)
        guard case .suspend(.readiness) = try rig.run("GET /.postern/ready HTTP/1.1\nHost: a") else {
            Issue.record("no wait")
            return
        }
        rig.exchange.value.readiness = isReady
        guard case .respond(let reply) = rig.decide(.server) else {
            Issue.record("no reply")
            return
        }
        #expect(reply.status == (isReady ? 200 : 503))
        #expect(rig.ownReply(reply).hasSuffix(isReady ? "\r\n\r\nready\n" : "\r\n\r\nnot ready\n"))
    }

    @Test func isHealthyWithoutAuthOrLimits() throws {
        let rig = try Rig(
            """
            server { listen 80; health /health; limit_req rate=1r/h per=ip; deny all; proxy_pass http://127.0.0.1:1; }
            """
        )
        for _ in 0..<3 {
            let reply = try #require(try rig.reply("GET /health HTTP/1.1\nHost: a"))
            #expect(rig.ownReply(reply).hasSuffix("\r\n\r\nhealthy\n"))
        }
        #expect(try rig.status("GET /healthy HTTP/1.1\nHost: a") == 403)
    }
}
