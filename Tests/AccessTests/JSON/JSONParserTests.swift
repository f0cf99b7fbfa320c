import Testing

@testable import Access

private func reason(_ text: String) -> String {
    do {
        _ = try JSONParser.parse(bytes(text))
        return "none"
    } catch {
        return error.description
    }
}

@Suite struct JSONParserTests {
    @Test func `values know where they stand`() throws {
        let text =
            " {\"a\" : [1, -2.5e+3, \"x\\u00e9\\n\\ud83d\\ude00\"], \"a\": null, \"b\": true, \"c\": {}, \"d\": []} "
        let root = try JSONParser.parse(bytes(text))
        #expect(root.range == 1..<(text.utf8.count - 1))
        let elements = try #require(root.members?.first?.value.elements)
        #expect(
            elements.map { Array(bytes(text)[$0.range]) }
                == ["1", "-2.5e+3", "\"x\\u00e9\\n\\ud83d\\ude00\""].map(bytes)
        )
        #expect(elements[2].string == bytes("xé\n😀"))
        #expect(root["a"]?.value.content == .null)
        #expect(root["b"]?.value.content == .bool(true))
        #expect(root["c"]?.value.members == [])
        #expect(root["d"]?.value.elements == [])
        #expect(root["e"] == nil)
        #expect(root.members.map { bytes(text)[$0[0].range].starts(with: bytes("\"a\" : [")) } == true)
    }

    @Test(arguments: [
        ("", "line 1, column 1: the text ends where a value should be"),
        ("{\n \"a\": 01}", "line 2, column 7: a number is written as -12, 3.5 or 1e9, without leading zeros"),
        ("{\"a\" 1}", "line 1, column 6: expected \":\""),
        ("{\"a\": 1,}", "line 1, column 9: expected a name in quotes"),
        ("{\"a\": 1 \"b\"}", "line 1, column 9: expected \",\" or \"}\""),
        ("[1,]", "line 1, column 4: expected a value"),
        ("[1 2]", "line 1, column 4: expected \",\" or \"]\""),
        ("[1", "line 1, column 3: the text ends where \",\" or \"]\" should be"),
        ("{'a': 1}", "line 1, column 2: expected a name in quotes"),
        ("nul", "line 1, column 1: expected a value"),
        ("true false", "line 1, column 6: there is something after the end of the value"),
        ("\"a", "line 1, column 3: the text ends where the quote that ends a string should be"),
        ("\"a\tb\"", "line 1, column 3: the control character 0x09 stands in a string; write it as an escape"),
        ("\"\\ud800\"", "line 1, column 2: \\u escape of half a surrogate pair"),
        ("\"\\ud800\\u0041\"", "line 1, column 2: \\u escape of half a surrogate pair"),
        ("-", "line 1, column 1: a number is written as -12, 3.5 or 1e9, without leading zeros"),
        ("1.", "line 1, column 1: a number is written as -12, 3.5 or 1e9, without leading zeros"),
        ("// no\n1", "line 1, column 1: expected a value"),
    ])
    func `what isn't JSON is located`(text: String, message: String) {
        #expect(reason(text) == message)
    }

    @Test func `bytes that aren't UTF-8`() {
        #expect(throws: JSONError(offset: 3, position: TextPosition(line: 2, column: 2), kind: .notUTF8)) {
            try JSONParser.parse([0x20, 0x0A, 0x22, 0xFF, 0x22])
        }
    }

    @Test func `a byte order mark is no matter`() throws {
        #expect(try JSONParser.parse([0xEF, 0xBB, 0xBF, 0x31]).range == 3..<4)
    }

    @Test func `depth is bounded`() throws {
        let deep = { (count: Int) in String(repeating: "[", count: count) + String(repeating: "]", count: count) }
        #expect(reason(deep(32)) == "none")
        #expect(reason(deep(33)).hasSuffix("values are nested deeper than 32"))
        #expect(reason(String(repeating: "[", count: 1_000_000)).hasSuffix("values are nested deeper than 32"))
    }

    @Test func `so is the number of values`() {
        #expect(reason("[" + String(repeating: "1,", count: 2_000_000) + "1]").hasSuffix("more than 2000000 values"))
    }

    @Test(arguments: ["", "plain", "\"\\/\n\r\t\u{0}\u{7F}é😀"])
    func `strings are written so that they read the same`(text: String) throws {
        #expect(try JSONParser.parse(bytes(JSONText.string(text))).string == bytes(text))
    }
}
