import Bytes

/// An htpasswd file's text as its author wrote it, for changes that touch one line and leave the others.
package struct PasswordDocument: Sendable, Equatable {
    /// With their carriage returns, without their line feeds.
    private var lines: [[UInt8]]
    /// The byte order mark that an editor left before the first line.
    private let mark: [UInt8]

    package init(_ text: [UInt8]) {
        mark = Array(text.prefix(PasswordFile.markCount(text.span)))
        let rest = text.dropFirst(mark.count)
        lines = rest.split(separator: ASCII.lineFeed, omittingEmptySubsequences: false).map { Array($0) }
        // What follows the last line feed is a line only if there is something.
        if lines.last?.isEmpty == true { lines.removeLast() }
    }

    /// The text, a line feed at its end.
    package var text: [UInt8] {
        var text = mark
        // A line that wasn't the first begins with what would be a mark there, and another name would come of it.
        if mark.isEmpty, let first = lines.first, PasswordFile.markCount(first.span) > 0 { text = [ASCII.lineFeed] }
        for line in lines {
            text += line
            text.append(ASCII.lineFeed)
        }
        return text
    }

    /// The names in the file's order, each once.
    package var names: [String] {
        var names: [String] = []
        var known: Set<[UInt8]> = []
        for line in lines {
            guard let name = Self.name(line), known.insert(name).inserted else { continue }
            names.append(String(decoding: name, as: UTF8.self))
        }
        return names
    }

    /// The user's stored password, or nil when there is no such user.
    package func stored(_ name: String) -> [UInt8]? {
        guard let line = lines.first(where: { Self.name($0) == Array(name.utf8) }),
            case .user(_, let stored) = HtpasswdLine(line)
        else { return nil }
        return Array(line[stored])
    }

    /// Adds a user at the end. Throws `userExists` or why the name is refused.
    package mutating func add(_ name: String, stored: [UInt8]) throws(PasswordFileError) {
        if let flaw = UserName.flaw(Array(name.utf8).span) { throw .name(flaw) }
        if self.stored(name) != nil { throw .userExists(name) }
        let carriageReturn = lines.last?.last == ASCII.carriageReturn ? [ASCII.carriageReturn] : []
        lines.append(Array(name.utf8) + [ASCII.colon] + stored + carriageReturn)
    }

    /// Gives a user another stored password, on every line that has the name; comments stay. Throws `noSuchUser`.
    package mutating func replace(_ name: String, stored: [UInt8]) throws(PasswordFileError) {
        var found = false
        for index in lines.indices where Self.name(lines[index]) == Array(name.utf8) {
            guard case .user(_, let old) = HtpasswdLine(lines[index]) else { continue }
            lines[index].replaceSubrange(old, with: stored)
            found = true
        }
        if !found { throw .noSuchUser(name) }
    }

    /// Removes every line that has the name. Throws `noSuchUser`.
    package mutating func remove(_ name: String) throws(PasswordFileError) {
        let before = lines.count
        lines.removeAll { Self.name($0) == Array(name.utf8) }
        if lines.count == before { throw .noSuchUser(name) }
    }

    private static func name(_ line: [UInt8]) -> [UInt8]? {
        guard case .user(let name, _) = HtpasswdLine(line) else { return nil }
        return Array(line[name])
    }
}
