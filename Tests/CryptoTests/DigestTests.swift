import Bytes
import Testing

@testable import Crypto

private func hexadecimal(_ bytes: borrowing Span<UInt8>) -> String {
    String(decoding: Hexadecimal.encode(bytes), as: UTF8.self)
}

// Arrays in, because the test macros can't take calls with spans apart.
private func hash256(_ bytes: [UInt8]) -> String { SHA256.hash(bytes.span).hexadecimal }
private func digest32(_ bytes: [UInt8]) -> Digest32? { Digest32(bytes.span) }
private func code(_ key: HMACSHA256, _ bytes: [UInt8]) -> String { key.authenticate(bytes.span).hexadecimal }

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct DigestTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func sha256(_ text: String, _ expected: String) {
        let input = bytes(text)
        #expect(hash256(input) == expected)
        var parts = SHA256()
        for byte in input { parts.update([byte].span) }
        let digest = parts.finish()
        #expect(digest.hexadecimal == expected)
    }

    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ])
    func sha1(_ text: String, _ expected: String) {
        let digest = SHA1.hash(bytes(text).span)
        let actual = hexadecimal(digest.span)
        #expect(actual == expected)
    }

    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ])
    func md5(_ text: String, _ expected: String) {
        let digest = MD5.hash(bytes(text).span)
        let actual = hexadecimal(digest.span)
        #expect(actual == expected)
    }

    /// RFC 4231, test cases 1, 2, 3, 6 and 7.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0B, count: 20), bytes("Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            bytes("Jefe"), bytes("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            [UInt8](repeating: 0xAA, count: 131), bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (
            [UInt8](repeating: 0xAA, count: 131),
            bytes(
                "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
                    + "hashed before being used by the HMAC algorithm."
            ), "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ])
    func hmac(_ key: [UInt8], _ message: [UInt8], _ expected: String) {
        let prepared = HMACSHA256(key: key.span)
        // Twice: the key must be as good as before.
        #expect(code(prepared, message) == expected)
        #expect(code(prepared, message) == expected)
        var parts = prepared.message()
        parts.update(message.span.extracting(0..<3))
        parts.update(message.span.extracting(3..<message.count))
        let digest = parts.finish()
        #expect(digest.hexadecimal == expected)
    }

    @Test func lengthPrefixesKeepFieldsApart() {
        let key = HMACSHA256.random()
        func joined(_ fields: [String]) -> Digest32 {
            var message = key.message()
            for field in fields { message.update(lengthPrefixed: bytes(field).span) }
            return message.finish()
        }
        #expect(joined(["ab", "c"]) == joined(["ab", "c"]))
        #expect(joined(["ab", "c"]) != joined(["a", "bc"]))
        #expect(joined(["ab", "c"]) != joined(["abc"]))
        #expect(joined(["", "x"]) != joined(["x", ""]))
    }

    @Test func digestsRoundTrip() throws {
        let input = (0..<32).map { UInt8($0 * 7 & 0xFF) }
        let digest = try #require(digest32(input))
        let output = digest.bytes
        let array = output.span.array
        #expect(array == input)
        for index in 0..<32 {
            var other = input
            other[index] ^= 1
            #expect(digest32(other) != digest)
        }
        #expect(digest32(Array(input.dropLast())) == nil)
    }

    @Test func randomTokensDiffer() {
        #expect(Random.hexToken(bytes: 16).utf8.count == 32)
        #expect(Random.hexToken() != Random.hexToken())
        #expect(Random.word() != Random.word())
        #expect(Set(Random.bytes(4096)).count > 200)
        #expect(Random.bytes(0).isEmpty)
    }
}
