import ConfigSyntax
import Testing

/// A tree on one line: `name arg "quoted" { … };`.
private func dump(_ directives: [Directive]) -> String {
    directives.map { directive in
        let words = ([directive.name] + directive.arguments).map { $0.isQuoted ? "<\($0.text)>" : $0.text }
        let tail = directive.block.map { $0.isEmpty ? " {}" : " { \(dump($0)) }" } ?? ";"
        return words.joined(separator: " ") + tail
    }
    .joined(separator: " ")
}

private func summary(_ diagnostics: [Diagnostic]) -> [String] {
    diagnostics.inReadingOrder().map { "\($0.range.line):\($0.range.column) \($0.message)" }
}

struct ParserTests {
    @Test(arguments: [
        ("", ""),
        ("a;", "a;"),
        ("a b c;", "a b c;"),
        ("a\tb\r\nc ;", "a b c;"),
        ("# all\na; # rest\n#", "a;"),
        ("a b#c;", "a b#c;"),
        ("a { b; } c;", "a { b; } c;"),
        ("a{b;}c;", "a { b; } c;"),
        ("a { b { c; } }", "a { b { c; } }"),
        ("a \"b c\" 'd;e';", "a <b c> <d;e>;"),
        ("a \"b\";", "a <b>;"),
        ("a \"b\"{}", "a <b> {}"),
        ("a \"\";", "a <>;"),
        ("a b\"c d\"e;", "a b\"c d\"e;"),
        ("a b'c;", "a b'c;"),
        ("a \"x\\\"y\\'z\\\\\";", "a <x\"y'z\\>;"),
        ("a \"1\\n2\\t3\\r4\\d5\";", "a <1\n2\t3\r4\\d5>;"),
        ("a x\\;y x\\ y x\\{y;", "a x\\;y x\\ y x\\{y;"),
        ("a $b ${c}d \"${e} f\";", "a $b ${c}d <${e} f>;"),
        ("a ${b};", "a ${b};"),
        ("a $ {b;}", "a $ { b; }"),
        ("a b};", "a b};"),
        ("return 301 https://$server_name$request_uri;", "return 301 https://$server_name$request_uri;"),
        ("\u{FEFF}a;", "a;"),
        ("a \"b\nc\";", "a <b\nc>;"),
        ("if ($a = \"b\") { c; }", "if ($a = <b> ) { c; }"),
        ("a é;", "a é;"),
    ])
    func readsWhatNginxReads(text: String, expected: String) {
        let (directives, diagnostics) = Parser.parse(SourceFile(name: "t", text: text))
        #expect(dump(directives) == expected)
        #expect(diagnostics.isEmpty)
    }

    @Test(arguments: [
        ("a", ["1:2 unexpected end of file, expecting \";\" or \"}\""], ""),
        ("a {", ["1:4 unexpected end of file, expecting \"}\""], "a {}"),
        ("a { b;\n\n", ["1:7 unexpected end of file, expecting \"}\""], "a { b; }"),
        ("a; }", ["1:4 unexpected \"}\""], "a;"),
        ("a; } b;", ["1:4 unexpected \"}\""], "a; b;"),
        (";", ["1:1 unexpected \";\""], ""),
        ("a;; b;", ["1:3 unexpected \";\""], "a; b;"),
        ("{ a; } b;", ["1:1 unexpected \"{\""], "b;"),
        ("a { b } c;", ["1:7 unexpected \"}\""], "a { b; } c;"),
        ("a \"b\"c;", ["1:6 unexpected \"c\""], "a <b> c;"),
        (
            "a \"b;\nc;", ["1:3 unexpected end of file, the quote that begins here is not closed"], "a <b;>; c;"
        ),
        (
            "a \"b;\nc \"d\";\ne;",
            ["1:3 unexpected \"d\" after the quote that ends at line 2"], "a <b;>; c <d>; e;"
        ),
    ])
    func reportsAndGoesOn(text: String, messages: [String], tree: String) {
        let (directives, diagnostics) = Parser.parse(SourceFile(name: "t", text: text))
        #expect(summary(diagnostics) == messages)
        #expect(dump(directives) == tree)
        #expect(diagnostics.hasErrors)
    }

    @Test func boundsNesting() {
        let deep = String(repeating: "a { ", count: 40) + String(repeating: "} ", count: 40) + "b;"
        let (directives, diagnostics) = Parser.parse(SourceFile(name: "t", text: deep))
        #expect(summary(diagnostics) == ["1:131 too deeply nested"])
        #expect(directives.last?.name.text == "b")
    }

    @Test(arguments: [4096, 4097])
    func boundsWords(length: Int) {
        let word = String(repeating: "w", count: length)
        let (_, diagnostics) = Parser.parse(SourceFile(name: "t", text: "a \(word);"))
        #expect(diagnostics.map(\.message) == (length > 4096 ? ["too long parameter"] : []))
        let (_, quoted) = Parser.parse(SourceFile(name: "t", text: "a \"\(word)\";\nb;"))
        #expect(
            quoted.map(\.message)
                == (length > 4096 ? ["too long parameter, probably missing terminating \" character"] : [])
        )
    }

    @Test func boundsFilesAndWordCounts() {
        let long = SourceFile(name: "t", bytes: [UInt8](repeating: 0x20, count: SyntaxLimits.fileSize + 1))
        #expect(Parser.parse(long).diagnostics.map(\.message) == ["the file is too long"])
        let many = "a" + String(repeating: " b", count: SyntaxLimits.words + 5) + ";"
        let (directives, diagnostics) = Parser.parse(SourceFile(name: "t", text: many))
        #expect(diagnostics.map(\.message) == ["too many words in \"a\""])
        #expect(directives.first.map { $0.arguments.count } == SyntaxLimits.words + 1)
    }

    @Test(arguments: [[UInt8]("a \u{0};".utf8), [0x61, 0x20, 0xFF, 0x3B]])
    func refusesWhatIsNotText(bytes: [UInt8]) {
        let (_, diagnostics) = Parser.parse(SourceFile(name: "t", bytes: bytes))
        #expect(summary(diagnostics) == ["1:3 not UTF-8 text"])
    }

    @Test func placesParts() throws {
        let file = SourceFile(name: "t", text: "é {\n\tkey \"a=b\"  x=1;\n}")
        let directive = try #require(Parser.parse(file).directives.first?.block?.first)
        #expect(directive.range.line == 2 && directive.range.column == 2)
        #expect(directive.range.length == "key \"a=b\"  x=1".utf8.count)
        let value = try #require(Parameter(directive.arguments[0]).value)
        #expect(value.text == "b" && value.range.column == 9)
        let second = Parameter(directive.arguments[1])
        #expect(second.key == "x" && second.value?.range.column == 15)
        #expect(Parameter(directive.name).value == nil)
    }
}
