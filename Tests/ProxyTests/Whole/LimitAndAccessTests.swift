import Access
import Bytes
import Crypto
import EventLoop
import Limits
import TestSupport
import Testing

@testable import Proxy

/// Limits with exact counts, and logins, through sockets.
struct LimitAndAccessTests {
    /// Two loops let through what one does: the buckets are shared.
    @Test(arguments: [1, 2]) func countsAreExact(workers: Int) throws {
        let server = try TestServer { _ in Answer.ok() }
        let proxy = try TestProxy(
            """
            events {} http {
              limit_req_zone $binary_remote_addr zone=z:1m rate=10r/h;
              server { listen 80; location / { limit_req zone=z burst=20 nodelay; proxy_pass http://\(server.address); } }
            }
            """.replacing("10r/h", with: "1r/m"),
            workers: workers
        )
        var statuses: [Int: Int] = [:]
        // Many connections, so that both loops have some.
        for _ in 0..<20 {
            let client = try proxy.connect()
            for _ in 0..<3 { statuses[try client.exchange("GET", "/").status, default: 0] += 1 }
        }
        #expect(statuses == [200: 21, 503: 39])
        #expect(server.requests.count == 21)
    }

    @Test func delayedRequestsComeLate() throws {
        let server = try TestServer { _ in Answer.ok() }
        let proxy = try TestProxy(
            """
            events {} http {
              limit_req_zone $binary_remote_addr zone=z:1m rate=20r/s;
              server { listen 80; location / { limit_req zone=z burst=5; proxy_pass http://\(server.address); } }
            }
            """
        )
        let client = try proxy.connect()
        let start = Clock.monotonic()
        for _ in 0..<5 { #expect(try client.exchange("GET", "/").status == 200) }
        // Four of them wait for 50 ms each.
        #expect(Clock.monotonic() - start >= 195_000_000)
    }

    @Test func aClientThatLeavesWhileDelayedIsForgotten() throws {
        let server = try TestServer { _ in Answer.ok() }
        let proxy = try TestProxy(
            """
            events {} http {
              limit_req_zone $binary_remote_addr zone=z:1m rate=5r/s;
              server { listen 80; location / { limit_req zone=z burst=5; proxy_pass http://\(server.address); } }
            }
            """
        )
        #expect(try proxy.get("/first").status == 200)
        do {
            let client = try proxy.connect()
            try client.request("GET", "/gone")
            client.resetOnClose()
        }
        // This one's turn is after that of the one that left.
        #expect(try proxy.get("/last").status == 200)
        #expect(server.requests.map(\.target).filter { $0 != "/gone" } == ["/first", "/last"])
    }

    private static func basic(_ text: String) -> (String, String) {
        ("Authorization", "Basic " + String(decoding: Base64.encode(Array(text.utf8).span), as: UTF8.self))
    }

    @Test func loginsAreCheckedOffTheLoop() throws {
        let directory = try TemporaryDirectory()
        // SHA-512 crypt of `secret`, salt `saltsalt`, few rounds.
        let file = try directory.write("ann:{PLAIN}secret\nold:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", to: "htpasswd")
        let server = try TestServer { Answer.ok($0["authorization"].joined()) }
        let proxy = try TestProxy(
            "server { listen 80; auth_basic Gate; auth_basic_user_file \(file); proxy_pass http://\(server.address); }"
        )
        let client = try proxy.connect()
        let refused = try client.exchange("GET", "/")
        #expect(refused.status == 401)
        #expect(refused["www-authenticate"]?.hasPrefix("Basic realm=\"Gate\"") == true)
        for (credentials, status) in [
            ("ann:secret", 200), ("old:secret", 200), ("ann:wrong", 401), ("eve:secret", 401),
        ] {
            for _ in 0..<2 {
                let response = try client.exchange("GET", "/", [Self.basic(credentials)])
                #expect(response.status == status, "\(credentials)")
                // The password stays here.
                if status == 200 { #expect(response.text == "") }
            }
        }
        try directory.write("old:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", to: "htpasswd")
        #expect(TestProxy.wait { (try? client.exchange("GET", "/", [Self.basic("ann:secret")]).status) == 401 } == true)
        #expect(try client.exchange("GET", "/", [Self.basic("old:secret")]).status == 200)
        #expect(!proxy.errorLog.contains("secret"))
    }

    /// A disk that takes its time holds up those who need the file, and nobody else.
    @Test func usersAreReadOffTheLoop() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("ann:{PLAIN}secret\n", to: "htpasswd")
        let server = try TestServer { Answer.ok($0.target) }
        let gate = Gate()
        let proxy = try TestProxy(
            """
            events {} http { server { listen 80;
              location / { proxy_pass http://\(server.address); }
              location /in/ { auth_basic Gate; auth_basic_user_file \(file); proxy_pass http://\(server.address); }
            } }
            """
        ) { (path, generation) throws(PasswordFileError) in
            gate.pass()
            return try PasswordFile.load(path: path, generation: generation)
        }
        let waiting = try (0..<5).map { _ in try proxy.connect() }
        for client in waiting { try client.request("GET", "/in/", [Self.basic("ann:secret")]) }
        let leaving = try proxy.connect()
        try leaving.request("GET", "/in/", [Self.basic("ann:secret")])
        leaving.resetOnClose()
        for _ in 0..<20 { #expect(try proxy.get("/out").status == 200) }
        #expect(!server.requests.contains { $0.target == "/in/" })
        gate.open()
        for client in waiting { #expect(try client.readResponse().text == "/in/") }
        // Changed while it is in use: the next request knows.
        try directory.write("bob:{PLAIN}other\n", to: "htpasswd")
        #expect(try waiting[0].exchange("GET", "/in/", [Self.basic("ann:secret")]).status == 401)
        #expect(try waiting[1].exchange("GET", "/in/", [Self.basic("bob:other")]).status == 200)
    }

    /// Guesses of clients that have left are not worth a second of hashing each.
    @Test func hashesOfClientsThatLeftAreNotComputed() throws {
        let directory = try TemporaryDirectory()
        let hash = "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
        let file = try directory.write("slow:\(hash)\n", to: "htpasswd")
        let proxy = try TestProxy(
            "server { listen 80; auth_basic Gate; auth_basic_user_file \(file); proxy_pass http://127.0.0.1:1; }"
        )
        let hashing = proxy.services.hashing
        // The one thread is held where it delivers another's outcome, however long the machine takes for all the rest.
        let gate = Gate()
        defer { gate.open() }
        let job = HashJob(
            digest: Digest32((1, 2, 3, 4)),
            stored: Array("{PLAIN}a".utf8).span,
            password: Array("b".utf8).span,
            isDummy: true,
            cache: nil
        )
        let other = LimitKey(ipv4: 0xC000_0201)
        #expect(hashing.submit(job, address: other, ticket: 1) { _ in gate.pass() } == .accepted)
        #expect(TestProxy.wait { hashing.statistics.computed == 1 })
        var clients: [TestClient] = []
        for number in 0..<6 {
            clients.append(try proxy.connect())
            try clients[number].request("GET", "/", [Self.basic("slow:guess \(number)")])
            #expect(TestProxy.wait { hashing.statistics.waiting == number + 1 })
        }
        clients.removeLast(5)
        #expect(TestProxy.wait { hashing.statistics.cancelled == 5 })
        #expect(hashing.statistics.waiting == 1)
        gate.open()
        #expect(try clients[0].readResponse().status == 401)
        #expect(hashing.statistics.computed == 2)
    }

    @Test func pipelinedRequestsWaitForALoginInOrder() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", to: "htpasswd")
        let server = try TestServer { Answer.ok($0.target) }
        let proxy = try TestProxy(
            "server { listen 80; auth_basic Gate; auth_basic_user_file \(file); proxy_pass http://\(server.address); }"
        )
        let client = try proxy.connect()
        for number in 0..<10 { try client.request("GET", "/\(number)", [Self.basic("ann:secret")]) }
        for number in 0..<10 { #expect(try client.readResponse().text == "/\(number)") }
    }

    @Test func logsHaveEveryRequestOnce() throws {
        let directory = try TemporaryDirectory()
        let server = try TestServer { _ in Answer.ok("body") }
        let log = directory.path("access.log")
        let proxy = try TestProxy(
            """
            events {} http {
              log_format f escape=json '{"path":"$request_uri","agent":"$http_user_agent","status":$status,"sent":$body_bytes_sent}';
              access_log \(log) f;
              server { listen 80; location / { proxy_pass http://\(server.address); } location /no { return 403; } }
            }
            """
        )
        let client = try proxy.connect()
        for number in 0..<5 { _ = try client.exchange("GET", "/\(number)", [("User-Agent", "a\"\\\u{9}b")]) }
        _ = try client.exchange("GET", "/no")
        #expect(TestProxy.wait { ((try? Files.text(log)) ?? "").split(separator: "\n").count == 6 } == true)
        let lines = try Files.text(log).split(separator: "\n")
        #expect(lines[0] == "{\"path\":\"/0\",\"agent\":\"a\\\"\\\\\\u0009b\",\"status\":200,\"sent\":4}")
        #expect(lines[5].contains("\"status\":403"))
    }

    /// Who is turned away for what it wrote is found by what it wrote.
    @Test(arguments: [
        ("GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /a HTTP/1.1"),
        ("\r\nGET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a#b HTTP/1.1"),
        ("\u{16}\u{3}\u{1}\r\n\r\n", "\\x16\\x03\\x01"),
        ("GET / HTTP/2.0\r\n\r\n", "GET / HTTP/2.0"),
    ]) func logsTheFirstLineOfARefusedHead(sent: String, logged: String) throws {
        let directory = try TemporaryDirectory()
        let log = directory.path("access.log")
        let proxy = try TestProxy(
            """
            events {} http {
              log_format f '$status $request_method|$request';
              access_log \(log) f;
              server { listen 80; return 204; }
            }
            """
        )
        let client = try proxy.connect()
        try client.send(sent)
        let status = try client.readHead().status
        #expect(TestProxy.wait { ((try? Files.text(log)) ?? "").hasSuffix("\n") } == true)
        #expect(try Files.text(log) == "\(status) -|\(logged)\n")
    }
}
