import Testing

@testable import Proxy

struct ServerPhaseTests {
    private func remote(
        _ fields: String,
        _ directives: String,
        peer: String = "10.0.0.1:4000"
    ) throws -> String {
        let rig = try Rig(
            "events {} http { server { listen 80; \(directives) location / { proxy_pass http://127.0.0.1:1; } } }",
            peer: peer
        )
        try rig.run("GET / HTTP/1.1\nHost: a" + fields)
        return rig.render(.remoteAddress)
    }

    private static let trust =
        "set_real_ip_from 10.0.0.0/8; set_real_ip_from 2001:db8::/32; real_ip_header X-Forwarded-For;"

    @Test(arguments: [
        // The peer isn't trusted, or says nothing.
        ("\nX-Forwarded-For: 1.2.3.4", "192.0.2.7:1", "192.0.2.7", "192.0.2.7"),
        ("", "10.0.0.1:1", "10.0.0.1", "10.0.0.1"),
        // The last element, without and with recursion.
        ("\nX-Forwarded-For: 1.2.3.4", "10.0.0.1:1", "1.2.3.4", "1.2.3.4"),
        ("\nX-Forwarded-For: 6.6.6.6, 1.2.3.4", "10.0.0.1:1", "1.2.3.4", "1.2.3.4"),
        ("\nX-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.0.0.9", "10.0.0.1:1", "10.0.0.9", "1.2.3.4"),
        ("\nX-Forwarded-For: 6.6.6.6,1.2.3.4 ,\t10.0.0.9,10.1.1.1", "10.0.0.1:1", "10.1.1.1", "1.2.3.4"),
        ("\nX-Forwarded-For: 10.0.0.8, 10.0.0.9", "10.0.0.1:1", "10.0.0.9", "10.0.0.8"),
        // Several fields are one list.
        ("\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-For: 10.0.0.9", "10.0.0.1:1", "10.0.0.9", "1.2.3.4"),
        // What isn't an address ends the walk.
        ("\nX-Forwarded-For: 1.2.3.4, nonsense, 10.0.0.9", "10.0.0.1:1", "10.0.0.9", "10.0.0.9"),
        ("\nX-Forwarded-For: 1.2.3.4, ", "10.0.0.1:1", "1.2.3.4", "1.2.3.4"),
        ("\nX-Forwarded-For: 1.2.3.4,, \t,10.0.0.9", "10.0.0.1:1", "10.0.0.9", "1.2.3.4"),
        ("\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-For: , 10.0.0.9", "10.0.0.1:1", "10.0.0.9", "1.2.3.4"),
        ("\nX-Forwarded-For: , ,", "10.0.0.1:1", "10.0.0.1", "10.0.0.1"),
        ("\nX-Forwarded-For: unknown", "10.0.0.1:1", "10.0.0.1", "10.0.0.1"),
        // Ports, brackets, IPv6.
        ("\nX-Forwarded-For: 1.2.3.4:80", "10.0.0.1:1", "1.2.3.4", "1.2.3.4"),
        ("\nX-Forwarded-For: [2001:db9::1]:443", "10.0.0.1:1", "2001:db9::1", "2001:db9::1"),
        ("\nX-Forwarded-For: 2001:db9::1", "[2001:db8::1]:1", "2001:db9::1", "2001:db9::1"),
        ("\nX-Forwarded-For: ::ffff:1.2.3.4", "10.0.0.1:1", "1.2.3.4", "1.2.3.4"),
        ("\nX-Forwarded-For: [2001:db9::1", "10.0.0.1:1", "10.0.0.1", "10.0.0.1"),
        // An alias is another field.
        ("\nX_Forwarded_For: 1.2.3.4", "10.0.0.1:1", "10.0.0.1", "10.0.0.1"),
        ("\nX-Real-IP: 1.2.3.4", "10.0.0.1:1", "10.0.0.1", "10.0.0.1"),
    ])
    func believesTrustedPeersOnly(fields: String, peer: String, last: String, recursive: String) throws {
        #expect(try remote(fields, Self.trust, peer: peer) == last)
        #expect(try remote(fields, Self.trust + "real_ip_recursive on;", peer: peer) == recursive)
    }

    @Test func readsOtherFields() throws {
        let trust = "set_real_ip_from 10.0.0.0/8;"
        #expect(try remote("\nX-Real-IP: 1.2.3.4", trust) == "1.2.3.4")
        #expect(try remote("\nX-Client: 1.2.3.4", trust + "real_ip_header X-Client;") == "1.2.3.4")
        #expect(try remote("\nX-Other: 1.2.3.4", trust + "real_ip_header X-Client;") == "10.0.0.1")
        #expect(try remote("\nX-Real-IP: 1.2.3.4", "") == "10.0.0.1")
    }

    @Test func trustsPathsOnlyWhenSaid() throws {
        let rules = "real_ip_header X-Forwarded-For;"
        let trusted = try remote("\nX-Forwarded-For: 1.2.3.4", "set_real_ip_from unix:;" + rules, peer: "unix:/run/x")
        #expect(trusted == "1.2.3.4")
        let other = try remote("\nX-Forwarded-For: 1.2.3.4", "set_real_ip_from 0.0.0.0/0;" + rules, peer: "unix:/run/x")
        #expect(other != "1.2.3.4")
    }

    @Test func choosesTheServerByHost() throws {
        let rig = try Rig(
            """
            server { listen 80; server_name a.test; return 200 A; }
            server { listen 80 default_server; server_name b.test; return 200 B; }
            """
        )
        for (host, name) in [
            ("a.test", "a.test"), ("A.TEST:8080", "a.test"), ("c.test", "b.test"), ("a.test.", "a.test"),
        ] {
            try rig.run("GET / HTTP/1.1\nHost: \(host)")
            #expect(rig.render(.serverName) == name)
        }
        try rig.run("GET http://a.test/ HTTP/1.1\nHost: a.test")
        #expect(rig.render(.serverName) == "a.test")
    }

    @Test func redirectsToHTTPSOfTheSameHost() throws {
        let rig = try Rig(
            """
            server { listen 80 redirect; server_name gw.test; proxy_pass http://127.0.0.1:1; }
            """
        )
        for (method, status) in [("GET", 301), ("HEAD", 301), ("POST", 308)] {
            let reply = try #require(try rig.reply("\(method) /a%20b?c=%0d%0aX:1 HTTP/1.1\nHost: GW.test:80"))
            #expect(reply.status == status)
            #expect(rig.ownReply(reply).values(of: "location") == ["https://gw.test/a%20b?c=%0d%0aX:1"])
        }
    }

    /// The target may name the host itself, or nothing but the server.
    @Test(arguments: [
        ("GET http://gw.test/a?b", "https://gw.test/a?b"),
        ("GET HTTPS://GW.test:80?b=http://x", "https://gw.test/?b=http://x"),
        ("GET http://gw.test", "https://gw.test/"), ("OPTIONS *", "https://gw.test/"),
    ])
    func redirectsToHTTPSWhateverTheTargetsForm(line: String, location: String) throws {
        let host = line.contains(":80") ? "gw.test:80" : "gw.test"
        let rig = try Rig("server { listen 80 redirect; server_name gw.test; proxy_pass http://127.0.0.1:1; }")
        let reply = try #require(try rig.reply("\(line) HTTP/1.1\nHost: \(host)"))
        #expect(rig.ownReply(reply).values(of: "location") == [location])
    }

    @Test func aServersReturnComesBeforeItsLocations() throws {
        let rig = try Rig(
            "events {} http { server { listen 80; return 301 https://$host$request_uri; location / { deny all; } } }"
        )
        let reply = try #require(try rig.reply("GET /x?y HTTP/1.1\nHost: h"))
        #expect(reply.status == 301)
        #expect(rig.ownReply(reply).values(of: "location") == ["https://h/x?y"])
        let absolute = try #require(try rig.reply("GET http://h/x?y HTTP/1.1\nHost: h"))
        #expect(rig.ownReply(absolute).values(of: "location") == ["https://h/x?y"])
    }
}
