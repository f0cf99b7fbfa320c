import Testing

@testable import Proxy

/// Precedence as Nginx documents it for `server_name`: exact, longest leading wildcard, longest trailing one, default.
struct ServerNameTableTests {
    private static let names: [(name: ServerName, server: Int)] = [
        (.exact("example.com"), 1),
        (.leadingWildcard(suffix: ".example.com", includesBare: false), 2),
        (.leadingWildcard(suffix: ".deep.example.com", includesBare: false), 3),
        (.trailingWildcard(prefix: "www.example."), 4),
        (.trailingWildcard(prefix: "www."), 5),
        (.leadingWildcard(suffix: ".bare.org", includesBare: true), 6),
        (.exact(""), 7),
        (.exact("example.com"), 8),
        (.leadingWildcard(suffix: ".org", includesBare: false), 9),
    ]

    @Test(arguments: [
        ("example.com", 1), ("EXAMPLE.com", 1), ("example.com.", 1),
        ("a.example.com", 2), ("a.b.example.com", 2), ("A.Example.COM.", 2),
        ("a.deep.example.com", 3), ("x.y.deep.example.com", 3),
        // The leading wildcard `*.example.com` comes before the trailing `www.example.*`.
        ("www.example.com", 2), ("www.example.net", 4), ("www.example.co.uk", 4), ("www.other.net", 5), ("www.a", 5),
        ("bare.org", 6), ("x.bare.org", 6), ("x.org", 9), ("notbare.org", 9),
        ("", 7), ("org", 0), ("www", 0), ("nothing.net", 0), (".", 7), ("xexample.com", 0), ("192.0.2.1", 0),
        ("[::1]", 0),
    ])
    func findsAsNginxDoes(host: String, server: Int) {
        let arena = Arena.kept()
        let table = ServerNameTable(Self.names, defaultServer: 0, serverCount: 10, arena: arena)
        #expect(table.find(Array(host.utf8).span) == server)
    }

    @Test func oneServerTakesAll() {
        let arena = Arena.kept()
        let table = ServerNameTable([(.exact("a"), 3)], defaultServer: 3, serverCount: 1, arena: arena)
        #expect(table.find(Array("b".utf8).span) == 3)
    }

    @Test func findsEachOfManyNames() {
        let arena = Arena.kept()
        let names = (0..<2000).map { (name: ServerName.exact("host\($0).example.com"), server: $0) }
        let table = ServerNameTable(names, defaultServer: 5000, serverCount: 2000, arena: arena)
        for number in 0..<2000 { #expect(table.find(Array("HOST\(number).example.com".utf8).span) == number) }
        #expect(table.find(Array("host2000.example.com".utf8).span) == 5000)
    }
}
