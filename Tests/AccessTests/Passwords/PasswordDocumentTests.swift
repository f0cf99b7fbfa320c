import Testing

@testable import Access

private func text(_ document: PasswordDocument) -> String { String(decoding: document.text, as: UTF8.self) }

@Suite struct PasswordDocumentTests {
    private let original = "# ours\nalice:x:first\r\n\nodd line\nbob:y"

    @Test func keepsWhatItDoesNotChange() {
        #expect(text(PasswordDocument(bytes(original))) == original + "\n")
        #expect(text(PasswordDocument([])) == "")
        #expect(text(PasswordDocument(bytes("\n\na:b\n"))) == "\n\na:b\n")
    }

    @Test func changesOneLine() throws {
        var document = PasswordDocument(bytes(original))
        #expect(document.names == ["alice", "bob"])
        #expect(document.stored("alice") == bytes("x"))
        try document.replace("alice", stored: bytes("new"))
        #expect(text(document) == "# ours\nalice:new:first\r\n\nodd line\nbob:y\n")
        try document.add("carol", stored: bytes("z"))
        #expect(text(document) == "# ours\nalice:new:first\r\n\nodd line\nbob:y\ncarol:z\n")
        try document.remove("alice")
        #expect(text(document) == "# ours\n\nodd line\nbob:y\ncarol:z\n")
    }

    @Test func removesEveryLineOfAName() throws {
        var document = PasswordDocument(bytes("a:1\nb:2\na:3\n"))
        try document.remove("a")
        #expect(text(document) == "b:2\n")
    }

    @Test func passesOverAByteOrderMark() throws {
        var document = PasswordDocument(bytes("\u{FEFF}alice:x\nbob:y\n"))
        #expect(document.names == ["alice", "bob"])
        #expect(document.stored("alice") == bytes("x"))
        #expect(text(document) == "\u{FEFF}alice:x\nbob:y\n")
        try document.remove("alice")
        #expect(text(document) == "\u{FEFF}bob:y\n")
    }

    /// A byte order mark means nothing but at the start of a file: what becomes its first line must not begin with one.
    @Test func keepsALaterMarkFromBecomingTheFirst() throws {
        var document = PasswordDocument(bytes("bob:x\n\u{FEFF}bob:y\n"))
        try document.remove("bob")
        let parsed = try PasswordFile.parse(document.text.span)
        #expect(parsed.table.find(bytes("bob").span) == nil)
        #expect(PasswordDocument(document.text).names == ["\u{FEFF}bob"])
    }

    @Test func refuses() throws {
        var document = PasswordDocument(bytes(original))
        let before = document
        #expect(throws: PasswordFileError.userExists("alice")) {
            var document = before
            try document.add("alice", stored: [])
        }
        #expect(throws: PasswordFileError.noSuchUser("dave")) {
            var document = before
            try document.replace("dave", stored: [])
        }
        #expect(throws: PasswordFileError.noSuchUser("# ours")) {
            var document = before
            try document.remove("# ours")
        }
        #expect(throws: PasswordFileError.name(.containsColon)) {
            var document = before
            try document.add("a:b", stored: [])
        }
        try document.replace("bob", stored: bytes("y"))
        #expect(document == before)
    }
}
