import Bytes
import Testing

@testable import Crypto

private func inspect(_ stored: [UInt8]) -> PasswordHash? { PasswordHash(stored.span) }

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

struct Vector: Sendable, CustomTestStringConvertible {
    let password: String
    let stored: String
    let scheme: PasswordScheme
    var weakness: PasswordWeakness?
    var testDescription: String { stored }

    init(_ password: String, _ stored: String, _ scheme: PasswordScheme, _ weakness: PasswordWeakness? = nil) {
        self.password = password
        self.stored = stored
        self.scheme = scheme
        self.weakness = weakness
    }

    // Made with Apache's htpasswd, `openssl passwd` and libxcrypt.
    static let all: [Vector] = [
        .init("correct horse", "$apr1$gaPCcYz1$zCbjYrL39I0f2EOitZlEI.", .apr1, .outdated),
        .init("correct horse", "$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/", .apr1, .outdated),
        .init("", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie.", .apr1, .outdated),
        .init("a", "$apr1$ab$MW8Wizufu9hz465GKNNrn.", .apr1, .outdated),
        .init(
            "a much longer password than sixteen bytes: ÄÖÜ",
            "$apr1$abcdefgh$OtZiq/ykeNlVML4O2xZ2v.",
            .apr1,
            .outdated
        ),
        .init("correct horse", "$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80", .md5crypt, .outdated),
        .init("correct horse", "$2y$05$raaDTG3YvWHw/Xe9g2oqIuzwKJWDrEj9nd3E.qPMkuw2YWLrbK8Su", .bcrypt, .cheap),
        .init("correct horse", "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", .bcrypt, .cheap),
        .init("correct horse", "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", .bcrypt, .cheap),
        .init("correct horse", "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", .bcrypt, .cheap),
        .init("correct horse", "$5$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB", .sha256crypt),
        .init(
            "correct horse",
            "$6$abcdefgh$yIZAF3gQPvtKZO/9qOJKffAKKbtS3ef3qmwyugk4uWVjX8YZf/GV3A8SkFxEPY0T56CcilGrHKLffBsp6dLMG.",
            .sha512crypt
        ),
        .init(
            "correct horse",
            "$6$rounds=1000$abcdefgh$DbXqPck5ABZumVXwcH5eMVHsPZwvQ3jylSxpJmKkZVxcoCiC3N0rPerjHmAqL7r6PK6CIeYnO9."
                + "vxpbsevscg/",
            .sha512crypt,
            .cheap
        ),
        .init("correct horse", "$y$j9T$abcdefghijklmnop$0Hi8KsZH/hAMRN9Bam6ce3nmi5QAIz3R/KeaXG/c7p9", .yescrypt),
        .init("correct horse", "$y$j75$abcdefghijklmnop$1kKL1r02wT4HlcktLfzeoOHd1GFgv7Ay4JeEbqGj80B", .yescrypt),
        .init("correct horse", "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=", .sha1, .unsalted),
        .init("correct horse", "{SSHA}K0MZxWoMPVRxegoJBeg1/wEGvbpzYWx0MTIzNA==", .saltedSHA1, .fast),
        .init("correct horse", "{PLAIN}correct horse", .plain, .plainText),
        .init("correct", "abpWIu4f4hFp2", .des, .eightCharacters),
    ]
}

@Suite struct PasswordHashTests {
    @Test(arguments: Vector.all) func verifies(_ vector: Vector) throws {
        var verifier = PasswordVerifier()
        func check(_ password: [UInt8], _ stored: [UInt8]) -> Bool {
            verifier.verify(password: password.span, against: stored.span)
        }
        let (password, stored) = (bytes(vector.password), bytes(vector.stored))
        let info = try #require(inspect(stored))
        #expect(info.scheme == vector.scheme)
        #expect(info.weakness == vector.weakness)
        #expect(check(password, stored))
        #expect(!check(password + bytes("x"), stored))
        #expect(!check(bytes("X") + password.dropFirst(), stored))
        #expect(!check(password + [0], stored))
        if !password.isEmpty { #expect(!check(Array(password.dropLast()), stored)) }
        // The same again: nothing of the failures stays behind.
        #expect(check(password, stored))
        if vector.scheme != .plain {
            // Another character in the middle of the digest.
            var damaged = stored
            let middle = stored.count - 6
            damaged[middle] = damaged[middle] == 0x41 ? 0x42 : 0x41
            #expect(!check(password, damaged))
        }
    }

    @Test(arguments: [
        "", "secret", "$apr1$", "$apr1$abcdefgh$short", "$apr1$abcdefghi$sIQmFnT1CuEXAsyjuXjUX/", "$2y$",
        "$2y$05$raaDTG3YvWHw/Xe9g2oqIuzwKJWDrEj9nd3E.qPMkuw2YWLrbK8S",
        "$2x$05$raaDTG3YvWHw/Xe9g2oqIuzwKJWDrEj9nd3E.qPM",
        "$2y$99$raaDTG3YvWHw/Xe9g2oqIuzwKJWDrEj9nd3E.qPMkuw2YWLrbK8Su", "$5$abc$def", "$6$rounds=1$ab$cd",
        "$6$rounds=$abcdefgh$x", "$y$$", "$y$j9T$", "{SHA}", "{SHA}AAAA", "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A",
        "{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=", "abpWIu4f4hFp", "abpWIu4f4hF:2", "{sha}L55TUjtiq8FBorTWAZ0jy6g129A=",
        "$5$rounds=5000", "*", "!", "$",
    ])
    func refusesWhatIsMisshapen(_ text: String) {
        var verifier = PasswordVerifier()
        let stored = bytes(text)
        #expect(inspect(stored) == nil)
        let verified = verifier.verify(password: bytes("secret").span, against: stored.span)
        #expect(!verified)
    }

    @Test(arguments: [PasswordRecipe.bcrypt(cost: 4), .apr1, .sha512, .yescrypt])
    func makesWhatItVerifies(_ recipe: PasswordRecipe) throws {
        var verifier = PasswordVerifier()
        let password = bytes("Grüße, 世界")
        let first = try verifier.make(password: password.span, recipe)
        let second = try verifier.make(password: password.span, recipe)
        #expect(first != second)
        let verified = verifier.verify(password: password.span, against: first.span)
        #expect(verified)
        let other = verifier.verify(password: bytes("Grüße").span, against: second.span)
        #expect(!other)
    }

    @Test func bcryptIgnoresBytesBeyond72AndSaysSoWhenMaking() {
        var verifier = PasswordVerifier()
        let stored = bytes("$2y$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i")
        let limit = [UInt8](repeating: 0x78, count: 72)
        for password in [limit, limit + [0x79]] {
            let verified = verifier.verify(password: password.span, against: stored.span)
            #expect(verified)
        }
        #expect(throws: PasswordError.tooLong(count: 73, limit: 72)) {
            var verifier = PasswordVerifier()
            _ = try verifier.make(password: (limit + [0x79]).span, .bcrypt(cost: 4))
        }
    }

    @Test(
        arguments: [
            ([], .standard, .empty),
            ([0x61, 0], .standard, .containsNul),
            ([UInt8](repeating: 0x61, count: 512), .yescrypt, .tooLong(count: 512, limit: 511)),
            ([0x61], .bcrypt(cost: 3), .unsupported(.bcrypt(cost: 3))),
            ([0x61], .bcrypt(cost: 32), .unsupported(.bcrypt(cost: 32))),
        ] as [([UInt8], PasswordRecipe, PasswordError)]
    )
    func refusesToMake(_ password: [UInt8], _ recipe: PasswordRecipe, _ error: PasswordError) {
        #expect(throws: error) {
            var verifier = PasswordVerifier()
            _ = try verifier.make(password: password.span, recipe)
        }
    }

    @Test func excessiveCostsAreNoticed() {
        let stored = bytes("$5$rounds=999999999$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB")
        #expect(inspect(stored)?.weakness == .excessive)
    }
}
