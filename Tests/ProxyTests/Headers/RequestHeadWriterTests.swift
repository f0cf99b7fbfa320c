import Bytes
import TestSupport
import Testing

@testable import Proxy

struct RequestHeadWriterTests {
    private static let native = "server { listen 80; proxy_pass http://127.0.0.1:18789; }"

    private static func nginx(_ location: String, _ server: String = "") -> String {
        "events {} http { server { listen 80; \(server) location / { \(location) } } }"
    }

    @Test func writesANativeHead() throws {
        let head = try Rig(Self.native).requestHead("GET /a?b=c HTTP/1.1\nHost: gw.test:8443\nAccept: */*\nX-One: 1")
        #expect(
            head == """
                GET /a?b=c HTTP/1.1\r
                Host: gw.test:8443\r
                X-Forwarded-For: 192.0.2.7\r
                X-Real-IP: 192.0.2.7\r
                X-Forwarded-Proto: http\r
                X-Forwarded-Host: gw.test:8443\r
                X-Request-ID: 0123456789abcdeffedcba9876543210\r
                Accept: */*\r
                X-One: 1\r
                \r\n
                """
        )
    }

    @Test func writesAnNginxHead() throws {
        let head = try Rig(Self.nginx("proxy_pass http://127.0.0.1:18789; proxy_set_header X-Real-IP $remote_addr;"))
            .requestHead("GET /a HTTP/1.1\nHost: gw.test\nX-Forwarded-For: 1.2.3.4\nX-Real-IP: 6.6.6.6")
        // What Nginx sends when nothing is set: the upstream's name for Host, and the client's fields as they are.
        #expect(head.values(of: "host") == ["127.0.0.1:18789"])
        #expect(head.values(of: "x-forwarded-for") == ["1.2.3.4"])
        #expect(head.values(of: "x-real-ip") == ["192.0.2.7"])
        #expect(head.values(of: "x-forwarded-proto") == [])
    }

    private static let identity = [
        "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-User",
        "X-Forwarded-Anything", "X-Forwarded-Ssl", "Forwarded", "X-Real-IP", "X-Request-ID", "X-OpenClaw-Scopes",
    ]

    /// A client's word about who it is never reaches the gateway, however it is spelt.
    @Test(arguments: identity) func stripsIdentityInAllAliases(name: String) throws {
        let rig = try Rig(Self.native)
        for spelling in [
            name, name.uppercased(), name.lowercased(), name.replacing("-", with: "_"), name.replacing("-", with: "."),
            name.replacing("-", with: "_").uppercased(),
        ] {
            let head = try rig.requestHead("GET / HTTP/1.1\nHost: a\n\(spelling): forged-value")
            #expect(!head.contains("forged-value"), "\(spelling)")
        }
    }

    /// Nor does a field that the configuration sets, under either dialect.
    @Test(arguments: ["X-Custom-User", "x-custom-user", "X_Custom_User", "X.Custom.User", "X-CUSTOM_user"])
    func ownFieldsAreNeverTheClients(spelling: String) throws {
        for text in [
            Self.nginx("proxy_pass http://127.0.0.1:1; proxy_set_header X-Custom-User $remote_user;"),
            "server { listen 80; underscores_in_headers on; proxy_pass http://127.0.0.1:1; proxy_set_header X-Custom-User '$remote_user'; }",
        ] {
            guard let rig = try? Rig(text) else { continue }
            let head = try rig.requestHead("GET / HTTP/1.1\nHost: a\n\(spelling): forged-value")
            #expect(!head.contains("forged-value"))
        }
    }

    @Test func carriesOnATrustedPeersChain() throws {
        let text =
            "server { listen 80; set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For; proxy_pass http://127.0.0.1:1; }"
        let fields = "\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-For: 10.0.0.2\nX_Forwarded_For: alias"
        let trusted = try Rig(text, peer: "10.0.0.1:1").requestHead("GET / HTTP/1.1\nHost: a" + fields)
        #expect(trusted.values(of: "x-forwarded-for") == ["1.2.3.4, 10.0.0.2, 10.0.0.1"])
        #expect(!trusted.contains("alias"))
        let other = try Rig(text).requestHead("GET / HTTP/1.1\nHost: a" + fields)
        #expect(other.values(of: "x-forwarded-for") == ["192.0.2.7"])
    }

    @Test func dropsWhatConcernsOneConnection() throws {
        let head = try Rig(Self.native).requestHead(
            """
            GET / HTTP/1.1
            Host: a
            Connection: close, X-Secret, x-other
            X-Secret: 1
            X-Other: 2
            Keep-Alive: timeout=5
            Proxy-Connection: keep-alive
            TE: trailers
            Upgrade: websocket
            Proxy-Authorization: Basic x
            HTTP2-Settings: x
            X-Kept: 3
            """
        )
        for name in [
            "connection", "x-secret", "x-other", "keep-alive", "proxy-connection", "te", "upgrade",
            "proxy-authorization", "http2-settings",
        ] {
            #expect(head.values(of: name) == [], "\(name)")
        }
        #expect(head.values(of: "x-kept") == ["3"])
    }

    /// `Connection` can't have our own fields removed.
    @Test(arguments: ["X-Forwarded-For", "X-Real-IP", "Host", "Authorization", "Content-Length", "X-Custom-User"])
    func connectionCannotNominateOurs(name: String) throws {
        let text =
            "server { listen 80; proxy_pass http://127.0.0.1:1; proxy_set_header Host $http_host; proxy_set_header X-Custom-User ann; }"
        let rig = try Rig(text)
        guard (try? rig.requestHead("POST / HTTP/1.1\nHost: a\nContent-Length: 3\nConnection: \(name)")) != nil else {
            return
        }
        let head = try rig.requestHead("POST / HTTP/1.1\nHost: a\nContent-Length: 3\nConnection: \(name)")
        #expect(head.values(of: "x-forwarded-for") == ["192.0.2.7"])
        #expect(head.values(of: "x-real-ip") == ["192.0.2.7"])
        #expect(head.values(of: "host") == ["a"])
        #expect(head.values(of: "content-length") == ["3"])
        #expect(head.values(of: "x-custom-user") == ["ann"])
    }

    @Test func passesUpgradesOfWebSocketsOnly() throws {
        let request = """
            GET /ws HTTP/1.1
            Host: a
            Connection: keep-alive, Upgrade
            Upgrade: websocket
            Sec-WebSocket-Key: k
            Sec-WebSocket-Version: 13
            """
        for text in [
            Self.native,
            Self.nginx(
                "proxy_pass http://127.0.0.1:1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";"
            ),
        ] {
            let upgraded = try Rig(text).requestHead(request, isUpgrade: true)
            #expect(upgraded.values(of: "connection") == ["upgrade"])
            #expect(upgraded.values(of: "upgrade") == ["websocket"])
            #expect(upgraded.values(of: "sec-websocket-key") == ["k"])
            let plain = try Rig(text).requestHead("GET / HTTP/1.1\nHost: a\nUpgrade: h2c\nConnection: upgrade")
            #expect(plain.values(of: "upgrade") == [])
            #expect(plain.values(of: "connection") == [])
        }
    }

    @Test func framesBodiesItself() throws {
        let rig = try Rig(Self.native)
        let sized = try rig.requestHead("POST / HTTP/1.1\nHost: a\nContent-Length: 0005\nExpect: 100-continue")
        #expect(sized.values(of: "content-length") == ["5"])
        #expect(sized.values(of: "expect") == [])
        let chunked = try rig.requestHead("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked")
        #expect(chunked.values(of: "transfer-encoding") == ["chunked"])
        #expect(chunked.values(of: "content-length") == [])
        for alias in ["Content_Length: 50", "Transfer_Encoding: chunked", "content.length: 5"] {
            #expect(throws: (any Error).self) {
                try rig.requestHead("POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\(alias)")
            }
        }
    }

    /// `$uri` is decoded: what was `%0d%0a` must not end a line.
    @Test(arguments: ["uri", "args", "arg_x", "request_uri", "http_x_in", "cookie_c", "request"])
    func noVariableEndsALine(variable: String) throws {
        let rig = try Rig(Self.nginx("proxy_pass http://127.0.0.1:1; proxy_set_header X-Out \"a${\(variable)}b\";"))
        let head = try rig.requestHead(
            "GET /x%0d%0aX-Forged:%201%0a%00?x=%0d%0aX-Forged:%201 HTTP/1.1\nHost: a\nX-In: v\nCookie: c=%0d%0aX-Forged"
                .replacing("%00", with: "")
        )
        #expect(head.values(of: "x-forged") == [])
        #expect(!head.replacing("\r\n", with: "").contains { $0 == "\r" || $0 == "\n" })
        #expect(head.values(of: "x-out").count == 1)
    }

    @Test func emptyValuesRemoveFields() throws {
        let rig = try Rig(
            Self.nginx(
                "proxy_pass http://127.0.0.1:1; proxy_set_header Accept-Encoding ''; proxy_set_header X-Empty $http_none; proxy_set_header Host $host;"
            )
        )
        let head = try rig.requestHead("GET / HTTP/1.1\nHost: GW:1\nAccept-Encoding: gzip\nX-Empty: mine")
        #expect(head.values(of: "accept-encoding") == [])
        #expect(head.values(of: "x-empty") == [])
        #expect(head.values(of: "host") == ["gw"])
    }

    @Test(arguments: [
        ("/old/", "http://127.0.0.1:1/new/", "/old/a%20b/c?q", "/new/a%20b/c?q"),
        ("/old/", "http://127.0.0.1:1/", "/old/x", "/x"),
        ("/old/", "http://127.0.0.1:1/", "/old/%3Fx%23%25", "/%3Fx%23%25"),
        ("/old", "http://127.0.0.1:1/new", "/oldish", "/newish"),
        ("/old/", "http://127.0.0.1:1", "/old/%61?q=%20", "/old/%61?q=%20"),
        ("/old/", "http://127.0.0.1:1/n/", "/old/%0d%0a", "/n/%0D%0A"),
        ("/old/", "http://127.0.0.1:1/n/", "/old/caf%c3%a9", "/n/caf%C3%A9"),
    ])
    func replacesTheLocationsPartOfThePath(location: String, pass: String, target: String, expected: String) throws {
        let rig = try Rig("events {} http { server { listen 80; location \(location) { proxy_pass \(pass); } } }")
        let head = try rig.requestHead("GET \(target) HTTP/1.1\nHost: a")
        #expect(head.hasPrefix("GET \(expected) HTTP/1.1\r\n"))
    }

    @Test func speaksTheOlderVersion() throws {
        let rig = try Rig(Self.nginx("proxy_pass http://127.0.0.1:1; proxy_http_version 1.0;"))
        #expect(try rig.requestHead("GET / HTTP/1.1\nHost: a").hasPrefix("GET / HTTP/1.0\r\n"))
    }

    /// Nginx drops names with an underscore unless told otherwise.
    @Test func dropsUnusualNamesAsNginxDoes() throws {
        let pass = "proxy_pass http://127.0.0.1:1;"
        let request = "GET / HTTP/1.1\nHost: a\nX_Under: 1"
        #expect(try Rig(Self.nginx(pass)).requestHead(request).values(of: "x_under") == [])
        let kept = try Rig(Self.nginx(pass, "underscores_in_headers on;")).requestHead(request)
        #expect(kept.values(of: "x_under") == ["1"])
    }

    @Test func aProvedPasswordStaysHere() throws {
        let directory = try TemporaryDirectory()
        // Nobody's whom other tests know: what they proved would need no hash here.
        try directory.write("eve:{PLAIN}only-here\n", to: "htpasswd")
        let text =
            "server { listen 80; auth_basic x; auth_basic_user_file \(directory.path("htpasswd")); proxy_pass http://127.0.0.1:1; }"
        let rig = try Rig(text)
        try rig.run("GET / HTTP/1.1\nHost: a\nAuthorization: Basic ZXZlOm9ubHktaGVyZQ==", through: .limits)
        let first = rig.decide(.access)
        guard case .suspend(.hashing) = first else { throw TestError("no hash is asked for: \(first)") }
        rig.exchange.value.hashOutcome = .matches
        guard case .next = rig.decide(.access) else { throw TestError("eve isn't let in") }
        let proxy = try #require(rig.exchange.value.location?.value.proxy)
        var output = ByteBuffer()
        RequestHeadWriter.write(rig.context, proxy, to: &output)
        #expect(output.readable.string.values(of: "authorization") == [])
        let open = try Rig(Self.native).requestHead("GET / HTTP/1.1\nHost: a\nAuthorization: Bearer t")
        #expect(open.values(of: "authorization") == ["Bearer t"])
    }
}
