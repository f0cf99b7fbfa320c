import Bytes
import Crypto

/// The text of a file of API keys as its author wrote it, for changes that leave everything else as it is: order, white
/// space, fields that Postern doesn't know.
package struct APIKeyDocument: Sendable, Equatable {
    /// What is changed at once: bytes to replace, in any order, not overlapping.
    private typealias Change = (range: Range<Int>, text: [UInt8])

    /// The file's bytes.
    package private(set) var text: [UInt8]
    private var array: JSONValue
    private var entries: [JSONValue]

    /// An empty text is a file without keys.
    package init(_ text: [UInt8]) throws(APIKeyFileError) {
        let isEmpty = text.allSatisfy { $0 == ASCII.space || $0 == ASCII.lineFeed }
        self.text = isEmpty ? Array("{\n  \"keys\": []\n}\n".utf8) : text
        (array, entries) = try APIKeyFile.entries(self.text)
    }

    /// The ids in the file's order; an entry without one has none here.
    package var ids: [String] {
        entries.compactMap { $0["id"]?.value.string }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// All names of permissions that entries have, each once, in the file's order.
    package var permissions: [String] {
        var names: [String] = []
        for value in entries.flatMap({ $0["permissions"]?.value.elements ?? [] }) {
            let name = String(decoding: value.string ?? [], as: UTF8.self)
            if value.string != nil, !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// Adds a key at the end. Throws `keyExists`, or `refused` for what a key can't be.
    package mutating func add(_ key: NewAPIKey, secret: String) throws(APIKeyFileError) {
        if let flaw = key.flaw { throw .refused(flaw) }
        if ids.contains(key.id) { throw .keyExists(key.id) }
        guard entries.count < APIKeyFile.maximumKeys else { throw .tooManyKeys }
        let members = key.members(hash: NewAPIKey.hash(secret))
        guard let last = entries.last else {
            let outer = indent(before: array.range.lowerBound)
            let inner = outer + [ASCII.space, ASCII.space]
            let entry = Self.object(members, indent: inner)
            return try apply([(array.range, Array("[\n".utf8) + inner + entry + [ASCII.lineFeed] + outer + [0x5D])])
        }
        // As the last one stands in its line, so does the new one.
        let previous = entries.count > 1 ? entries[entries.count - 2].range.upperBound : array.range.lowerBound
        let gap = Array(text[(previous + 1)..<last.range.lowerBound])
        let isLined = gap.contains(ASCII.lineFeed)
        let entry =
            isLined
            ? Self.object(members, indent: indent(before: last.range.lowerBound))
            : Array("{\(members.joined(separator: ", "))}".utf8)
        let space = gap.isEmpty ? [ASCII.space] : gap.filter { $0 != ASCII.comma }
        try apply([(last.range.upperBound..<last.range.upperBound, [ASCII.comma] + space + entry)])
    }

    /// Removes every key of that id. Throws `noSuchKey`.
    package mutating func remove(_ id: String) throws(APIKeyFileError) {
        var found = false
        while let index = entries.firstIndex(where: { Self.hasID($0, id) }) {
            found = true
            let range = entries[index].range
            if index > 0 {
                try apply([(entries[index - 1].range.upperBound..<range.upperBound, [])])
            } else if entries.count > 1 {
                try apply([(range.lowerBound..<entries[1].range.lowerBound, [])])
            } else {
                try apply([(array.range, Array("[]".utf8))])
            }
        }
        if !found { throw .noSuchKey(id) }
    }

    /// Gives a key another secret. With `grace`, the old one goes on as `ID-old` until then or its own end, whichever comes
    /// first; an `ID-old` that has expired makes place, another one is `keyExists`. Throws `noSuchKey`, and `refused` for a key
    /// that has expired unless it gets a new `expiresAt`. Times in milliseconds since 1970, UTC.
    package mutating func rotate(
        _ id: String,
        secret: String,
        now: Int64,
        grace: Int64? = nil,
        expiresAt: Int64? = nil
    ) throws(APIKeyFileError) {
        guard ids.contains(id) else { throw .noSuchKey(id) }
        let oldID = id + "-old"
        if grace != nil, ids.contains(oldID) {
            guard let end = expiry(of: oldID), end <= now else { throw .keyExists(oldID) }
            try remove(oldID)
        }
        guard let entry = entries.first(where: { Self.hasID($0, id) }) else { throw .noSuchKey(id) }
        let end = expiry(of: id)
        if let end, end <= now, expiresAt == nil {
            throw .refused("the key \"\(id)\" expired at \(Timestamp.text(end)): say until when the new one is valid")
        }
        var changes: [Change] = [try secretChange(entry, NewAPIKey.hash(secret))]
        changes.append(memberChange(entry, "created_at", "\"\(Timestamp.text(now))\""))
        if let expiresAt { changes.append(memberChange(entry, "expires_at", "\"\(Timestamp.text(expiresAt))\"")) }
        if let grace {
            let until = min(end ?? .max, now + grace)
            var old: [Change] = [memberChange(entry, "expires_at", "\"\(Timestamp.text(until))\"")]
            if let value = entry["id"]?.value { old.append((value.range, Array(JSONText.string(oldID).utf8))) }
            if let hash = hashOfClear(entry) { old.append(try secretChange(entry, hash)) }
            let copy = Self.changed(text, entry.range, old)
            let space = [ASCII.lineFeed] + indent(before: entry.range.lowerBound)
            changes.append((entry.range.upperBound..<entry.range.upperBound, [ASCII.comma] + space + copy))
        }
        try apply(changes)
    }

    /// Puts hashes in the place of all keys in the clear. Answers the ids of those changed.
    package mutating func hashKeys() throws(APIKeyFileError) -> [String] {
        var changes: [Change] = []
        var ids: [String] = []
        for entry in entries where entry["hash"] == nil {
            guard let hash = hashOfClear(entry) else { continue }
            changes.append(try secretChange(entry, hash))
            ids.append(String(decoding: entry["id"]?.value.string ?? [], as: UTF8.self))
        }
        try apply(changes)
        return ids
    }

    private static func hasID(_ entry: JSONValue, _ id: String) -> Bool {
        entry["id"]?.value.string.map { $0.elementsEqual(id.utf8) } ?? false
    }

    /// When the key of that id ends, in milliseconds since 1970, UTC; nil when it doesn't or its text is no time.
    package func expiry(of id: String) -> Int64? {
        let value = entries.first { Self.hasID($0, id) }?["expires_at"]?.value.string
        guard let value else { return nil }
        return Timestamp.parse(value.span)
    }

    /// What to store for an entry whose key stands in the clear and can be one; else nil.
    private func hashOfClear(_ entry: JSONValue) -> String? {
        guard var key = entry["key"]?.value.string else { return nil }
        defer { wipe(&key) }
        if APIKeyRecord.flaw(key: key) != nil { return nil }
        return APIKeyRecord.hashPrefix + SHA256.hash(key.span).hexadecimal
    }

    /// The entry's `key` or `hash` becomes this hash. Throws `refused` when it has both, neither, or one of them twice.
    private func secretChange(_ entry: JSONValue, _ hash: String) throws(APIKeyFileError) -> Change {
        let members = (entry.members ?? []).filter { $0.isCalled("key") || $0.isCalled("hash") }
        guard members.count == 1 else {
            let id = String(decoding: entry["id"]?.value.string ?? [], as: UTF8.self)
            throw .refused(
                "the key \"\(APIKeyProblem.printable(id))\" must have one \"key\" or one \"hash\"; mend that first"
            )
        }
        return (members[0].range, Array("\"hash\": \"\(hash)\"".utf8))
    }

    /// The entry's member gets that value, or the entry that member.
    private func memberChange(_ entry: JSONValue, _ name: String, _ value: String) -> Change {
        if let member = entry[name] { return (member.value.range, Array(value.utf8)) }
        guard let last = entry.members?.last else { return (entry.range, Array("{\"\(name)\": \(value)}".utf8)) }
        let start = last.range.lowerBound
        let before = Array(text[entry.range.lowerBound..<start])
        let space =
            before.contains(ASCII.lineFeed) ? [ASCII.lineFeed] + indent(before: start) : [ASCII.space]
        let end = last.range.upperBound
        return (end..<end, [ASCII.comma] + space + Array("\"\(name)\": \(value)".utf8))
    }

    private mutating func apply(_ changes: [Change]) throws(APIKeyFileError) {
        if changes.isEmpty { return }
        let changed = Self.changed(text, 0..<text.count, changes)
        guard changed.count <= APIKeyFile.maximumSize else { throw .tooLarge(bytes: changed.count) }
        (array, entries) = try APIKeyFile.entries(changed)
        text = changed
    }

    /// The bytes of `text` in `range` with the changes made; those at one place stay in their order.
    private static func changed(_ text: [UInt8], _ range: Range<Int>, _ changes: [Change]) -> [UInt8] {
        var output: [UInt8] = []
        var index = range.lowerBound
        let ordered = changes.enumerated().sorted {
            ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset)
        }
        for (_, change) in ordered {
            output += text[index..<change.range.lowerBound]
            output += change.text
            index = change.range.upperBound
        }
        return output + text[index..<range.upperBound]
    }

    private static func object(_ members: [String], indent: [UInt8]) -> [UInt8] {
        let inner = String(decoding: indent, as: UTF8.self) + "  "
        let lines = members.map { inner + $0 }.joined(separator: ",\n")
        return Array("{\n\(lines)\n".utf8) + indent + [0x7D]
    }

    /// The white space that the line of `offset` begins with.
    private func indent(before offset: Int) -> [UInt8] {
        let start = text[..<offset].lastIndex(of: ASCII.lineFeed).map { $0 + 1 } ?? 0
        return Array(text[start..<offset].prefix { $0 == ASCII.space || $0 == ASCII.tab })
    }
}
