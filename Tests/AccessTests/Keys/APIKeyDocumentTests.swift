import Crypto
import Testing

@testable import Access

private let secret = "pk_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp13dVO0t"
private let day: Int64 = 86_400_000
/// 2026-02-20.
private let now: Int64 = 1_771_545_600_000

private func key(_ id: String, _ permissions: String...) -> NewAPIKey {
    NewAPIKey(id: id, name: "N \"\(id)\"", permissions: permissions, createdAt: now, ratePerHour: 5)
}

private func text(_ document: APIKeyDocument) -> String { String(decoding: document.text, as: UTF8.self) }

private func table(_ document: APIKeyDocument) throws -> APIKeyTable {
    try APIKeyFile.parse(document.text.span).table
}

private func find(_ document: APIKeyDocument, _ key: String) throws -> String? {
    let table = try table(document)
    let found = table.find(bytes(key).span)
    return found.map { String(decoding: table.id(of: $0), as: UTF8.self) }
}

private let production = "sk-prod-abcdefghijklmnopqrstuvwxyz1234567890"
private let development = "sk-dev-abcdefghijklmnopqrstuvwxyz0987654321"

@Suite struct APIKeyDocumentTests {
    @Test func `hashing rewrites the keys and nothing else`() throws {
        let before = guideKeys.replacing(
            "\"rate_limit\": 100\n",
            with: "\"rate_limit\" :100 , \"x\": {\"key\": [1 ,2]}\n"
        )
        var document = try APIKeyDocument(bytes(before))
        #expect(try document.hashKeys() == ["prod-key-1", "dev-key-1"])
        let after = before.replacing("\"key\": \"\(production)\"", with: "\"hash\": \"\(hashText(production))\"")
            .replacing("\"key\": \"\(development)\"", with: "\"hash\": \"\(hashText(development))\"")
        #expect(text(document) == after)
        #expect(try find(document, production) == "prod-key-1")
        #expect(try find(document, development) == "dev-key-1")
        #expect(try APIKeyFile.parse(document.text.span).problems.isEmpty)
        #expect(try document.hashKeys() == [])
        #expect(text(document) == after)
    }

    @Test func `what can't be a key stays as it is`() throws {
        let before = "{\"keys\": [{\"id\": \"a\", \"key\": \"pk_typo\"}, {\"id\": \"b\", \"key\": 5}, 7]}"
        var document = try APIKeyDocument(bytes(before))
        #expect(try document.hashKeys() == [])
        #expect(text(document) == before)
    }

    @Test func `the first key of a new file`() throws {
        var document = try APIKeyDocument([])
        try document.add(key("a", "read", "write"), secret: secret)
        #expect(
            text(document) == """
                {
                  "keys": [
                    {
                      "id": "a",
                      "hash": "\(hashText(secret))",
                      "name": "N \\"a\\"",
                      "permissions": ["read", "write"],
                      "created_at": "2026-02-20T00:00:00Z",
                      "expires_at": null,
                      "rate_limit": 5
                    }
                  ]
                }

                """
        )
        #expect(try find(document, secret) == "a")
        try document.add(key("b", "read"), secret: APIKeyText.make())
        #expect(text(document).contains("\n    },\n    {\n      \"id\": \"b\",\n"))
        #expect(document.ids == ["a", "b"])
    }

    @Test func `keys on one line stay on it`() throws {
        var document = try APIKeyDocument(bytes("{\"keys\":[{\"id\":\"a\"}],\"more\":1}"))
        try document.add(key("b", "read"), secret: secret)
        #expect(text(document).hasPrefix("{\"keys\":[{\"id\":\"a\"}, {\"id\": \"b\", \"hash\""))
        #expect(text(document).hasSuffix("\"rate_limit\": 5}],\"more\":1}"))
        #expect(try find(document, secret) == "b")
    }

    @Test func `what is refused changes nothing`() throws {
        var document = try APIKeyDocument(bytes(guideKeys))
        #expect(throws: APIKeyFileError.keyExists("dev-key-1")) { try document.add(key("dev-key-1"), secret: secret) }
        #expect(throws: APIKeyFileError.refused("the id is empty")) { try document.add(key(""), secret: secret) }
        var rate = key("x")
        rate.ratePerHour = 0
        #expect(throws: APIKeyFileError.self) { try document.add(rate, secret: secret) }
        #expect(throws: APIKeyFileError.noSuchKey("x")) { try document.remove("x") }
        #expect(throws: APIKeyFileError.noSuchKey("x")) { try document.rotate("x", secret: secret, now: now) }
        #expect(text(document) == guideKeys)
    }

    @Test(arguments: [
        ("{\"keys\": [{\"id\": \"a\"}]}", "a", "{\"keys\": []}"),
        ("{\"keys\": [{\"id\": \"a\"}, {\"id\": \"b\"}]}", "a", "{\"keys\": [{\"id\": \"b\"}]}"),
        ("{\"keys\": [{\"id\": \"a\"}, {\"id\": \"b\"}]}", "b", "{\"keys\": [{\"id\": \"a\"}]}"),
        ("{\"keys\": [1, {\"id\": \"a\"}\n, 2, {\"id\": \"a\"}], \"x\": 1}", "a", "{\"keys\": [1\n, 2], \"x\": 1}"),
        ("{\"keys\": [{\"id\": \"a\"}, {\"id\": \"\\u0061\"}]}", "a", "{\"keys\": []}"),
    ])
    func `revoking removes every entry of the id`(before: String, id: String, after: String) throws {
        var document = try APIKeyDocument(bytes(before))
        try document.remove(id)
        #expect(text(document) == after)
    }

    @Test func `another secret for a key`() throws {
        var document = try APIKeyDocument(bytes(guideKeys))
        try document.rotate("dev-key-1", secret: secret, now: now)
        #expect(try find(document, secret) == "dev-key-1")
        #expect(try find(document, development) == nil)
        #expect(try find(document, production) == "prod-key-1")
        let after = guideKeys.replacing("\"key\": \"\(development)\"", with: "\"hash\": \"\(hashText(secret))\"")
        let parts = after.split(separator: "dev-key-1")
        let renewed = parts[1].replacing("2026-02-13T00:00:00.000Z", with: "2026-02-20T00:00:00Z")
        #expect(text(document) == parts[0] + "dev-key-1" + renewed)
    }

    @Test func `the old secret stays for a while`() throws {
        var document = try APIKeyDocument(bytes(guideKeys))
        try document.rotate("dev-key-1", secret: secret, now: now, grace: day)
        #expect(document.ids == ["prod-key-1", "dev-key-1", "dev-key-1-old"])
        #expect(try find(document, secret) == "dev-key-1")
        #expect(try find(document, development) == "dev-key-1-old")
        #expect(document.expiry(of: "dev-key-1-old") == now + day)
        #expect(document.expiry(of: "dev-key-1") == 1_773_360_000_000)
        #expect(!text(document).contains(development))
        // Not another one while that lasts; the older one makes place once it has expired.
        let again = APIKeyText.make()
        #expect(throws: APIKeyFileError.keyExists("dev-key-1-old")) {
            try document.rotate("dev-key-1", secret: again, now: now + day - 1, grace: day)
        }
        try document.rotate("dev-key-1", secret: again, now: now + day, grace: day)
        #expect(document.ids == ["prod-key-1", "dev-key-1", "dev-key-1-old"])
        #expect(try find(document, again) == "dev-key-1")
        #expect(try find(document, secret) == "dev-key-1-old")
        #expect(try find(document, development) == nil)
    }

    @Test func `the grace doesn't outlast the key`() throws {
        var document = try APIKeyDocument(bytes(guideKeys))
        try document.rotate("dev-key-1", secret: secret, now: now, grace: 365 * day)
        #expect(document.expiry(of: "dev-key-1-old") == 1_773_360_000_000)
        try document.rotate("prod-key-1", secret: APIKeyText.make(), now: now, grace: 365 * day)
        #expect(document.expiry(of: "prod-key-1-old") == now + 365 * day)
        #expect(document.expiry(of: "prod-key-1") == nil)
    }

    @Test func `an expired key gets a new end with its secret`() throws {
        var document = try APIKeyDocument(bytes(guideKeys))
        let later = now + 100 * day
        #expect(throws: APIKeyFileError.self) { try document.rotate("dev-key-1", secret: secret, now: later) }
        #expect(text(document) == guideKeys)
        try document.rotate("dev-key-1", secret: secret, now: later, expiresAt: later + day)
        #expect(document.expiry(of: "dev-key-1") == later + day)
    }

    @Test func `members that weren't there`() throws {
        var document = try APIKeyDocument(
            bytes("{\"keys\": [{\"id\": \"a\", \"hash\": \"\(hashText("x"))\", \"permissions\": [\"read\"]}]}")
        )
        try document.rotate("a", secret: secret, now: now, grace: day, expiresAt: now + 2 * day)
        #expect(try find(document, "x") == "a-old")
        #expect(try find(document, secret) == "a")
        #expect(document.expiry(of: "a") == now + 2 * day)
        #expect(document.expiry(of: "a-old") == now + day)
    }

    @Test(arguments: [
        ("Build server", "build-server"), ("  ...Ä b ", "b"), ("", "key"), ("日本", "key"), ("Taken", "taken-3"),
        (String(repeating: "x", count: 200), String(repeating: "x", count: 64)),
    ])
    func `an id of a name`(name: String, id: String) {
        #expect(NewAPIKey.id(of: name, taken: ["taken", "taken-2"]) == id)
    }
}
