import Testing

@testable import Proxy

struct SecretLinesTests {
    /// What a file says, as `line NAME=value` or `line ! message`.
    private func read(_ text: String) -> [String] {
        var found: [String] = []
        SecretLines.read(Array(text.utf8)) { line, finding, value in
            switch finding {
            case .value(let name):
                var bytes: [UInt8] = []
                for index in value.indices { bytes.append(value[index]) }
                found.append("\(line) \(name)=\(String(decoding: bytes, as: UTF8.self))")
            case .mistake(let message, _): found.append("\(line) ! \(message)")
            }
        }
        return found
    }

    @Test(
        arguments: [
            ("A=b", "A=b"), ("  A=b  ", "A=b"), ("export A=b", "A=b"), ("export\tA=b", "A=b"), ("A=b\r", "A=b"),
            ("A=", "A="), ("A=b # c", "A=b"), ("A=b#c", "A=b#c"), ("A= # c", "A="), ("_a1=b=c==", "_a1=b=c=="),
            ("export=x", "export=x"), ("A='b c # d'", "A=b c # d"), ("A=\"b c # d\"", "A=b c # d"),
            ("A='b'\"c\"d", "A=bcd"), (#"A="b\"c\\d\$e\`f\g""#, #"A=b"c\d$e`f\g"#), (#"A='b\c'"#, #"A=b\c"#),
            (#"A=b\ c"#, "A=b c"), (#"A=b\\c"#, #"A=b\c"#), ("A=$HOME", "A=$HOME"), ("A=\"${B}`c`\"", "A=${B}`c`"),
            ("A='it'\\''s'", "A=it's"), ("A=é", "A=é"),
        ]
    )
    func readsLikeAShell(line: String, expected: String) {
        #expect(read(line) == ["1 \(expected)"])
    }

    @Test(arguments: [
        ("A", "the line is no NAME=VALUE"), ("=b", "the line is no NAME=VALUE"), ("1A=b", "the line is no NAME=VALUE"),
        ("A =b", "the line is no NAME=VALUE"), ("A-B=c", "the line is no NAME=VALUE"),
        ("export", "the line is no NAME=VALUE"), ("export export A=b", "the line is no NAME=VALUE"),
        ("A=b c", "something follows the value after a space"), ("A= b", "something follows the value after a space"),
        ("A='b", "a quote is not closed"), ("A=\"b", "a quote is not closed"), ("A=\"b\\\"", "a quote is not closed"),
        ("A=b\\", "the line ends with a backslash"),
    ])
    func refusesWhatIsUnclear(line: String, message: String) {
        #expect(read(line) == ["1 ! \(message)"])
    }

    @Test func countsLines() {
        #expect(read("# a\n\nA=1\n \t \nB\nexport C='3'\n#") == ["3 A=1", "5 ! the line is no NAME=VALUE", "6 C=3"])
        #expect(read("").isEmpty)
        #expect(read("A='b\nc'\nD=e") == ["1 ! a quote is not closed", "2 ! the line is no NAME=VALUE", "3 D=e"])
    }
}
