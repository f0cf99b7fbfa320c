import Bytes
import Testing

@testable import Access

@Suite struct BasicCredentialsTests {
    static func basic(_ text: String) -> String {
        "Basic " + String(decoding: Base64.encode(Array(text.utf8).span), as: UTF8.self)
    }

    @Test(arguments: [
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
        ("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ==  ", "Aladdin", "open sesame"),
        (basic("a:b:c"), "a", "b:c"),
        (basic("nobody:"), "nobody", ""),
        (basic("Jürgen:Straße £"), "Jürgen", "Straße £"),
        (
            basic(String(repeating: "u", count: 255) + ":" + String(repeating: "p", count: 1024)),
            String(repeating: "u", count: 255), String(repeating: "p", count: 1024)
        ),
    ])
    func parses(_ value: String, _ user: String, _ password: String) {
        var credentials = BasicCredentials()
        let outcome = credentials.parse(Array(value.utf8).span)
        #expect(outcome == .parsed)
        let text = credentials.decoded.written
        let (actualUser, actualPassword) = (
            text.extracting(credentials.user).string, text.extracting(credentials.password).string
        )
        #expect(actualUser == user)
        #expect(actualPassword == password)
    }

    @Test(
        arguments: [
            ("", .otherScheme),
            ("Bearer abc", .otherScheme),
            ("BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ==", .otherScheme),
            ("Basic", .malformed(.notBase64)),
            ("Basic ", .malformed(.notBase64)),
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", .malformed(.notBase64)),
            ("Basic QWxh ZGRpbjpvcGVuIHNlc2FtZQ==", .malformed(.notBase64)),
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", .malformed(.notBase64)),
            (basic("nocolon"), .malformed(.missingColon)),
            (basic(":secret"), .malformed(.emptyUser)),
            (basic("a\u{0}b:c"), .malformed(.controlCharacter)),
            (basic("a:c\u{0}"), .malformed(.controlCharacter)),
            (basic("a:c\r\n"), .malformed(.controlCharacter)),
            (basic(String(repeating: "u", count: 256) + ":p"), .malformed(.userTooLong)),
            (basic("u:" + String(repeating: "p", count: 1025)), .malformed(.passwordTooLong)),
            (basic(String(repeating: "x", count: 3000)), .malformed(.tooLong)),
            ("Basic " + String(repeating: " ", count: 4096) + "QTpi", .malformed(.tooLong)),
        ] as [(String, BasicCredentials.Outcome)]
    )
    func refuses(_ value: String, _ expected: BasicCredentials.Outcome) {
        var credentials = BasicCredentials()
        // What came before must not shine through.
        _ = credentials.parse(Array(Self.basic("before:secret").utf8).span)
        let outcome = credentials.parse(Array(value.utf8).span)
        #expect(outcome == expected)
        let left = (credentials.user, credentials.password, credentials.decoded.readableCount)
        #expect(left == (0..<0, 0..<0, 0))
    }

    @Test func wipingOverwritesTheMemory() {
        var credentials = BasicCredentials()
        _ = credentials.parse(Array(Self.basic("alice:secret").utf8).span)
        let before = unsafe credentials.decoded.withReadable { UInt(bitPattern: $0.baseAddress) }
        credentials.wipe()
        // The same storage, which is longer than what was decoded.
        let after = unsafe credentials.decoded.withReadable { bytes in
            guard let start = bytes.baseAddress, UInt(bitPattern: start) == before else { return false }
            return unsafe UnsafeRawBufferPointer(start: start, count: 12).allSatisfy { $0 == 0 }
        }
        #expect(after)
    }
}
