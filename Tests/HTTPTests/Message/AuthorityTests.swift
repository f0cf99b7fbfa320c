import Testing

@testable import HTTP

@Suite("Authorities")
struct AuthorityTests {
    static let accepted: [(String, String, Int?)] = [
        ("a", "a", nil), ("a.b-c_d~1", "a.b-c_d~1", nil), ("a.", "a", nil), ("a.b.:1", "a.b", 1),
        ("127.0.0.1:65535", "127.0.0.1", 65535), ("[::]", "[::]", nil), ("[::1]:443", "[::1]", 443),
        ("[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", nil), ("[1::8]", "[1::8]", nil), ("[1::]", "[1::]", nil),
        ("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", nil), ("[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]", nil),
        ("[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]", nil),
    ]

    @Test("Well formed", arguments: accepted)
    func accepts(text: String, host: String, port: Int?) throws {
        let bytes = Array("xx\(text)yy".utf8)
        let result = Authority(bytes.span, ByteRange(2..<(bytes.count - 2)))
        let parsed = try #require(result)
        #expect(String(decoding: bytes[parsed.host.range], as: UTF8.self) == host)
        #expect(parsed.port == port)
    }

    @Test(
        "Malformed",
        arguments: [
            "", ".", "..", ".a", "a..b", ":80", "a:", "a:b", "a:000080", "a:99999", "a%41", "a,b", "u@a", "a/b", "[",
            "[]", "[:]",
            "[:::]", "[1]", "[1:2]", "[1:2:3:4:5:6:7:8:9]", "[1::2::3]", "[12345::]", "[g::]", "[::1", "[::1]x",
            "[::1]:",
            "[fe80::1%25eth0]", "[::1.2.3]", "[::1.2.3.256]", "[::01.2.3.4]", "[1:2:3:4:5:6:7:1.2.3.4]", "[1:]", "[:1]",
            "[1:2:3:4:5:6:7:8::]", "a b", "a\t", "a\u{e9}", String(repeating: "a", count: 256),
        ]
    )
    func refuses(text: String) {
        let bytes = Array(text.utf8)
        let result = Authority(bytes.span, ByteRange(0..<bytes.count))
        #expect(result == nil)
    }
}
