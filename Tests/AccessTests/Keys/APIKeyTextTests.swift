import Testing

@testable import Access

@Suite struct APIKeyTextTests {
    @Test func `a key made is well formed, and never the same`() {
        var known: Set<String> = []
        for _ in 0..<200 {
            let key = APIKeyText.make()
            #expect(key.utf8.count == APIKeyText.count)
            #expect(key.utf8.starts(with: "pk_".utf8))
            #expect(APIKeyText.form(bytes(key).span) == .wellFormed)
            #expect(known.insert(key).inserted)
        }
    }

    @Test func `the text of known secrets`() {
        // The checksums are those of Python's zlib.crc32.
        let zeros = APIKeyText.text(secret: [UInt8](repeating: 0, count: 32))
        #expect(zeros == "pk_00000000000000000000000000000000000000000001zqVSB")
        let ones = APIKeyText.text(secret: [UInt8](repeating: 0xFF, count: 32))
        #expect(ones == "pk_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp13dVO0t")
    }

    @Test func `any slip shows`() {
        let key = bytes(APIKeyText.make())
        for place in 3..<key.count {
            var other = key
            other[place] = key[place] == 0x61 ? 0x62 : 0x61
            #expect(APIKeyText.form(other.span) == .malformed)
            other[place] = 0x2B
            #expect(APIKeyText.form(other.span) == .malformed)
        }
        for place in 3..<(key.count - 1) where key[place] != key[place + 1] {
            var other = key
            other.swapAt(place, place + 1)
            #expect(APIKeyText.form(other.span) == .malformed)
        }
        #expect(APIKeyText.form(Array(key.dropLast()).span) == .malformed)
        #expect(APIKeyText.form((key + [0x61]).span) == .malformed)
    }

    @Test(arguments: [
        ("", APIKeyText.Form.foreign), ("pk", .foreign), ("pk-", .foreign), ("PK_", .foreign), ("sk-prod-x", .foreign),
        ("pk_", .malformed), ("pk_live_51H", .malformed), ("pk_" + String(repeating: "z", count: 49), .malformed),
    ])
    func `what isn't ours`(text: String, form: APIKeyText.Form) {
        #expect(APIKeyText.form(bytes(text).span) == form)
    }
}
