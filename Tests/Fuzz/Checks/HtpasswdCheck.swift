import Access
import Bytes

/// Both readers of an htpasswd file, the table and the document, find the same users.
enum HtpasswdCheck {
    static func check(_ input: [UInt8]) throws(Broken) {
        let table: PasswordTable
        let problems: [PasswordFile.Problem]
        do { (table, problems) = try PasswordFile.parse(input.span) } catch { return }
        let lineCount = input.split(separator: 0x0A, omittingEmptySubsequences: false).count
        try hold(table.count <= lineCount && table.names.count == table.count, "more users than lines")
        for problem in problems {
            try hold((1...lineCount).contains(problem.line), "a problem on line \(problem.line) of \(lineCount)")
            let isVisible = problem.description.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            try hold(isVisible, "control characters in \(problem.description.debugDescription)")
        }
        let original = PasswordDocument(input)
        try hold(original.text == input || original.text == input + [0x0A], "the document lost something")
        try hold(Set(table.names).count == table.count, "a name twice")
        // Changing a document reads all of it, so not every user of a long file has a turn.
        for name in table.names.prefix(4) + table.names.dropFirst(4).suffix(4) { try check(name, table, original) }
        try hold(table.find([0x3A].span) == nil, "a user called \":\"")
        _ = table.withDummy { $0.count }
    }

    private static func check(_ name: [UInt8], _ table: PasswordTable, _ original: PasswordDocument) throws(Broken) {
        try hold(UserName.flaw(name.span) == nil, "a user of a forbidden name")
        guard let user = table.find(name.span) else { throw Broken(description: "a user who isn't found") }
        let stored = table.withStored(user) { $0.array }
        try hold(!stored.contains { $0 == 0x3A || $0 == 0x0A }, "a stored form with separators")
        guard let text = String(validating: name, as: UTF8.self) else { return }
        try hold(original.names.contains(text), "the document doesn't know \(text.debugDescription)")
        try hold(original.stored(text) == stored, "the document has another password for \(text.debugDescription)")
        var (replaced, removed, added) = (original, original, original)
        do throws(PasswordFileError) {
            try replaced.replace(text, stored: Array("{PLAIN}new".utf8))
            try removed.remove(text)
            added = removed
            try added.add(text, stored: Array("{PLAIN}again".utf8))
        } catch {
            throw Broken(description: "\(text.debugDescription): \(error)")
        }
        try hold(find(name, replaced) == Array("{PLAIN}new".utf8), "\(text.debugDescription) keeps the old one")
        try hold(find(name, removed) == nil, "\(text.debugDescription) is still there")
        try hold(find(name, added) == Array("{PLAIN}again".utf8), "\(text.debugDescription) wasn't added")
    }

    /// What the user's line says once the document is written and read.
    private static func find(_ name: [UInt8], _ document: PasswordDocument) -> [UInt8]? {
        guard let (table, _) = try? PasswordFile.parse(document.text.span), let user = table.find(name.span) else {
            return nil
        }
        return table.withStored(user) { $0.array }
    }
}
