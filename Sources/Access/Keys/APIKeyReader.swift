import Bytes
import Crypto

/// Turns one entry of a file of API keys into a record, and collects what is wrong with it.
struct APIKeyReader {
    /// What is wrong, and the byte of the text where.
    typealias Flaw = (offset: Int, kind: APIKeyProblem.Kind)

    let text: [UInt8]
    let permissions: PermissionTable
    private(set) var flaws: [Flaw] = []
    /// Whether an error was met, so that the entry counts for nothing.
    private(set) var isRefused = false
    private(set) var record = APIKeyRecord()

    /// Reads `entry`, an element of the array of keys.
    init(_ entry: JSONValue, of text: [UInt8], _ permissions: PermissionTable) {
        self.text = text
        self.permissions = permissions
        guard let members = entry.members else {
            refuse(entry, .notAnObject)
            return
        }
        var seen: [String] = []
        for member in members {
            let name = String(decoding: member.name, as: UTF8.self)
            guard APIKeyRecord.fields.contains(name) else {
                advise(of: name, member)
                continue
            }
            if seen.contains(name) { refuse(at: member.range.lowerBound, .twice(field: name)) }
            seen.append(name)
        }
        readID(entry)
        readName(entry)
        readSecret(entry)
        readPermissions(entry)
        if let value = entry["created_at"]?.value { record.createdAt = time(value) { $0.advise(value, .createdAt) } }
        if let value = entry["expires_at"]?.value {
            record.expiresAt = time(value) { $0.refuse(value, .time(field: "expires_at")) }
        }
        readRate(entry)
    }

    private mutating func readID(_ entry: JSONValue) {
        guard let value = entry["id"]?.value else { return refuse(entry, .missing(field: "id")) }
        guard let id = value.string else { return refuse(value, .expected(field: "id", what: "a string")) }
        record.id = id
        record.name = id
        if let flaw = APIKeyRecord.flaw(id: id) { refuse(value, .id(reason: flaw)) }
    }

    private mutating func readName(_ entry: JSONValue) {
        guard let value = entry["name"]?.value, value.content != .null else { return }
        guard let name = value.string else { return refuse(value, .expected(field: "name", what: "a string")) }
        guard name.count <= APIKeyRecord.longestName else {
            let limit = "at most \(APIKeyRecord.longestName) bytes long"
            return refuse(value, .expected(field: "name", what: limit))
        }
        record.name = name
    }

    private mutating func readSecret(_ entry: JSONValue) {
        switch (entry["key"]?.value, entry["hash"]?.value) {
        case (nil, nil): refuse(entry, .missing(field: "hash"))
        case (.some(let key), .some): refuse(key, .bothKeyAndHash)
        case (nil, .some(let value)):
            guard let hash = value.string, let digest = APIKeyRecord.digest(hash: hash) else {
                return refuse(value, .hash)
            }
            record.digest = digest
        case (.some(let value), nil):
            guard var key = value.string else { return refuse(value, .expected(field: "key", what: "a string")) }
            defer { wipe(&key) }
            if let flaw = APIKeyRecord.flaw(key: key) { return refuse(value, .key(reason: flaw)) }
            record.digest = SHA256.hash(key.span)
            advise(value, .clear)
            if key.count < APIKeyFile.safeLength { advise(value, .short) }
        }
    }

    private mutating func readPermissions(_ entry: JSONValue) {
        let list = "a list of names"
        guard let value = entry["permissions"]?.value else { return refuse(entry, .missing(field: "permissions")) }
        guard let elements = value.elements else {
            return refuse(value, .expected(field: "permissions", what: list))
        }
        for element in elements {
            guard let bytes = element.string else {
                return refuse(element, .expected(field: "permissions", what: list))
            }
            let name = String(decoding: bytes, as: UTF8.self)
            if let place = permissions.place(named: name) {
                record.permissions.insert(PermissionSet(place: place))
            } else {
                refuse(element, .unknownPermission(name, known: permissions.permissions.map(\.name)))
            }
        }
        if elements.isEmpty { advise(value, .noPermissions) }
    }

    private mutating func readRate(_ entry: JSONValue) {
        guard let value = entry["rate_limit"]?.value, value.content != .null else { return }
        let digits = value.content == .number ? Array(text[value.range]) : []
        guard let number = digits.span.decimalValue(), number > 0, let rate = UInt32(exactly: number) else {
            return refuse(value, .rate(digits == [ASCII.zero] ? "0" : ""))
        }
        record.ratePerHour = rate
    }

    /// Null is no time, and right.
    private mutating func time(_ value: JSONValue, _ wrong: (inout APIKeyReader) -> Void) -> Int64? {
        if value.content == .null { return nil }
        if let text = value.string, let time = Timestamp.parse(text.span) { return time }
        wrong(&self)
        return nil
    }

    private mutating func advise(of name: String, _ member: JSONValue.Member) {
        guard let meant = APIKeyRecord.fields.first(where: { isAlmost(name, $0) }) else { return }
        flaws.append((member.range.lowerBound, .likely(field: name, meant: meant)))
    }

    private mutating func advise(_ value: JSONValue, _ kind: APIKeyProblem.Kind) {
        flaws.append((value.range.lowerBound, kind))
    }

    private mutating func refuse(_ value: JSONValue, _ kind: APIKeyProblem.Kind) {
        refuse(at: value.range.lowerBound, kind)
    }

    private mutating func refuse(at offset: Int, _ kind: APIKeyProblem.Kind) {
        isRefused = true
        flaws.append((offset, kind))
    }
}

/// Whether `name` is `field` but for letter case, separators and one letter too many, too few or another: a slip that would
/// leave a key without its expiry or its limit.
private func isAlmost(_ name: String, _ field: String) -> Bool {
    let left = name.utf8.map { ASCII.lowercased($0) }.filter { ASCII.isLetter($0) }
    let right = field.utf8.filter { ASCII.isLetter($0) }
    guard right.count > 2, abs(left.count - right.count) <= 1 else { return left == right }
    let start = zip(left, right).prefix { $0 == $1 }.count
    let end = zip(left.dropFirst(start).reversed(), right.dropFirst(start).reversed()).prefix { $0 == $1 }.count
    return left.count - start - end <= 1 && right.count - start - end <= 1
}
