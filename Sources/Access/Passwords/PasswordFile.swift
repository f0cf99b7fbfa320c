import Bytes
package import Crypto

/// Reads htpasswd text: `name:stored` or `name:stored:comment` on each line, `#` comments, blank lines.
package enum PasswordFile {
    /// Bytes a file may have.
    package static let maximumSize = 16 << 20
    /// Users a file may have.
    package static let maximumUsers = 100_000

    /// Something on a line that its author should know of.
    package struct Problem: Sendable, Equatable, CustomStringConvertible {
        package enum Kind: Sendable, Equatable {
            case missingColon
            case name(UserNameError)
            /// The name stood on that line already; the first one counts, as in Nginx.
            case duplicate(firstLine: Int)
            /// The stored form is of no scheme that can be verified: the user can't log in.
            case unrecognized
            case weak(PasswordScheme, PasswordWeakness)
        }

        /// From 1.
        package let line: Int
        /// The user's name, control characters replaced; empty where the line has none.
        package let name: String
        package let kind: Kind

        /// Whether somebody can't log in because of it; the rest is advice.
        package var isError: Bool {
            if case .weak = kind { return false }
            return true
        }

        package var description: String {
            switch kind {
            case .missingColon: "line \(line): no \":\" between a name and a stored password; the line is ignored"
            case .name(let error): "line \(line): \(error); the line is ignored"
            case .duplicate(let first): "line \(line): user \"\(name)\" is on line \(first) already; that one counts"
            case .unrecognized:
                "line \(line): user \"\(name)\" has a stored password of no known scheme and can't log in"
            case .weak(let scheme, let weakness): "line \(line): user \"\(name)\" has \(scheme.name): \(weakness.note)"
            }
        }
    }

    /// The table of a file's text, and what is wrong with it. Stops at `maximumUsers`.
    package static func parse(
        _ text: borrowing Span<UInt8>,
        generation: UInt64 = 0
    ) throws(PasswordFileError) -> (table: PasswordTable, problems: [Problem]) {
        guard text.count <= maximumSize else { throw .tooLarge(bytes: text.count) }
        var reader = Reader()
        var start = markCount(text)
        while start < text.count {
            let end = text.firstIndex(of: ASCII.lineFeed, in: start..<text.count) ?? text.count
            reader.number += 1
            if case .other = HtpasswdLine(text, start..<end) { reader.report("", .missingColon) }
            if case .user(let name, let stored) = HtpasswdLine(text, start..<end) {
                guard reader.builder.count < maximumUsers else { throw .tooManyUsers }
                reader.take(text.extracting(name), text.extracting(stored))
            }
            start = end + 1
        }
        return (reader.builder.table(generation: generation), reader.problems)
    }

    private struct Reader {
        var number = 0
        var builder = PasswordTable.Builder()
        var problems: [Problem] = []
        /// The line of each name, for the message about a duplicate.
        var lines: [String: Int] = [:]

        mutating func take(_ name: borrowing Span<UInt8>, _ stored: borrowing Span<UInt8>) {
            let shown = printable(name)
            if let error = UserName.flaw(name) { return report(shown, .name(error)) }
            let hash = PasswordHash(stored)
            guard builder.add(name: name, stored: stored, hash: hash) else {
                return report(shown, .duplicate(firstLine: lines[name.string] ?? 0))
            }
            lines[name.string] = number
            guard let hash else { return report(shown, .unrecognized) }
            if let weakness = hash.weakness { report(shown, .weak(hash.scheme, weakness)) }
        }

        mutating func report(_ name: String, _ kind: Problem.Kind) {
            problems.append(Problem(line: number, name: name, kind: kind))
        }
    }

    /// Reads and parses the file at `path`. Blocks: not for a loop.
    package static func load(
        path: String,
        generation: UInt64 = 0
    ) throws(PasswordFileError) -> (table: PasswordTable, problems: [Problem]) {
        let bytes = try FileSystem.read(path, limit: maximumSize)
        return try parse(bytes.span, generation: generation)
    }

    /// Bytes of the byte order mark that `text` starts with: 3, or 0 without one.
    static func markCount(_ text: borrowing Span<UInt8>) -> Int {
        text.count >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF ? 3 : 0
    }

    private static func printable(_ name: borrowing Span<UInt8>) -> String {
        let shown = name.array.prefix(UserName.maximumCount).map { $0 < 0x20 || $0 == 0x7F ? ASCII.question : $0 }
        return String(decoding: shown, as: UTF8.self)
    }
}

/// One line of an htpasswd file; ranges are into the whole text.
enum HtpasswdLine: Equatable {
    case blank
    case comment
    case user(name: Range<Int>, stored: Range<Int>)
    /// Without a colon.
    case other

    /// The line that is `text`.
    init(_ text: [UInt8]) {
        self.init(text.span, 0..<text.count)
    }

    /// The line in `range`, its line feed not included; a carriage return at its end doesn't count.
    init(_ text: borrowing Span<UInt8>, _ range: Range<Int>) {
        var end = range.upperBound
        if end > range.lowerBound, text[end - 1] == ASCII.carriageReturn { end -= 1 }
        var first = range.lowerBound
        while first < end, text[first] == ASCII.space || text[first] == ASCII.tab { first += 1 }
        if first == end {
            self = .blank
        } else if text[range.lowerBound] == 0x23 {
            self = .comment
        } else if let colon = text.firstIndex(of: ASCII.colon, in: range.lowerBound..<end) {
            let stop = text.firstIndex(of: ASCII.colon, in: (colon + 1)..<end) ?? end
            self = .user(name: range.lowerBound..<colon, stored: (colon + 1)..<stop)
        } else {
            self = .other
        }
    }
}
