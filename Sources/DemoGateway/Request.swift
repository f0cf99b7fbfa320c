import Bytes
import HTTP

/// A request's head as text. The gateway is for showing and testing, so it may take its time.
struct Request {
    var method = Method.other
    var methodText = ""
    /// The target as it came.
    var target = ""
    /// The target's path as it came, percent-encoding and all.
    var path = ""
    var query = Query("")
    var isHTTP11 = true
    var isKeepAlive = true
    var framing = BodyFraming.none
    /// Names and values in the order and spelling in which they came.
    var fields: [(name: String, value: String)] = []

    init() {}

    init(_ head: borrowing RequestHead, _ bytes: borrowing Span<UInt8>) {
        method = head.method
        methodText = bytes.extracting(head.methodRange.range).string
        target = bytes.extracting(head.target.range).string
        path = bytes.extracting(head.path.range).string
        if let range = head.query { query = Query(bytes.extracting(range.range).string) }
        isHTTP11 = head.minorVersion > 0
        isKeepAlive = head.isKeepAlive
        framing = head.body
        fields.reserveCapacity(head.fields.count)
        for index in 0..<head.fields.count {
            let entry = head.fields[index]
            fields.append((bytes.extracting(entry.name.range).string, bytes.extracting(entry.value.range).string))
        }
    }

    /// The values of the fields with this lower-case name, joined by commas; nil without one.
    func field(_ name: String) -> String? {
        var result: String?
        for field in fields where field.name.lowercased() == name {
            result = result.map { $0 + ", " + field.value } ?? field.value
        }
        return result
    }

    /// The token of `Authorization: Bearer`, or nil.
    var bearer: String? {
        guard let value = field("authorization"), value.utf8.count > 7,
            value.prefix(7).lowercased() == "bearer "
        else { return nil }
        return String(value.dropFirst(7))
    }

    /// What sort of credential the request carries; never the credential.
    var authorizationKind: String {
        guard let value = field("authorization") else { return "none" }
        return value.split(separator: " ", maxSplits: 1).first.map(String.init) ?? "none"
    }
}

/// The parameters of a query: `a=1&b=2`. Only numbers are asked for, so nothing is decoded.
struct Query {
    private let text: String

    init(_ text: String) { self.text = text }

    /// The number of the parameter `name` if it is within `bounds`, else `fallback`.
    func number(_ name: String, in bounds: ClosedRange<Int>, otherwise fallback: Int) -> Int {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0] == name, let value = Int(parts[1]), bounds.contains(value) { return value }
        }
        return fallback
    }
}
