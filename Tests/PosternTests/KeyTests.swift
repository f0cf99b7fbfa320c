import Access
import ArgumentParser
import TestSupport
import Testing

@testable import postern

struct KeyTests {
    private static let day: Int64 = 86_400_000
    /// 2026-02-20.
    private static let now: Int64 = 1_771_545_600_000

    @Test(
        arguments: [
            ("45s", 45_000), ("30m", 1_800_000), ("12h", 43_200_000), ("90d", 7_776_000_000), ("2w", 1_209_600_000),
            ("0d", nil), ("d", nil), ("90", nil), ("-1d", nil), ("+1d", nil), ("1.5h", nil), ("1y", nil), ("", nil),
            ("9223372036854775807s", nil), ("36601d", nil),
        ] as [(String, Int64?)]
    )
    func durations(text: String, milliseconds: Int64?) {
        #expect(KeyTime.duration(text) == milliseconds)
    }

    @Test func instants() throws {
        #expect(try KeyTime.instant("90d", now: Self.now + 999) == Self.now + 90 * Self.day)
        #expect(try KeyTime.instant("2026-12-31T00:00:00Z", now: Self.now) == 1_798_675_200_000)
        #expect(throws: (any Error).self) { try KeyTime.instant("2026-02-20T00:00:00Z", now: Self.now) }
        #expect(throws: (any Error).self) { try KeyTime.instant("tomorrow", now: Self.now) }
    }

    @Test(arguments: [
        ["key", "add", "f", "--name", "n"], ["key", "add", "f", "--permission", "read"],
        ["key", "add", "f", "--name", "n", "--permission", "read", "--rate", "0"],
        ["key", "add", "f", "--name", "n", "--permission", "re ad"],
        ["key", "add", "f", "--name", "n", "--permission", "read", "--expires", "2020-01-01T00:00:00Z"],
        ["key", "rotate", "f", "id", "--grace", "soon"], ["key", "revoke", "f"],
        ["token", "--bytes", "8"], ["token", "--bytes", "1025"],
    ])
    func `what the commands don't take`(arguments: [String]) {
        #expect(throws: (any Error).self) { try Postern.parseAsRoot(arguments) }
    }

    @Test func `add, rotate, hash and revoke`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("keys.json")
        func run(_ arguments: String...) throws {
            var command = try Postern.parseAsRoot(["key"] + arguments)
            try command.run()
        }
        try run("add", path, "--name", "Build server", "--permission", "read", "--permission", "write", "--rate", "9")
        try run(
            "add",
            path,
            "--name",
            "x",
            "--permission",
            "deploy",
            "--custom",
            "--id",
            "dev",
            "--expires",
            "9d",
            "--json"
        )
        #expect(throws: APIKeyFileError.self) { try run("add", path, "--name", "y", "--permission", "reed") }
        #expect(throws: APIKeyFileError.keyExists("dev")) {
            try run("add", path, "--name", "y", "--permission", "read", "--id", "dev")
        }
        #expect(try APIKeyFileEditor(path: path).read().ids == ["build-server", "dev"])
        try run("rotate", path, "dev", "--grace", "1h")
        #expect(try APIKeyFileEditor(path: path).read().ids == ["build-server", "dev", "dev-old"])
        try run("list", path)
        try run("list", path, "--json")
        try run("hash", path)
        try run("revoke", path, "dev-old")
        #expect(try APIKeyFileEditor(path: path).read().ids == ["build-server", "dev"])
        #expect(throws: APIKeyFileError.noSuchKey("dev-old")) { try run("revoke", path, "dev-old") }
    }

    private static func rows(now: Int64) throws -> [KeyRow] {
        let text = """
            {"keys": [
              {"id": "a", "key": "secret-of-a-that-is-long", "name": "A", "permissions": ["write", "read"], "rate_limit": 5},
              {"id": "longer", "key": "secret-of-b-that-is-long", "permissions": [], "created_at": "2026-02-13T00:00:00Z",
               "expires_at": "2026-03-13T00:00:00Z"}]}
            """
        let table = try APIKeyFile.parse(Array(text.utf8).span).table
        return table.indices.map { KeyRow($0, table, .standard, now: now) }
    }

    @Test func `a table for people`() throws {
        #expect(
            KeyRow.table(try Self.rows(now: Self.now)) == """
                ID      NAME    PERMISSIONS  CREATED               EXPIRES               RATE  STATE
                a       A       read,write   -                     never                 5/h   active
                longer  longer  -            2026-02-13T00:00:00Z  2026-03-13T00:00:00Z  -     expires in 21 days
                """
        )
        #expect(KeyRow.table([]) == "")
    }

    @Test func `the same for programs`() throws {
        #expect(
            KeyRow.json(try Self.rows(now: Self.now)) == """
                {"keys": [
                  {"id": "a", "name": "A", "permissions": ["read", "write"], "created_at": null, "expires_at": null, \
                "rate_limit": 5, "state": "active", "expires_in_days": null},
                  {"id": "longer", "name": "longer", "permissions": [], "created_at": "2026-02-13T00:00:00Z", \
                "expires_at": "2026-03-13T00:00:00Z", "rate_limit": null, "state": "active", "expires_in_days": 21}
                ]}
                """
        )
        #expect(KeyRow.json([]) == "{\"keys\": []}")
    }

    @Test(arguments: [
        (-40 * day, "active"), (0, "expires in 21 days"), (20 * day, "expires in 1 day"),
        (21 * day - 1, "expires in less than a day"), (21 * day, "expired"), (22 * day, "expired"),
    ])
    func `how soon it ends`(later: Int64, state: String) throws {
        #expect(try Self.rows(now: Self.now + later)[1].state == state)
    }

    @Test func `what is shown of a new key`() {
        let key = MadeKey(id: "a", secret: "pk_x", expiresAt: 1_798_675_200_000)
        #expect(key.text(asJSON: false) == "id a\nexpires 2026-12-31T00:00:00Z\nkey pk_x")
        #expect(
            key.text(asJSON: true) == "{\"id\": \"a\", \"key\": \"pk_x\", \"expires_at\": \"2026-12-31T00:00:00Z\"}"
        )
        #expect(MadeKey(id: "a", secret: "pk_x", expiresAt: nil).text(asJSON: true).hasSuffix("\"expires_at\": null}"))
    }

    @Test func tokens() throws {
        let hexadecimal = try #require(try Postern.parseAsRoot(["token"]) as? Token).text()
        #expect(hexadecimal.utf8.count == 64)
        #expect(hexadecimal.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit })
        let base64 = try #require(try Postern.parseAsRoot(["token", "--base64", "--bytes", "48"]) as? Token).text()
        #expect(base64.utf8.count == 64)
        #expect(base64 != hexadecimal)
    }
}
