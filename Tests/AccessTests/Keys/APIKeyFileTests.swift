import Crypto
import Glibc
import Testing

@testable import Access

let guideKeys = """
    {
    "keys": [
    {
    "id": "prod-key-1",
    "key": "sk-prod-abcdefghijklmnopqrstuvwxyz1234567890",
    "name": "Production Application",
    "permissions": ["read", "write", "execute-actions"],
    "created_at": "2026-02-13T00:00:00.000Z",
    "expires_at": null,
    "rate_limit": 1000
    },
    {
    "id": "dev-key-1",
    "key": "sk-dev-abcdefghijklmnopqrstuvwxyz0987654321",
    "name": "Development Access",
    "permissions": ["read"],
    "created_at": "2026-02-13T00:00:00.000Z",
    "expires_at": "2026-03-13T00:00:00.000Z",
    "rate_limit": 100
    }
    ]
    }
    """

func hashText(_ key: String) -> String { "sha256:" + SHA256.hash(bytes(key).span).hexadecimal }

/// One entry with a secret of its own, and more fields.
private func entry(_ id: String, _ more: String = "") -> String {
    "{\"id\": \"\(id)\", \"hash\": \"\(hashText(id))\", \"permissions\": [\"read\"]\(more.isEmpty ? "" : ", " + more)}"
}

private func read(_ entries: String...) throws -> (table: APIKeyTable, problems: [APIKeyProblem]) {
    try APIKeyFile.parse(bytes("{\"keys\": [\n" + entries.joined(separator: ",\n") + "\n]}").span)
}

private func find(_ table: APIKeyTable, _ key: String) -> String? {
    table.find(bytes(key).span).map { String(decoding: table.id(of: $0), as: UTF8.self) }
}

private func index(_ table: APIKeyTable, _ id: String) -> APIKeyTable.Index? {
    table.index(ofID: bytes(id).span)
}

@Suite struct APIKeyFileTests {
    @Test func `the guide's file`() throws {
        let (table, problems) = try APIKeyFile.parse(bytes(guideKeys).span, generation: 7)
        #expect(table.count == 2)
        #expect(table.generation == 7)
        let found = [
            table.find(bytes("sk-prod-abcdefghijklmnopqrstuvwxyz1234567890").span),
            table.find(bytes("sk-dev-abcdefghijklmnopqrstuvwxyz0987654321").span),
        ]
        let production = try #require(found[0])
        let development = try #require(found[1])
        #expect(table.id(of: production) == bytes("prod-key-1"))
        #expect(table.name(of: production) == bytes("Production Application"))
        #expect(table[production].permissions.rawValue == 0b0111)
        #expect(table[production].expiresAt == nil)
        #expect(table[production].ratePerHour == 1000)
        #expect(table[production].createdAt == 1_770_940_800_000)
        #expect(table[development].permissions.rawValue == 0b0001)
        #expect(table[development].ratePerHour == 100)
        #expect(table[development].expiresAt == 1_773_360_000_000)
        #expect(table[production].expiresAt == nil)
        #expect(index(table, "dev-key-1") == development)
        #expect(index(table, "dev-key-2") == nil)
        #expect(index(table, "dev-key-") == nil)
        #expect(problems.map(\.kind) == [.clear, .clear])
        #expect(problems.allSatisfy { !$0.isError && !$0.description.contains("abcdefgh") })
        #expect(
            problems[0].description
                == "line 5, column 8: key \"prod-key-1\": the key stands in the file in the clear: run \"postern key hash FILE\""
        )
    }

    @Test func `hashes in either letter case, and nobody by the hash itself`() throws {
        let hash = "sha256:" + SHA256.hash(bytes("secret-1").span).hexadecimal.uppercased()
        let (table, problems) = try read("{\"id\": \"a\", \"hash\": \"\(hash)\", \"permissions\": [\"read\"]}")
        #expect(problems.isEmpty)
        #expect(find(table, "secret-1") == "a")
        #expect(find(table, hash) == nil)
        #expect(find(table, "") == nil)
        #expect(find(table, String(repeating: "x", count: 513)) == nil)
    }

    /// One entry, and what is said of it; `line 2` is where it stands.
    static let flaws: [(String, String)] = [
        ("1", "line 2, column 1: expected an object for each key; the key is ignored"),
        (
            "{\"hash\": \"\(hashText("x"))\", \"permissions\": [\"read\"]}",
            "line 2, column 1: there is no \"id\"; the key is ignored"
        ),
        (
            "{\"id\": 7, \"hash\": \"\(hashText("x"))\", \"permissions\": [\"read\"]}",
            "line 2, column 8: \"id\" must be a string; the key is ignored"
        ),
        (
            "{\"id\": \"a\", \"permissions\": [\"read\"]}",
            "line 2, column 1: key \"a\": there is no \"hash\"; the key is ignored"
        ),
        (
            "{\"id\": \"a\", \"hash\": \"sha256:12\", \"permissions\": [\"read\"]}",
            "line 2, column 21: key \"a\": \"hash\" must be \"sha256:\" and 64 hexadecimal digits; the key is ignored"
        ),
        (
            "{\"id\": \"a\", \"hash\": \"\(hashText("x"))\", \"key\": \"x\", \"permissions\": [\"read\"]}",
            "line 2, column 103: key \"a\": it has both \"key\" and \"hash\": remove one; the key is ignored"
        ),
        (
            "{\"id\": \"a\", \"key\": \"\", \"permissions\": [\"read\"]}",
            "line 2, column 20: key \"a\": the key is empty; the key is ignored"
        ),
        (
            "{\"id\": \"a\", \"key\": \"two words\", \"permissions\": [\"read\"]}",
            "line 2, column 20: key \"a\": the key has spaces or characters other than visible ASCII, which no client can "
                + "send; the key is ignored"
        ),
        (
            "{\"id\": \"a\", \"key\": \"pk_short\", \"permissions\": [\"read\"]}",
            "line 2, column 20: key \"a\": the key starts with \"pk_\" but isn't whole or was mistyped: its checksum is "
                + "wrong; the key is ignored"
        ),
        (
            "{\"id\": \"a\", \"hash\": \"\(hashText("x"))\"}",
            "line 2, column 1: key \"a\": there is no \"permissions\"; the key is ignored"
        ),
        (
            "{\"id\": \"a\", \"hash\": \"\(hashText("x"))\", \"permissions\": \"read\"}",
            "line 2, column 111: key \"a\": \"permissions\" must be a list of names; the key is ignored"
        ),
        (
            "{\"id\": \"a\", \"hash\": \"\(hashText("x"))\", \"permissions\": [\"reed\"]}",
            "line 2, column 112: key \"a\": there is no permission \"reed\"; known are read, write, execute-actions, admin; "
                + "the key is ignored"
        ),
        (
            entry("a", "\"id\": \"b\""),
            "line 2, column 121: key \"b\": \"id\" is there twice; the key is ignored"
        ),
        (
            entry("a", "\"expires_at\": \"tomorrow\""),
            "line 2, column 135: key \"a\": \"expires_at\" must be null or a time such as \"2026-12-31T00:00:00Z\", with Z "
                + "or an offset; the key is ignored"
        ),
        (
            entry("a", "\"rate_limit\": 0"),
            "line 2, column 135: key \"a\": a \"rate_limit\" of 0 would refuse every request: write null for no limit, or "
                + "revoke the key; the key is ignored"
        ),
        (
            entry("a", "\"rate_limit\": 1.5"),
            "line 2, column 135: key \"a\": \"rate_limit\" must be null or a whole number of requests an hour, from 1 to "
                + "4294967295; the key is ignored"
        ),
        (
            entry("a", "\"rate_limit\": \"100\""),
            "line 2, column 135: key \"a\": \"rate_limit\" must be null or a whole number of requests an hour, from 1 to "
                + "4294967295; the key is ignored"
        ),
        (
            entry("a b"),
            "line 2, column 8: key \"a b\": the id has characters other than visible ASCII, or a quote, a comma or a "
                + "backslash; the key is ignored"
        ),
    ]

    @Test(arguments: flaws)
    func `an entry with an error, and the others count`(entry text: String, message: String) throws {
        let (table, problems) = try read(text, entry("good"))
        #expect(problems.map(\.description) == [message])
        #expect(problems.allSatisfy { $0.isError })
        #expect(table.count == 1)
        #expect(find(table, "good") == "good")
    }

    static let advice: [(String, String)] = [
        (
            "{\"id\": \"a\", \"hash\": \"\(hashText("a"))\", \"permissions\": []}",
            "line 2, column 111: key \"a\": it has no permissions, so it may do nothing"
        ),
        (
            entry("a", "\"expire_at\": null"),
            "line 2, column 121: key \"a\": \"expire_at\" is ignored; was \"expires_at\" meant?"
        ),
        (
            entry("a", "\"expiresAt\": null"),
            "line 2, column 121: key \"a\": \"expiresAt\" is ignored; was \"expires_at\" meant?"
        ),
        (
            entry("a", "\"ratelimits\": 5"),
            "line 2, column 121: key \"a\": \"ratelimits\" is ignored; was \"rate_limit\" meant?"
        ),
        (
            entry("a", "\"created_at\": \"yesterday\""),
            "line 2, column 135: key \"a\": \"created_at\" is no time such as \"2026-12-31T00:00:00Z\" and is ignored"
        ),
    ]

    @Test(arguments: advice)
    func `what is only advice`(entry text: String, message: String) throws {
        let (table, problems) = try read(text)
        #expect(problems.map(\.description) == [message])
        #expect(problems.allSatisfy { !$0.isError })
        #expect(find(table, "a") == "a")
    }

    @Test func `a short key in the clear`() throws {
        let (table, problems) = try read(
            "{\"id\": \"a\", \"key\": \"nineteen-characters\", \"permissions\": [\"read\"]}"
        )
        #expect(problems.map(\.kind) == [.clear, .short])
        #expect(find(table, "nineteen-characters") == "a")
        #expect(problems.allSatisfy { !$0.description.contains("nineteen") })
    }

    @Test func `fields of others are nobody's business`() throws {
        let (table, problems) = try read(
            entry("a", "\"owner\": {\"team\": [1, 2]}, \"note\": \"x\", \"ids\": [], \"names\": 1")
        )
        #expect(problems.map(\.kind) == [.likely(field: "names", meant: "name")])
        #expect(table.count == 1)
    }

    @Test func `an id or a key twice`() throws {
        let same = "{\"id\": \"c\", \"key\": \"a\", \"permissions\": [\"write\"]}"
        let (table, problems) = try read(entry("a"), entry("a", "\"rate_limit\": 5"), same)
        #expect(table.count == 1)
        #expect(find(table, "a") == "a")
        #expect(
            problems.filter(\.isError).map(\.kind) == [
                .duplicateID(first: TextPosition(line: 2, column: 1)), .duplicateKey(first: "a"),
            ]
        )
        let lines = problems.map(\.description)
        #expect(
            lines[0] == "line 3, column 1: key \"a\": the id is there already (line 2, column 1), and that one counts; "
                + "the key is ignored"
        )
        #expect(
            lines.last == "line 4, column 1: key \"c\": it has the same key as \"a\", which counts; the key is ignored"
        )
    }

    @Test(arguments: [
        ("", "line 1, column 1: the text ends where a value should be"),
        ("{\"keys\": [}", "line 1, column 11: expected a value"),
        ("[]", "line 1, column 1: expected an object with an array of keys: {\"keys\": […]}"),
        ("{\"keys\": {}}", "line 1, column 10: expected an object with an array of keys: {\"keys\": […]}"),
        ("{}", "line 1, column 1: expected an object with an array of keys: {\"keys\": […]}"),
    ])
    func `a file that lets nobody in`(text: String, message: String) {
        do {
            _ = try APIKeyFile.parse(bytes(text).span)
            Issue.record("it was read")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test func `no keys are a table of nobody`() throws {
        let (table, problems) = try APIKeyFile.parse(bytes("{\"keys\": []}").span)
        #expect(table.count == 0)
        #expect(problems.isEmpty)
        #expect(find(table, "x") == nil)
        #expect(index(table, "x") == nil)
    }

    @Test func `sizes are bounded`() throws {
        let long = [UInt8](repeating: 0x20, count: APIKeyFile.maximumSize + 1)
        #expect(throws: APIKeyFileError.tooLarge(bytes: long.count)) { try APIKeyFile.parse(long.span) }
        let many = "{\"keys\": [" + String(repeating: "0,", count: APIKeyFile.maximumKeys) + "0]}"
        #expect(throws: APIKeyFileError.tooManyKeys) { try APIKeyFile.parse(bytes(many).span) }
    }

    @Test func `permissions of the configuration`() throws {
        let permissions = try PermissionTable([Permission("x"), Permission("deploy", methods: ["POST"])])
        let text = "{\"keys\": [{\"id\": \"a\", \"hash\": \"\(hashText("k"))\", \"permissions\": [\"deploy\"]}]}"
        let (table, problems) = try APIKeyFile.parse(bytes(text).span, permissions: permissions)
        #expect(problems.isEmpty)
        let found = table.find(bytes("k").span)
        #expect(found.map { table[$0].permissions.rawValue } == 0b10)
    }

    @Test func `ten thousand keys are found, and others aren't`() throws {
        let (table, problems) = try APIKeyFile.parse(bytes(manyKeys(10_000)).span)
        #expect(problems.isEmpty)
        #expect(table.count == 10_000)
        for number in 0..<10_000 {
            #expect(find(table, "key-\(number)-abcdefghijklmnop") == "id-\(number)")
            #expect(find(table, "key-\(number)-abcdefghijklmnoq") == nil)
            let place = index(table, "id-\(number)")
            #expect(place.map { table.id(of: $0) } == bytes("id-\(number)"))
        }
        #expect(index(table, "id-10000") == nil)
    }

    @Test func `two tables never have one number`() throws {
        let tables = try (0..<3).map { _ in try APIKeyFile.parse(bytes("{\"keys\": []}").span).table.number }
        #expect(Set(tables).count == 3)
    }

    /// Debug builds take longer; the bound is for a machine that does something else as well.
    @Test func `finding takes no longer among many, nor for a key that isn't there`() throws {
        let table = try APIKeyFile.parse(bytes(manyKeys(10_000)).span).table
        let (known, unknown) = (bytes("key-77-abcdefghijklmnop"), bytes("key-77-abcdefghijklmnoq"))
        var best: (known: UInt64, unknown: UInt64) = (.max, .max)
        for _ in 0..<5 {
            best.known = min(best.known, nanoseconds { table.find(known.span) != nil })
            best.unknown = min(best.unknown, nanoseconds { table.find(unknown.span) == nil })
        }
        print("API keys, of 10,000: known \(best.known) ns, unknown \(best.unknown) ns a lookup")
        #expect(best.known < 50_000)
        #expect(best.unknown < 50_000)
    }

    @Test func `a file that strangers can read is named`() throws {
        let path = "/tmp/postern-keys-" + Random.hexToken(bytes: 8)
        defer { unsafe unlink(path) }
        for (mode, isFine) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false), (0o602, false)] {
            let file = try FileSystem.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            try FileSystem.write(bytes("{\"keys\": []}"), to: file, path)
            unsafe chmod(path, mode_t(mode))
            let problems = try APIKeyFile.load(path: path).problems
            #expect(problems.isEmpty == isFine)
            #expect(problems.allSatisfy { !$0.isError && $0.position == nil })
            let octal = "0" + String(mode, radix: 8)
            #expect(
                problems.allSatisfy {
                    $0.description.contains(octal) && $0.description.contains("\"chmod 600 \(path)\"")
                }
            )
        }
        #expect(throws: APIKeyFileError.notRegularFile(path: "/dev/null")) { try APIKeyFile.load(path: "/dev/null") }
        #expect(throws: APIKeyFileError.system(operation: "open", path: "/nonexistent/keys", code: ENOENT)) {
            try APIKeyFile.load(path: "/nonexistent/keys")
        }
    }
}

func manyKeys(_ count: Int) -> String {
    let entries = (0..<count).map {
        "{\"id\": \"id-\($0)\", \"hash\": \"\(hashText("key-\($0)-abcdefghijklmnop"))\", \"permissions\": [\"read\"]}"
    }
    return "{\"keys\": [" + entries.joined(separator: ",") + "]}"
}

/// The average of a thousand runs.
private func nanoseconds(_ body: () -> Bool) -> UInt64 {
    let clock = ContinuousClock()
    var isRight = true
    let time = clock.measure { for _ in 0..<1000 { isRight = body() && isRight } }
    #expect(isRight)
    return UInt64(time.components.seconds * 1_000_000 + time.components.attoseconds / 1_000_000_000_000)
}
