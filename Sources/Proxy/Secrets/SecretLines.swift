import Bytes

/// The lines of a secrets file, as a shell would read assignments, without its expansions: `NAME=VALUE`, perhaps after
/// `export`; quotes, backslashes and comments count, `$` stands for itself.
struct SecretLines {
    /// What a line is.
    enum Finding {
        /// An assignment to the name.
        case value(String)
        case mistake(message: String, hint: String)
    }

    private let bytes: [UInt8]

    /// Calls `body` for each line that says something: its number, what it is, and the value, which is wiped afterwards.
    static func read(_ bytes: [UInt8], _ body: (_ line: Int, Finding, _ value: borrowing Span<UInt8>) -> Void) {
        let lines = SecretLines(bytes: bytes)
        var (position, number) = (0, 0)
        while position < bytes.count {
            number += 1
            let end = bytes[position...].firstIndex(of: ASCII.lineFeed) ?? bytes.count
            var line = position..<end
            position = end + 1
            if let last = line.last, bytes[last] == ASCII.carriageReturn { line = line.lowerBound..<last }
            let start = lines.skipSpaces(line.lowerBound, line.upperBound)
            if start == line.upperBound || bytes[start] == UInt8(ascii: "#") { continue }
            var value: [UInt8] = []
            // Grown, it would leave copies behind.
            value.reserveCapacity(line.count)
            body(number, lines.read(start, line.upperBound, &value), value.span)
            wipe(&value)
        }
    }

    private func read(_ start: Int, _ end: Int, _ value: inout [UInt8]) -> Finding {
        var index = start
        var name = self.name(index, end)
        if name.elementsEqual("export".utf8), name.endIndex < end, Self.isSpace(bytes[name.endIndex]) {
            index = skipSpaces(name.endIndex, end)
            name = self.name(index, end)
        }
        guard let first = name.first, first &- 0x30 > 9, name.endIndex < end, bytes[name.endIndex] == ASCII.equals
        else {
            return .mistake(
                message: "the line is no NAME=VALUE",
                hint: "letters, digits and _, then = without spaces; # begins a comment"
            )
        }
        if let (message, hint) = readValue(name.endIndex + 1, end, &value) {
            return .mistake(message: message, hint: hint)
        }
        return .value(String(decoding: name, as: UTF8.self))
    }

    private func readValue(_ start: Int, _ end: Int, _ value: inout [UInt8]) -> (message: String, hint: String)? {
        var index = start
        while index < end {
            switch bytes[index] {
            case UInt8(ascii: "'"):
                guard let close = bytes[(index + 1)..<end].firstIndex(of: UInt8(ascii: "'")) else { return Self.open }
                value += bytes[(index + 1)..<close]
                index = close + 1
            case UInt8(ascii: "\""):
                index += 1
                while index < end, bytes[index] != UInt8(ascii: "\"") {
                    // Before anything else a backslash stands for itself there.
                    if bytes[index] == ASCII.backslash, index + 1 < end, "\\\"$`".utf8.contains(bytes[index + 1]) {
                        index += 1
                    }
                    value.append(bytes[index])
                    index += 1
                }
                guard index < end else { return Self.open }
                index += 1
            case ASCII.backslash:
                guard index + 1 < end else {
                    return (
                        "the line ends with a backslash", "a value is one line: take the backslash away, or quote it"
                    )
                }
                value.append(bytes[index + 1])
                index += 2
            case let byte where Self.isSpace(byte):
                let rest = skipSpaces(index, end)
                guard rest == end || bytes[rest] == UInt8(ascii: "#") else {
                    return (
                        "something follows the value after a space", "quote a value that has spaces: NAME='two words'"
                    )
                }
                return nil
            case let byte:
                value.append(byte)
                index += 1
            }
        }
        return nil
    }

    private static let open = (message: "a quote is not closed", hint: "a value is one line: close the quote in it")

    private func name(_ start: Int, _ end: Int) -> ArraySlice<UInt8> {
        bytes[start..<end].prefix { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.underscore }
    }

    private func skipSpaces(_ start: Int, _ end: Int) -> Int {
        bytes[start..<end].firstIndex { !Self.isSpace($0) } ?? end
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }
}
