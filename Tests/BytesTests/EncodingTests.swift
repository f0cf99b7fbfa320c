import Bytes
import Testing

struct EncodingTests {
    /// RFC 4648, section 10.
    private static let vectors = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: vectors) func matchesTheStandardsVectors(plain: String, encoded: String) {
        let bytes = Array(plain.utf8)
        let bare = encoded.filter { $0 != "=" }
        #expect(String(decoding: Base64.encode(bytes.span), as: UTF8.self) == encoded)
        #expect(String(decoding: Base64.encode(bytes.span, alphabet: .url), as: UTF8.self) == bare)
        #expect(Base64.decode(encoded) == bytes)
        #expect(Base64.decode(bare, alphabet: .url) == bytes)
    }

    @Test func everyByteSurvivesInBothAlphabets() {
        for length in 0..<70 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length &* 11) }
            for alphabet in [Base64.Alphabet.standard, .url] {
                let text = String(decoding: Base64.encode(bytes.span, alphabet: alphabet), as: UTF8.self)
                #expect(Base64.decode(text, alphabet: alphabet) == bytes)
                #expect(text.utf8.count <= Base64.maximumDecodedCount(text.utf8.count) * 4 / 3 + 4)
            }
        }
    }

    @Test func alphabetsDifferInTwoCharacters() {
        let bytes: [UInt8] = [0xFB, 0xFF, 0xBF]
        #expect(Base64.encode(bytes.span) == Array("+/+/".utf8))
        #expect(Base64.encode(bytes.span, alphabet: .url) == Array("-_-_".utf8))
        #expect(Base64.decode("-_-_") == nil)
        #expect(Base64.decode("+/+/", alphabet: .url) == nil)
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Zm9", "Zm9v=", "====", "=", "==", "Z===", "=Zg=", "Zg==Zg==", " Zg==", "Zg== ",
        "Zm 9",
        "Zm9v\n", "Zm9v\r\n", "Zm9-", "Zm\u{0}v", "Zmé=", "Zg=g",
        // Bits beyond the last byte must be zero: else two texts stand for one credential.
        "Zh==", "Zv==", "Zm9=", "Zm+=",
    ])
    func refusesWhatIsNotBase64(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test(arguments: ["Z", "Zg==", "Zh", "Zm9", "Zm8=", "Zm+v", "Zg.", " Zg"])
    func refusesWhatIsNotBase64URL(text: String) {
        #expect(Base64.decode(text, alphabet: .url) == nil)
    }

    @Test(
        arguments: [
            ("", 0, ""), ("Zm9v", 3, "foo"), ("Zm9vYmFy", 6, "foobar"), ("_-_-", 3, "\u{FF}"), ("Zm9v", 2, nil),
            ("Zm9v", 6, nil),
            ("Zm8", 3, nil), ("Zm8=", 3, nil), ("Zm+v", 3, nil), ("Zm9vYm.y", 6, nil), (" Zm9", 3, nil),
        ] as [(String, Int, String?)]
    )
    func wholeGroupsFillTheirRoom(text: String, room: Int, plain: String?) {
        var bytes = [UInt8](repeating: 0xEE, count: room)
        var span = bytes.mutableSpan
        let isDecoded = Base64.decode(groups: Array(text.utf8).span, alphabet: .url, into: &span)
        #expect(isDecoded == (plain != nil))
        // The one that isn't text is compared with the other decoder's.
        if isDecoded { #expect(bytes == Base64.decode(text, alphabet: .url)) }
        if let plain, text != "_-_-" { #expect(bytes == Array(plain.utf8)) }
    }

    @Test func aRefusalAppendsNothing() {
        var buffer = ByteBuffer(Array("kept".utf8))
        #expect(Base64.decode(Array("Zm9vZm9*".utf8).span, into: &buffer) == false)
        #expect(Base64.decode(Array("Zm9vZh==".utf8).span, into: &buffer) == false)
        #expect(buffer.readable.string == "kept")
        #expect(Base64.decode(Array("Zm9v".utf8).span, into: &buffer) == true)
        #expect(buffer.readable.string == "keptfoo")
    }

    @Test func hexadecimalGoesBothWays() {
        let bytes = (0...255).map { UInt8($0) }
        let text = Hexadecimal.encode(bytes.span)
        #expect(String(decoding: text.prefix(6), as: UTF8.self) == "000102")
        #expect(String(decoding: text.suffix(4), as: UTF8.self) == "feff")
        #expect(Hexadecimal.decode(text.span) == bytes)
        #expect(Hexadecimal.decode(Array("FEff".utf8).span) == [0xFE, 0xFF])
        #expect(Hexadecimal.decode([UInt8]().span) == [])
    }

    @Test(arguments: ["0", "0g", "g0", "0x10", " 10", "1 0", "é0", "/0", ":0", "@0", "`0"])
    func refusesWhatIsNotHexadecimal(text: String) {
        #expect(Hexadecimal.decode(Array(text.utf8).span) == nil)
    }
}
