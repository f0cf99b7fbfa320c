import ConfigSyntax
import Testing

struct RendererTests {
    @Test func looksAsDesigned() {
        let text = String(repeating: "\n", count: 11) + "    limt_req rate=10r/s burst=20;\n"
        let file = SourceFile(name: "proxy.conf", text: text)
        let diagnostic = Diagnostic.error(
            SourceRange(file: file, offset: 15, length: 8),
            "unknown directive \"limt_req\"",
            hint: "did you mean \"limit_req\"? (allowed in: server, location)"
        )
        #expect(
            DiagnosticRenderer().render([diagnostic]) == """
                proxy.conf:12:5: error: unknown directive "limt_req"
                   12 |     limt_req rate=10r/s burst=20;
                      |     ^~~~~~~~ did you mean "limit_req"? (allowed in: server, location)

                """
        )
    }

    @Test func pointsAtNothingInAFileWithoutText() {
        let place = SourceRange(file: SourceFile(name: "none", text: ""), offset: 0, length: 0)
        #expect(DiagnosticRenderer().render(.error(place, "no such file")) == "none:1:1: error: no such file\n")
        #expect(DiagnosticRenderer().render(.warning(place, "m", hint: "h")) == "none:1:1: warning: m: h\n")
    }

    @Test func alignsTabsAndMeasuresScalars() {
        let file = SourceFile(name: "t", text: "\té\tbäd;\r\n")
        let rendered = DiagnosticRenderer().render(.note(SourceRange(file: file, offset: 4, length: 4), "m"))
        #expect(rendered == "t:1:4: note: m\n    1 | \té\tbäd;\n      | \t \t^~~\n")
    }

    @Test func hidesControlCharacters() {
        let file = SourceFile(name: "t", text: "a \u{1B}[31m;")
        let rendered = DiagnosticRenderer().render(.error(SourceRange(file: file, offset: 2, length: 4), "x\u{1B}\n"))
        #expect(rendered == "t:1:3: error: x\u{FFFD}\\n\n    1 | a \u{FFFD}[31m;\n      |   ^~~~\n")
    }

    @Test func cutsLongLines() {
        let text = String(repeating: "x", count: 500) + "BAD" + String(repeating: "y", count: 500)
        let file = SourceFile(name: "t", text: text)
        let rendered = DiagnosticRenderer().render(.error(SourceRange(file: file, offset: 500, length: 3), "m"))
        let lines = rendered.split(separator: "\n")
        #expect(lines[1].contains("…") && lines[1].contains("BAD") && lines[1].count < 200)
        #expect(lines[2].hasSuffix("^~~"))
    }

    @Test func pointsBehindTheLastByte() {
        let file = SourceFile(name: "t", text: "a {\n")
        let rendered = DiagnosticRenderer().render(Parser.parse(file).diagnostics)
        #expect(
            rendered == """
                t:1:4: error: unexpected end of file, expecting "}"
                    1 | a {
                      |    ^ the block "a" of line 1 is not closed

                """
        )
    }

    @Test func sortsDropsRepetitionsAndKeepsErrorsFirst() {
        let first = SourceFile(name: "a", text: "1\n2\n3\n")
        let second = SourceFile(name: "b", bytes: Array("1\n".utf8), order: 1)
        func at(_ file: SourceFile, _ offset: Int) -> SourceRange { SourceRange(file: file, offset: offset, length: 1) }
        let all: [Diagnostic] = [
            .note(at(second, 0), "d"), .error(at(first, 4), "c"), .note(at(first, 0), "a"), .note(at(first, 2), "b"),
            .note(at(first, 0), "other"), .note(at(first, 0), "a"),
        ]
        #expect(all.inReadingOrder().map(\.message) == ["a", "other", "b", "c", "d"])
        let rendered = DiagnosticRenderer(limit: 2).render(all)
        #expect(rendered.contains("note: a\n") && rendered.contains("error: c\n") && !rendered.contains("note: b\n"))
        #expect(rendered.hasSuffix("and 3 more, not shown\n"))
    }

    @Test(
        arguments: [
            ("limt_req", "limit_req"), ("proxy_pas", "proxy_pass"), ("ssl_certificat_key", "ssl_certificate_key"),
            ("lisetn", "listen"), ("xyzzy", nil), ("al", nil), ("alow", "allow"), ("", nil),
        ] as [(String, String?)]
    )
    func suggests(word: String, expected: String?) {
        let known = [
            "limit_req", "limit_rate", "proxy_pass", "ssl_certificate_key", "ssl_certificate", "listen", "allow",
        ]
        #expect(Suggestion.nearest(to: word, in: known) == expected)
    }
}
