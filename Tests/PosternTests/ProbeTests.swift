import Configuration
import EventLoop
import TestSupport
import Testing

@testable import postern

struct ProbeTargetTests {
    @Test(arguments: [
        ("http://localhost/health", "http://127.0.0.1:80/health", "localhost"),
        ("https://localhost/health", "https://127.0.0.1:443/health", "localhost"),
        ("http://localhost:8080", "http://127.0.0.1:8080/", "localhost"),
        ("http://127.0.0.2:8080/a?b=c", "http://127.0.0.2:8080/a?b=c", "127.0.0.2"),
        ("https://[::1]:8443/.postern/ready", "https://[::1]:8443/.postern/ready", "::1"),
        ("http://localhost?x", "http://127.0.0.1:80/?x", "localhost"),
    ])
    func `a URL on loopback is taken`(url: String, read: String, name: String) throws {
        let target = try ProbeTarget(url: url)
        #expect(target.url == read)
        #expect(target.serverName == name)
    }

    @Test(arguments: [
        ("", "must begin with"),
        ("localhost:8080/health", "must begin with"),
        ("ftp://localhost/", "must begin with"),
        ("http://192.0.2.1/health", "this machine only"),
        ("http://0.0.0.0/health", "this machine only"),
        ("http://gateway.example.com/", "neither localhost nor an address"),
        ("http://localhost.example.com/", "neither localhost nor an address"),
        ("http://localhost@192.0.2.1/", "neither localhost nor an address"),
        ("http://localhost:99999/", "neither localhost nor an address"),
        ("http://localhost:0/", "neither localhost nor an address"),
        ("http://unix:/run/socket", "neither localhost nor an address"),
        ("http://localhost/a b", "neither spaces"),
        ("http://localhost/a\r\nX: y", "neither spaces"),
        ("http://localhost/ä", "beyond ASCII"),
        ("http://localhost/#a", "neither spaces"),
    ])
    func `another is refused`(url: String, words: String) {
        #expect { try ProbeTarget(url: url) } throws: { "\($0)".contains(words) }
    }

    private static let tls = "ssl_certificate a.pem; ssl_certificate_key b.pem;"

    @Test(arguments: [
        ("server { listen 8080; health /health; }", "http://127.0.0.1:8080/health", "localhost"),
        ("server { listen 192.0.2.1:81; health /up; }", "http://192.0.2.1:81/up", "localhost"),
        ("server { listen [::]:8080; health /health; }", "http://[::1]:8080/health", "localhost"),
        ("server { listen unix:/run/p.sock; health /health; }", "http://unix:/run/p.sock/health", "localhost"),
        (
            "server { listen 443 ssl; listen 80 redirect; server_name a.example b.example; health /health; \(tls) }",
            "https://127.0.0.1:443/health", "a.example"
        ),
        (
            "server { listen 443 ssl; health /health; \(tls) } server { listen 127.0.0.1:81; health /up; }",
            "http://127.0.0.1:81/up", "localhost"
        ),
        (
            "server { listen 80; return 204; } server { listen 80; server_name b.example; health /health; }",
            "http://127.0.0.1:80/health", "b.example"
        ),
    ])
    func `a configuration's health path is found`(text: String, url: String, host: String) throws {
        let configuration = try #require(ConfigurationLoader.load(text: text).configuration)
        let target = try #require(ProbeTarget(configuration))
        #expect(target.url == url)
        #expect(target.host == host)
        #expect(!target.needsProxyHeader)
    }

    @Test func `where the PROXY protocol is spoken, so does the probe`() throws {
        let text = "server { listen 8080 proxy_protocol; set_real_ip_from 192.0.2.1; health /health; }"
        let configuration = try #require(ConfigurationLoader.load(text: text).configuration)
        #expect(ProbeTarget(configuration)?.needsProxyHeader == true)
    }

    @Test(arguments: [
        "server { listen 8080; proxy_pass http://127.0.0.1:1; }",
        // What would lead there leads to another server: the name can't be told.
        "server { listen 80; return 204; } server { listen 80; server_name *.b.example; health /health; }",
        "server { listen 80; return 204; health /health; }",
    ])
    func `where there is none, none is made up`(text: String) throws {
        let configuration = try #require(ConfigurationLoader.load(text: text).configuration)
        #expect(ProbeTarget(configuration) == nil)
    }
}

struct ProbeExchangeTests {
    private static func ask(
        _ address: SocketAddress,
        isTLS: Bool = false,
        patience: UInt64 = 5_000_000_000
    ) throws -> Int {
        let target = ProbeTarget(address: address, isTLS: isTLS, host: "localhost", path: "/health")
        return try ProbeExchange.status(of: target, deadline: Clock.monotonic() + patience)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", 503),
        ("HTTP/1.0 204\r\n\r\n", 204),
    ])
    func `the status is told`(reply: String, status: Int) throws {
        let server = try TestServer { client, server in
            let request = try client.readRequest()
            #expect(request?.line == "GET /health HTTP/1.1")
            #expect(request?["host"] == ["localhost"])
            try client.send(reply)
        }
        #expect(try Self.ask(server.address) == status)
    }

    @Test func `a header of the PROXY protocol goes first`() throws {
        let server = try TestServer { client, server in
            #expect(try client.read(through: "\r\n") == "PROXY UNKNOWN\r\n")
            _ = try client.readRequest()
            try client.send("HTTP/1.1 200 OK\r\n\r\n")
        }
        var target = ProbeTarget(address: server.address, host: "localhost", path: "/health")
        target.needsProxyHeader = true
        #expect(try ProbeExchange.status(of: target, deadline: Clock.monotonic() + 5_000_000_000) == 200)
    }

    @Test(arguments: [
        ("", "closed the connection without an answer"),
        ("SSH-2.0-x\r\n", "answered, but not in HTTP/1"),
        ("HTTP/1.1 2000\r\n", "answered, but not in HTTP/1"),
        (String(repeating: "x", count: 5000), "answered, but not in HTTP/1"),
    ])
    func `what is no answer is told apart`(reply: String, words: String) throws {
        let server = try TestServer { client, server in
            _ = try client.readRequest()
            try client.send(reply)
        }
        #expect { try Self.ask(server.address) } throws: { "\($0)".contains(words) }
    }

    @Test func `a server that knows no TLS is told apart`() throws {
        let server = try TestServer { client, server in try client.send("HTTP/1.1 400 Bad Request\r\n\r\n") }
        #expect { try Self.ask(server.address, isTLS: true) } throws: { "\($0)".contains("no TLS: ") }
    }

    @Test func `nobody there is told apart`() throws {
        let address = SocketAddress(ipv4: 0x7F00_0001, port: 1)
        #expect { try Self.ask(address) } throws: { "\($0)".contains("nothing listens there (connect: ") }
    }

    @Test(arguments: [false, true]) func `silence ends at the deadline`(isTLS: Bool) throws {
        // Takes connections, by its backlog, and nothing more.
        let listener = try Listener.listen(on: SocketAddress(ipv4: 0x7F00_0001, port: 0))
        let address = try #require(Sockets.localAddress(of: listener.raw))
        let began = Clock.monotonic()
        #expect { try Self.ask(address, isTLS: isTLS, patience: 50_000_000) } throws: { "\($0)".contains("in time") }
        #expect(Clock.monotonic() - began >= 50_000_000)
    }
}
