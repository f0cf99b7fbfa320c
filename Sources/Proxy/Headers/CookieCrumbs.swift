import Bytes
import HTTP

/// The cookies that are Postern's own, among those that a client sends.
enum CookieCrumbs {
    /// What their names begin with. Browsers take such names from this very host over TLS only, for all its paths.
    static let prefix: StaticString = "__Host-postern"
    static let session: StaticString = "__Host-postern="
    static let device: StaticString = "__Host-postern-device="

    /// Where the value of the first cookie stands that begins with `name`, which ends with `=`; nil where there is none.
    static func find(_ name: StaticString, in exchange: Ref<Exchange>) -> Range<Int>? {
        let count = name.utf8CodeUnitCount
        let bytes = exchange.value.headBytes.written
        var next = exchange.value.head.fields.first(.cookie)
        while let position = next {
            let field = exchange.value.head.fields[position]
            next = exchange.value.head.fields.next(.cookie, after: position)
            if field.isAlias { continue }
            let end = field.value.upperBound
            var start = field.value.lowerBound
            while start < end {
                let crumbEnd = bytes.firstIndex(of: ASCII.semicolon, in: start..<end) ?? end
                if crumbEnd - start >= count, bytes.extracting(start..<(start + count)).equals(name) {
                    // The writer of the gateway's head needn't look for ours once more.
                    if start == field.value.lowerBound, crumbEnd == end { exchange.value.ownCookieField = position }
                    return (start + count)..<crumbEnd
                }
                start = crumbEnd + 1
                while start < end, isBlank(bytes[start]) { start += 1 }
            }
        }
        return nil
    }

    /// Whether the field's value has cookies of ours in it.
    static func hasOurs(_ value: borrowing Span<UInt8>) -> Bool {
        var start = 0
        while start < value.count {
            if isOurs(value, start) { return true }
            guard let semicolon = value.firstIndex(of: ASCII.semicolon, in: start..<value.count) else { return false }
            start = semicolon + 1
            while start < value.count, isBlank(value[start]) { start += 1 }
        }
        return false
    }

    /// Writes a `Cookie` field without those of ours; nothing where no other is left.
    static func writeOthers(_ value: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        var start = 0
        var isFirst = true
        while start < value.count {
            let end = value.firstIndex(of: ASCII.semicolon, in: start..<value.count) ?? value.count
            if end > start, !isOurs(value, start) {
                output.append(isFirst ? "Cookie: " : "; ")
                output.append(value, start..<end)
                isFirst = false
            }
            start = end + 1
            while start < value.count, isBlank(value[start]) { start += 1 }
        }
        if !isFirst { output.append("\r\n") }
    }

    private static func isOurs(_ value: borrowing Span<UInt8>, _ start: Int) -> Bool {
        let count = prefix.utf8CodeUnitCount
        return value.count - start >= count && value.extracting(start..<(start + count)).equals(prefix)
    }

    /// What stands between cookies: one space of a browser's; of others, whatever a server may overlook.
    private static func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }
}
