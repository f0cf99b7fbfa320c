import Bytes
import Testing

@testable import Proxy

/// Policy is decided on the path that the gateway will act on, however it reads it.
struct LocationPhaseTests {
    /// `/private/` needs what `/` doesn't; both are proxied.
    private func guarded(_ more: String = "") throws -> Rig {
        try Rig(
            """
            events {} http {
              server {
                listen 80; \(more)
                location / { proxy_pass http://127.0.0.1:1; }
                location /private/ { deny all; proxy_pass http://127.0.0.1:1; }
                location /public/ { proxy_pass http://127.0.0.1:1; }
                location = /exact { return 204; }
              }
            }
            """
        )
    }

    private func status(_ rig: Rig, _ target: String) throws -> Int {
        try rig.status("GET \(target) HTTP/1.1\nHost: a")
    }

    @Test(arguments: [
        ("/", 0), ("/public/x", 0), ("/private/x", 403), ("/exact", 204), ("/exact/", 0), ("/exact?x", 204),
        // One reading leads elsewhere than another: refused.
        ("/public/..%2fprivate/x", 400), ("/public/%2e%2e%2fprivate/x", 400), ("/private/..%2fpublic/x", 400),
        ("/public/..;/private/x", 400), ("/public/..%3b/private/x", 400), ("/public/..\\private/x", 400),
        ("/public/..%5cprivate/x", 400), ("/public/%252e%252e/private/x", 400), ("/public/..%252fprivate/x", 400),
        ("/%2fprivate/x", 400), ("/private%2fx", 400), ("/private%252fx", 400), ("/private;x/y", 400),
        ("/private\\x", 400),
        ("//private/x", 400), ("/x/%2e%2e%2fprivate%2fy", 400), ("/public/../private/x", 400), ("/%70rivate/x", 403),
        ("/private/../public/x", 400), ("/public/./../private/", 400), ("/exact%2f", 0), ("/exact/..", 0),
        // All readings lead to rules of the same sort.
        ("/public/a%2fb", 0), ("/a/../b", 0), ("/public/%2e%2e/x", 0), ("/models/openclaw%2Fdefault", 0),
        ("/a;b=c/d", 0),
        ("/a%5cb", 0), ("/a//b", 0), ("/a%20b", 0), ("/caf%C3%A9", 0), ("/private/%78", 403), ("/private//x", 403),
        // Never, whatever the rules.
        ("/%00", 400), ("/a%0", 400), ("/a%zz", 400), ("/%ff", 400), ("/%c0%af", 400), ("/../x", 400),
        ("/%2e%2e/x", 400),
        ("/..", 400), ("/a/../../b", 400),
    ])
    func refusesWhatTwoServersReadDifferently(target: String, expected: Int) throws {
        let rig = try guarded()
        let status = try status(rig, target)
        #expect(status == expected, "\(target)")
        if status == 400 { #expect([Refusal.ambiguousPath, .malformedPath].contains(rig.exchange.value.refusal)) }
    }

    @Test(arguments: [
        "/public/..%2fprivate/x", "/private%2fx", "//private/x", "/public/..;/private/x", "/private/..%5cpublic",
        "/%2570rivate",
    ])
    func nothingIsAmbiguousUnderOnePolicy(target: String) throws {
        let rig = try Rig("server { listen 80; proxy_pass http://127.0.0.1:1; }")
        #expect(try status(rig, target) == 0)
    }

    @Test func theNormalPathDecidesAndTheRawOneIsKept() throws {
        let rig = try Rig("server { listen 80; proxy_pass http://127.0.0.1:1; }")
        try rig.run("GET /a/./b/../%63//d HTTP/1.1\nHost: a")
        #expect(rig.render(.uri) == "/a/c/d")
        #expect(rig.render(.requestURI) == "/a/./b/../%63//d")
    }

    @Test func asksNoPathOfOptions() throws {
        // The server's own level answers: it proxies in a native file, and has nothing in an Nginx one.
        let native = try Rig("server { listen 80; proxy_pass http://127.0.0.1:1; location /x { deny all; } }")
        #expect(try native.status("OPTIONS * HTTP/1.1\nHost: a") == 0)
        #expect(try guarded().status("OPTIONS * HTTP/1.1\nHost: a") == 404)
    }

    @Test(arguments: [(1023, 0), (1024, 0), (1025, 413)]) func boundsBodies(length: Int, expected: Int) throws {
        let rig = try guarded("client_max_body_size 1k;")
        let head = "POST / HTTP/1.1\nHost: a\nContent-Length: \(length)"
        #expect(try rig.status(head) == expected)
        if expected == 413 {
            #expect(rig.exchange.value.refusal == .bodyTooLarge)
            #expect(try rig.reply(head)?.closes == true)
        }
    }
}
