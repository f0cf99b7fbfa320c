import Testing

@testable import Proxy

struct ReplyHeadWriterTests {
    private func nginx(_ location: String, _ server: String = "") throws -> Rig {
        try Rig(
            "events {} http { server { listen 80; \(server) location / { proxy_pass http://127.0.0.1:1; \(location) } } }"
        )
    }

    @Test func dropsWhatConcernsOneConnection() throws {
        let head = try nginx("").replyHead(
            """
            HTTP/1.1 200 Fine
            Connection: close, X-Hop
            X-Hop: 1
            Keep-Alive: timeout=5
            Proxy-Authenticate: Basic
            Trailer: X-T
            Content-Length: 5
            ETag: "v"
            Set-Cookie: a=1
            Set-Cookie: b=2
            """
        )
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
        for name in ["connection", "x-hop", "keep-alive", "proxy-authenticate"] { #expect(head.values(of: name) == []) }
        #expect(head.values(of: "content-length") == ["5"])
        #expect(head.values(of: "etag") == ["\"v\""])
        #expect(head.values(of: "set-cookie") == ["a=1", "b=2"])
        #expect(head.hasSuffix("\r\n\r\n"))
    }

    @Test(arguments: [
        ("add_header ETag own;", "200 OK", ["own"]), ("add_header ETag own;", "404 Not Found", ["\"v\""]),
        ("add_header ETag own always;", "404 Not Found", ["own"]),
        ("add_header ETag one always; add_header etag two;", "200 OK", ["two"]),
        ("add_header ETag one always; add_header etag two;", "404 Not Found", ["one"]),
        ("add_header ETag $arg_none;", "200 OK", []), ("add_header ETag $arg_none;", "404 Not Found", ["\"v\""]),
    ])
    func aRuleReplacesWhereItHolds(rules: String, status: String, expected: [String]) throws {
        let head = try nginx(rules).replyHead("HTTP/1.1 \(status)\nETag: \"v\"\nContent-Length: 0")
        #expect(head.values(of: "etag") == expected)
    }

    @Test func anErrorKeepsItsTypeWhereNoRuleHolds() throws {
        let rig = try nginx("add_header Content-Type text/x;")
        try rig.run("GET / HTTP/1.1\nHost: a")
        #expect(rig.ownReply(Reply(502)).values(of: "content-type") == ["text/plain; charset=utf-8"])
        #expect(rig.ownReply(Reply(200)).values(of: "content-type") == ["text/x"])
    }

    @Test func serverAndDateAreOurs() throws {
        let reply =
            "HTTP/1.1 200 OK\nServer: gateway/1\nDate: Thu, 01 Jan 1970 00:00:00 GMT\nX-Powered-By: x\nContent-Length: 0"
        let head = try nginx("").replyHead(reply)
        #expect(head.values(of: "server").count == 1)
        #expect(head.values(of: "date").count == 1)
        #expect(!head.contains("gateway/1"))
        #expect(!head.contains("1970"))
        #expect(head.values(of: "x-powered-by") == ["x"])
        let passed = try nginx("proxy_hide_header X-Powered-By;").replyHead(reply)
        #expect(passed.values(of: "x-powered-by") == [])
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\nContent-Length: 7", ["7"], [String]()),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", [], ["chunked"]),
        ("HTTP/1.1 200 OK", [], ["chunked"]), ("HTTP/1.1 204 No Content\nContent-Length: 0", [], []),
        ("HTTP/1.1 304 Not Modified\nContent-Length: 7", ["7"], []), ("HTTP/1.1 304 Not Modified", [], []),
    ])
    func framesAnew(reply: String, length: [String], coding: [String]) throws {
        let head = try nginx("").replyHead(reply)
        #expect(head.values(of: "content-length") == length)
        #expect(head.values(of: "transfer-encoding") == coding)
    }

    @Test func aHeadsReplyTellsTheLength() throws {
        let head = try nginx("").replyHead("HTTP/1.1 200 OK\nContent-Length: 99", to: "HEAD / HTTP/1.1\nHost: a")
        #expect(head.values(of: "content-length") == ["99"])
    }

    @Test(arguments: [
        (200, true), (201, true), (204, true), (206, true), (301, true), (302, true), (303, true), (304, true),
        (307, true),
        (308, true), (202, false), (400, false), (404, false), (500, false),
    ])
    func addsFieldsByStatus(status: Int, isListed: Bool) throws {
        let rig = try nginx("add_header X-Listed 1; add_header X-Always 2 always;")
        let head = try rig.replyHead("HTTP/1.1 \(status) X\nContent-Length: 0")
        #expect(head.values(of: "x-listed") == (isListed ? ["1"] : []))
        #expect(head.values(of: "x-always") == ["2"])
    }

    @Test func levelsReplaceInNginxAndMergeInNative() throws {
        let reply = "HTTP/1.1 200 OK\nContent-Length: 0"
        let nginx = try nginx("add_header X-In 1;", "add_header X-Out 1;").replyHead(reply)
        #expect(nginx.values(of: "x-in") == ["1"])
        #expect(nginx.values(of: "x-out") == [])
        let native = try Rig(
            """
            server { listen 80; add_header X-Out 1; proxy_pass http://127.0.0.1:1; location / { add_header X-In 1; } }
            """
        ).replyHead("HTTP/1.1 404 Not Found\nContent-Length: 0")
        #expect(native.values(of: "x-in") == ["1"])
        #expect(native.values(of: "x-out") == ["1"])
    }

    @Test func nativeRepliesAreSafeByDefault() throws {
        let rig = try Rig("server { listen 80; proxy_pass http://127.0.0.1:1; }")
        let head = try rig.replyHead("HTTP/1.1 500 X\nContent-Length: 0\nX-Content-Type-Options: weaker")
        #expect(head.values(of: "x-content-type-options") == ["nosniff"])
    }

    @Test func noVariableEndsALine() throws {
        let rig = try nginx("add_header X-Out \"<$uri>\"; add_header X-None $http_none;")
        let head = try rig.replyHead(
            "HTTP/1.1 200 OK\nContent-Length: 0",
            to: "GET /a%0d%0aX-Forged:%201 HTTP/1.1\nHost: a"
        )
        #expect(head.values(of: "x-forged") == [])
        #expect(head.values(of: "x-out") == ["</a%0D%0AX-Forged: 1>"])
        #expect(head.values(of: "x-none") == [])
    }

    @Test(arguments: [
        ("", "http://127.0.0.1:1/x?y", "/x?y"), ("", "https://elsewhere/x", "https://elsewhere/x"),
        ("", "/plain", "/plain"),
        ("proxy_redirect off;", "http://127.0.0.1:1/x", "http://127.0.0.1:1/x"),
        ("proxy_redirect http://127.0.0.1:1/ https://$host/;", "http://127.0.0.1:1/x", "https://gw/x"),
        ("proxy_redirect http://in/ http://out/;", "http://in/deep/x", "http://out/deep/x"),
        ("proxy_redirect http://in/ http://out/;", "http://IN/x", "http://IN/x"),
    ])
    func rewritesRedirects(directive: String, location: String, expected: String) throws {
        let rig = try nginx(directive)
        let request = "GET / HTTP/1.1\nHost: gw"
        let head = try rig.replyHead("HTTP/1.1 302 Found\nContent-Length: 0\nLocation: \(location)", to: request)
        #expect(head.values(of: "location") == [expected])
        let refresh = try rig.replyHead("HTTP/1.1 200 OK\nContent-Length: 0\nRefresh: 5; url=\(location)", to: request)
        #expect(refresh.values(of: "refresh") == ["5; url=\(expected)"])
    }

    @Test func saysWhatBecomesOfTheConnection() throws {
        let rig = try nginx("")
        try rig.run("GET / HTTP/1.0")
        let reply = "HTTP/1.1 200 OK\nContent-Length: 0"
        #expect(try rig.replyHead(reply, to: "GET / HTTP/1.0").values(of: "connection") == ["keep-alive"])
        #expect(try rig.replyHead(reply).values(of: "connection") == [])
    }
}
