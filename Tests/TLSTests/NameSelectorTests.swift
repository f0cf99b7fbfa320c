import Testing

@testable import TLS

@Suite struct NameSelectorTests {
    private static let selector = NameSelector([
        ("example.com", 1), ("*.example.com", 2), ("*.api.example.com", 3), ("mail.*", 4), ("mail.example.*", 5),
        (".dotted.org", 6), ("Upper.Example.NET", 7), ("localhost", 8), ("www.example.*", 9), ("example.com", 99),
        ("*.com", 10),
    ])

    @Test(
        arguments: [
            ("example.com", 1), ("EXAMPLE.com", 1), ("example.com.", 1),
            ("a.example.com", 2), ("a.b.example.com", 2), ("x.api.example.com", 3), ("api.example.com", 2),
            ("mail.com", 10), ("mail.net", 4), ("mail.example.org", 5), ("mail.other.org", 4), ("www.example.de", 9),
            ("mail.example.com", 2), ("dotted.org", 6), ("x.dotted.org", 6), ("upper.example.net", 7), ("localhost", 8),
            ("com", nil), ("mail", nil), ("", nil), (".", nil), (".example.com", nil), ("notexample.org", nil),
            ("xdotted.org", nil),
        ] as [(String, Int?)]
    )
    func findsTheBestFit(name: String, expected: Int?) {
        #expect(Self.selector.value(for: Array(name.utf8).span) == expected)
    }

    @Test func emptyTableFindsNothing() {
        #expect(NameSelector([]).value(for: Array("a".utf8).span) == nil)
    }

    @Test func overlongNameIsNone() {
        let selector = NameSelector([("*.example.com", 1)])
        let name = String(repeating: "a", count: 250) + ".example.com"
        #expect(selector.value(for: Array(name.utf8).span) == nil)
    }

    @Test func manyNames() {
        let selector = NameSelector((0..<1000).map { ("host\($0).example.com", $0) })
        for value in 0..<1000 { #expect(selector.value(for: Array("host\(value).example.com".utf8).span) == value) }
        #expect(selector.value(for: Array("host1000.example.com".utf8).span) == nil)
    }
}
