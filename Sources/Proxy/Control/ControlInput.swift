/// What a request asks for wrongly, in a sentence for people.
struct ControlInputError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// What a request's body says: an object with one name.
struct ControlBody {
    private struct Content: Decodable {
        var id: String?
        var user: String?
        var code: String?
        var subject: String?
    }

    private let content: Content

    init(_ body: [UInt8]) throws(ControlInputError) {
        guard let content = ControlJSON.decode(Content.self, body) else {
            throw ControlInputError("the body is no JSON object whose values are texts")
        }
        self.content = content
    }

    func id() throws(ControlInputError) -> String { try required("id", content.id) }

    func user() throws(ControlInputError) -> String { try required("user", content.user) }

    /// A code in whatever case and with or without its hyphen, as people type it.
    func code() throws(ControlInputError) -> String {
        let typed = try required("code", content.code).uppercased()
        let letters = typed.filter { $0 != "-" && $0 != " " }
        return letters.count == 8 ? "\(letters.prefix(4))-\(letters.suffix(4))" : typed
    }

    /// Nil when there is none: everything is meant then.
    func subject() throws(ControlInputError) -> String? {
        if content.subject == "" { throw ControlInputError("\"subject\" is empty: leave it out to mean all") }
        return content.subject
    }

    private func required(_ name: String, _ value: String?) throws(ControlInputError) -> String {
        guard let value else { throw ControlInputError("the body has no \"\(name)\"") }
        if value.isEmpty { throw ControlInputError("the \(name) is empty") }
        return value
    }
}

/// What follows the `?` of a request's target.
struct ControlQuery {
    private let pairs: [(name: String, value: String)]

    init(_ text: String) throws(ControlInputError) {
        var pairs: [(name: String, value: String)] = []
        for part in text.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try Self.decoded(halves[0])
            let value = halves.count > 1 ? try Self.decoded(halves[1]) : ""
            pairs.append((name, value))
        }
        self.pairs = pairs
    }

    func sessionFilter() throws(ControlInputError) -> ControlSessionFilter {
        try allow(["user", "limit"])
        let limit = try limit(standard: 1000, most: 100_000)
        return ControlSessionFilter(user: value("user"), limit: limit)
    }

    func auditLimit() throws(ControlInputError) -> Int {
        try allow(["limit"])
        return try limit(standard: 100, most: 10_000)
    }

    private func value(_ name: String) -> String? { pairs.first { $0.name == name }?.value }

    private func allow(_ names: [String]) throws(ControlInputError) {
        for (name, _) in pairs where !names.contains(name) {
            throw ControlInputError("there is no parameter \"\(name)\" here, but: \(names.joined(separator: ", "))")
        }
    }

    private func limit(standard: Int, most: Int) throws(ControlInputError) -> Int {
        guard let text = value("limit") else { return standard }
        guard let limit = Int(text), limit > 0, limit <= most else {
            throw ControlInputError("limit must be from 1 to \(most)")
        }
        return limit
    }

    /// Percent-encoding undone (RFC 3986, section 2.1).
    private static func decoded(_ text: Substring) throws(ControlInputError) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte != UInt8(ascii: "%") {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw ControlInputError("a % in the query isn't followed by two hexadecimal digits")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
