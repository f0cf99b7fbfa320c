import Access
import Bytes

/// What the editor of a file of API keys writes reads as the table it was, but for what was to change.
enum APIKeysCheck {
    private static let secret = APIKeyText.make()

    static func check(_ input: [UInt8]) throws(Broken) {
        try checkTime(input)
        let table: APIKeyTable
        let problems: [APIKeyProblem]
        do { (table, problems) = try APIKeyFile.parse(input.span) } catch {
            try hold(isVisible(error.description), "control characters in \(error.description.debugDescription)")
            return
        }
        let lineCount = input.split(separator: 0x0A, omittingEmptySubsequences: false).count
        for problem in problems {
            try hold((1...lineCount).contains(problem.position?.line ?? 1), "a problem on no line: \(problem)")
            try hold(isVisible(problem.description), "control characters in \(problem.description.debugDescription)")
        }
        let document: APIKeyDocument
        do { document = try APIKeyDocument(input) } catch { throw Broken(description: "no document: \(error)") }
        try hold(document.text == input, "the document lost something")
        try hold(Set(table.indices.map { table.id(of: $0) }).count == table.count, "an id twice")
        try checkHashing(document, table)
        try checkAdding(document, table)
        for index in table.indices.prefix(4) { try checkChanging(document, table, index) }
    }

    private static func checkHashing(_ document: APIKeyDocument, _ table: APIKeyTable) throws(Broken) {
        var hashed = document
        do { _ = try hashed.hashKeys() } catch .refused { return } catch { throw Broken(description: "\(error)") }
        let (after, problems) = try parse(hashed)
        try hold(facts(after) == facts(table), "hashing changed the table")
        try hold(!problems.contains { $0.kind == .clear }, "a key is still in the clear")
        var again = hashed
        do { _ = try again.hashKeys() } catch { throw Broken(description: "\(error)") }
        try hold(again == hashed, "hashing twice changes something")
    }

    private static func checkAdding(_ document: APIKeyDocument, _ table: APIKeyTable) throws(Broken) {
        let id = NewAPIKey.id(of: "fuzz", taken: document.ids)
        let key = NewAPIKey(id: id, name: "\"\u{1}\\", permissions: ["read"], createdAt: 0, ratePerHour: 1)
        var added = document
        do { try added.add(key, secret: secret) } catch { throw Broken(description: "\(error)") }
        let after = try parse(added).table
        try hold(facts(after).dropLast() == facts(table)[...], "adding changed the others")
        try hold(find(after, secret) == Array(id.utf8), "what was added isn't found")
        do { try added.remove(id) } catch { throw Broken(description: "\(error)") }
        try hold(facts(try parse(added).table) == facts(table), "adding and removing leaves something")
    }

    private static func checkChanging(
        _ document: APIKeyDocument,
        _ table: APIKeyTable,
        _ index: APIKeyTable.Index
    ) throws(Broken) {
        let id = table.id(of: index)
        let name = String(decoding: id, as: UTF8.self)
        try hold(document.ids.contains(name), "the document doesn't know \(name.debugDescription)")
        try hold(table.index(ofID: id.span) == index, "\(name.debugDescription) isn't found by its id")
        var removed = document
        do { try removed.remove(name) } catch { throw Broken(description: "\(error)") }
        let without = try parse(removed).table
        try hold(without.index(ofID: id.span) == nil, "\(name.debugDescription) is still there")
        var rotated = document
        do throws(APIKeyFileError) {
            try rotated.rotate(name, secret: secret, now: -1_000_000_000_000, grace: 1000)
        } catch {
            switch error {
            case .refused, .keyExists, .tooLarge: return
            default: throw Broken(description: "\(error)")
            }
        }
        let after = try parse(rotated).table
        try hold(find(after, secret) == id, "\(name.debugDescription) hasn't the new secret")
    }

    private static func checkTime(_ input: [UInt8]) throws(Broken) {
        guard let time = Timestamp.parse(input.span), (-62_167_219_200_000...253_402_300_799_999).contains(time) else {
            return
        }
        let text = Array(Timestamp.text(time).utf8)
        try hold(Timestamp.parse(text.span) == time, "\(time) is written as another time")
    }

    /// All that a table says of its keys, in order.
    private static func facts(_ table: APIKeyTable) -> [Facts] {
        table.indices.map { index in
            let entry = table[index]
            return Facts(
                id: table.id(of: index),
                name: table.name(of: index),
                digest: String(describing: entry.digest),
                permissions: entry.permissions,
                times: [entry.createdAt, entry.expiresAt],
                rate: entry.ratePerHour
            )
        }
    }

    private struct Facts: Equatable {
        let id: [UInt8]
        let name: [UInt8]
        let digest: String
        let permissions: PermissionSet
        let times: [Int64?]
        let rate: UInt32?
    }

    private static func parse(
        _ document: APIKeyDocument
    ) throws(Broken) -> (table: APIKeyTable, problems: [APIKeyProblem]) {
        do { return try APIKeyFile.parse(document.text.span) } catch {
            throw Broken(description: "what was written can't be read: \(error)")
        }
    }

    private static func find(_ table: APIKeyTable, _ secret: String) -> [UInt8]? {
        let bytes = Array(secret.utf8)
        let found = table.find(bytes.span)
        return found.map { table.id(of: $0) }
    }

    private static func isVisible(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
}
