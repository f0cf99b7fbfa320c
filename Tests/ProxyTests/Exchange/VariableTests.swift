import Bytes
import EventLoop
import HTTP
import Testing

@testable import Proxy

/// What every variable is replaced by.
struct VariableTests {
    private static let configuration = """
        events {} http {
          map $arg_q $mapped { 1 "one"; default "other"; }
          server {
            listen 80; server_name main.example.com;
            location / { proxy_pass http://127.0.0.1:18789; }
            location /map { return 200 $mapped; }
          }
        }
        """

    private static let request = """
        POST /a%20b/./c?q=1&Empty=&x=%20y HTTP/1.1
        Host: Gateway.Example.COM:8443
        Content-Length: 12
        Content-Type: text/plain
        User-Agent: agent "x"
        X-Custom: one
        x-custom: two
        X_Custom: alias
        Cookie: a=1; b=two; c
        Cookie: d=4
        X-Forwarded-For: 10.9.8.7
        """

    @Test(arguments: [
        ("args", "q=1&Empty=&x=%20y"), ("query_string", "q=1&Empty=&x=%20y"), ("is_args", "?"), ("uri", "/a b/c"),
        ("document_uri", "/a b/c"), ("request_uri", "/a%20b/./c?q=1&Empty=&x=%20y"),
        ("request", "POST /a%20b/./c?q=1&Empty=&x=%20y HTTP/1.1"), ("request_method", "POST"),
        ("host", "gateway.example.com"), ("scheme", "http"), ("https", ""), ("server_protocol", "HTTP/1.1"),
        ("request_id", "0123456789abcdeffedcba9876543210"), ("content_length", "12"), ("content_type", "text/plain"),
        ("http_user_agent", "agent \"x\""), ("http_x_custom", "one, two"), ("http_none", ""),
        ("http_host", "Gateway.Example.COM:8443"), ("arg_q", "1"), ("arg_x", "%20y"), ("arg_empty", ""),
        ("arg_none", ""),
        ("cookie_a", "1"), ("cookie_b", "two"), ("cookie_c", ""), ("cookie_d", "4"),
        ("http_cookie", "a=1; b=two; c; d=4"),
        ("remote_addr", "192.0.2.7"), ("remote_port", "4000"), ("binary_remote_addr", "\u{C0}\0\u{2}\u{7}"),
        ("realip_remote_addr", "192.0.2.7"), ("realip_remote_port", "4000"), ("server_addr", "192.0.2.1"),
        ("server_port", "8443"), ("connection", "17"), ("connection_requests", "1"), ("ssl_protocol", ""),
        ("ssl_cipher", ""), ("ssl_server_name", ""), ("ssl_session_reused", ""), ("remote_user", ""),
        ("server_name", "main.example.com"), ("server_zone", "main.example.com"), ("limit_req_status", ""),
        ("proxy_add_x_forwarded_for", "10.9.8.7, 192.0.2.7"), ("proxy_host", "127.0.0.1:18789"),
        ("proxy_port", "18789"),
        ("status", "0"), ("body_bytes_sent", "0"), ("bytes_sent", "0"), ("request_time", "0.000"), ("pipe", "."),
        ("upstream_addr", ""), ("upstream_status", ""), ("upstream_response_time", ""), ("upstream_connect_time", ""),
        ("upstream_header_time", ""), ("upstream_response_length", ""), ("upstream_bytes_received", ""),
        ("upstream_bytes_sent", ""), ("sent_http_etag", ""),
        ("upstream_http_etag", ""), ("postern_refusal", ""), ("postern_proof", ""),
    ])
    func rendersAsNginxDoes(name: String, expected: String) throws {
        let rig = try Rig(Self.configuration)
        try rig.run(Self.request)
        let variable = try #require(Variable(named: name))
        if name == "binary_remote_addr" {
            var output = ByteBuffer()
            rig.context.append(CompiledTemplate(Template([.variable(variable)]), arena: Arena.kept()), to: &output)
            #expect(output.readable.array == [192, 0, 2, 7])
        } else {
            #expect(rig.render(variable) == expected)
        }
    }

    @Test func everyVariableRendersWithoutTrapping() throws {
        let rig = try Rig(Self.configuration)
        // Before any phase, as for a head that couldn't be read, and after all of them.
        try rig.begin("GET / HTTP/1.1\nHost: a")
        rig.exchange.value.head.reset()
        for variable in Variable.simple.values { _ = rig.render(variable) }
        try rig.run("OPTIONS * HTTP/1.1\nHost: a")
        for variable in Variable.simple.values { _ = rig.render(variable) }
        try rig.run("GET / HTTP/1.0")
        for variable in Variable.simple.values { _ = rig.render(variable) }
        #expect(rig.render(.host) == "main.example.com")
        #expect(rig.render(.serverProtocol) == "HTTP/1.0")
    }

    @Test func everyNameHasAVariableOfItsOwnCode() {
        var codes: [VariableCode: String] = [:]
        let aliases: Set = ["query_string", "document_uri", "server_zone"]
        for (name, variable) in Variable.simple where !aliases.contains(name) {
            let code = variable.compiled.0
            #expect(codes[code] == nil, "\(name) and \(codes[code] ?? "") share a code")
            codes[code] = name
        }
    }

    @Test func repliesAndAttemptsShow() throws {
        let rig = try Rig(Self.configuration)
        try rig.run("GET /?q=2 HTTP/1.1\nHost: a")
        try rig.receiveReply("HTTP/1.1 404 Not Found\nETag: \"v1\"\nX-Up: up\nContent-Length: 3")
        let start = rig.environment.value.now
        rig.exchange.value.attempts = 1
        rig.exchange.value.attemptStartedAt = start
        rig.exchange.value.connectedAt = start + 1_000_000
        rig.exchange.value.headReceivedAt = start + 20_000_000
        rig.exchange.value.upstreamEndedAt = start + 1_345_000_000
        rig.exchange.value.upstreamBytes = 77
        rig.exchange.value.lastUpstreamAddress = SocketAddress(ipv4: 0x7F00_0001, port: 18789)
        rig.exchange.value.bytesSent = 500
        rig.exchange.value.bodyBytesSent = 300
        rig.environment.value.now = start + 2_001_000_000
        #expect(rig.render(.status) == "404")
        #expect(rig.render(.upstreamStatus) == "404")
        #expect(rig.render(.upstreamField(Array("etag".utf8))) == "\"v1\"")
        #expect(rig.render(.upstreamAddress) == "127.0.0.1:18789")
        #expect(rig.render(.upstreamConnectTime) == "0.001")
        #expect(rig.render(.upstreamHeaderTime) == "0.020")
        #expect(rig.render(.upstreamResponseTime) == "1.345")
        #expect(rig.render(.upstreamResponseLength) == "77")
        #expect(rig.render(.bytesSent) == "500")
        #expect(rig.render(.bodyBytesSent) == "300")
        #expect(rig.render(.requestTime) == "2.001")
    }

    @Test func allAttemptsShow() throws {
        let rig = try Rig(Self.configuration)
        try rig.run("GET / HTTP/1.1\nHost: a")
        let start = rig.environment.value.now
        #expect(rig.render(.upstreamStatus) == "")
        rig.exchange.value.beginAttempt(now: start)
        rig.exchange.value.lastUpstreamAddress = SocketAddress(ipv4: 0x7F00_0001, port: 1)
        rig.exchange.value.connectedAt = start + 1_000_000
        rig.exchange.value.upstreamBytes = 9
        rig.exchange.value.upstreamBytesSent = 7
        rig.exchange.value.lastUpstreamStatus = 504
        rig.exchange.value.beginAttempt(now: start + 2_000_000)
        rig.exchange.value.lastUpstreamAddress = SocketAddress(ipv4: 0x7F00_0002, port: 2)
        #expect(rig.render(.upstreamAddress) == "127.0.0.1:1, 127.0.0.2:2")
        #expect(rig.render(.upstreamStatus) == "504, -")
        #expect(rig.render(.upstreamConnectTime) == "0.001, -")
        #expect(rig.render(.upstreamHeaderTime) == "-, -")
        #expect(rig.render(.upstreamResponseTime) == "0.002, -")
        #expect(rig.render(.upstreamResponseLength) == "0, 0")
        #expect(rig.render(.upstreamBytesReceived) == "9, 0")
        #expect(rig.render(.upstreamBytesSent) == "7, 0")
        // Of very many, the last is always there.
        for number in 3...100 {
            rig.exchange.value.lastUpstreamStatus = 500
            rig.exchange.value.beginAttempt(now: start + UInt64(number) * 1_000_000)
        }
        rig.exchange.value.lastUpstreamStatus = 200
        let statuses = rig.render(.upstreamStatus).split(separator: ", ")
        #expect(statuses == ["504"] + Array(repeating: "500", count: Exchange.attemptLimit - 2) + ["200"])
        try rig.run("GET / HTTP/1.1\nHost: a")
        #expect(rig.render(.upstreamStatus) == "")
    }

    @Test func fieldsShowAsTheyWereSent() throws {
        let rig = try Rig(
            """
            events {} http { server { listen 80; location / {
              proxy_pass http://127.0.0.1:1; proxy_hide_header X-Secret; add_header X-Two "";
              add_header Cache-Control private; add_header X-Seen "$sent_http_x_up,$sent_http_cache_control";
            } } }
            """
        )
        func sent(_ name: String) -> String { rig.render(.sentField(Array(name.utf8))) }
        _ = try rig.replyHead(
            "HTTP/1.1 200 OK\nX-Secret: s\nX-Up:  up\nX-Up: two\nCache-Control: no-store\nContent-Length: 3"
        )
        #expect(sent("x-up") == "up")
        #expect(sent("x-secret") == "")
        #expect(sent("x-two") == "")
        #expect(sent("x") == "")
        #expect(sent("cache-control") == "no-store, private")
        #expect(sent("x-seen") == "up,no-store, private")
        #expect(sent("content-length") == "3")
        #expect(sent("server") == "")
        #expect(sent("connection") == "keep-alive")
        try rig.run("GET / HTTP/1.1\nHost: a")
        #expect(sent("x-up") == "")
        _ = rig.ownReply(Reply(502))
        #expect(sent("content-type") == "text/plain; charset=utf-8")
        #expect(sent("x-seen") == "")
    }

    @Test func mapsAndUsersShow() throws {
        let rig = try Rig(Self.configuration)
        try rig.run("GET /map?q=1 HTTP/1.1\nHost: a")
        #expect(rig.render(.map(0)) == "one")
        try rig.run("GET /map?q=2 HTTP/1.1\nHost: a")
        #expect(rig.render(.map(0)) == "other")
        #expect(rig.render(.map(99)) == "")
        rig.exchange.value.user = ByteBuffer(Array("ann".utf8))
        #expect(rig.render(.remoteUser) == "")
        rig.exchange.value.hasUser = true
        #expect(rig.render(.remoteUser) == "ann")
    }

    @Test func timesHaveTheirForms() throws {
        let rig = try Rig(Self.configuration)
        try rig.run("GET / HTTP/1.1\nHost: a")
        #expect(rig.render(.timeLocal).wholeMatch(of: /\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}/) != nil)
        #expect(rig.render(.timeISO8601).wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d/) != nil)
        #expect(rig.render(.milliseconds).wholeMatch(of: /\d{10}\.\d{3}/) != nil)
        #expect(Int(rig.render(.processID)) ?? 0 > 0)
        #expect(!rig.render(.hostname).isEmpty)
        #expect(Int(rig.render(.requestLength)) == "GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8.count)
    }

    @Test func anIPv6AddressHasItsForms() throws {
        let rig = try Rig(Self.configuration, peer: "[2001:db8::1]:99")
        try rig.run("GET / HTTP/1.1\nHost: [2001:DB8::2]:80")
        #expect(rig.render(.remoteAddress) == "2001:db8::1")
        #expect(rig.render(.host) == "[2001:db8::2]")
        var output = ByteBuffer()
        rig.context.append(
            CompiledTemplate(Template([.variable(.binaryRemoteAddress)]), arena: Arena.kept()),
            to: &output
        )
        #expect(output.readable.array == [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1])
    }

    @Test func literalsAndVariablesAreJoined() throws {
        let rig = try Rig(Self.configuration)
        try rig.run("GET /x?y HTTP/1.1\nHost: a")
        let arena = Arena.kept()
        let template = Template([
            .literal(Array("<".utf8)), .variable(.uri), .literal(Array("|".utf8)), .variable(.args),
        ])
        var output = ByteBuffer()
        rig.context.append(CompiledTemplate(template, arena: arena), to: &output)
        #expect(output.readable.string == "</x|y")
        #expect(CompiledTemplate(Template([]), arena: arena).isEmpty)
    }
}
