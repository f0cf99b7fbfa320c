import Glibc
import TestSupport
import Testing

@testable import postern

struct PathsTests {
    @Test(arguments: [("a", "."), ("a/b", "a"), ("/a", "/"), ("/a/b", "/a"), ("a/b/c", "a/b")])
    func `the directory of a path`(path: String, directory: String) {
        #expect(Paths.directory(of: path) == directory)
    }

    @Test func `directories are made as deep as asked for`() throws {
        let directory = try TemporaryDirectory()
        try Paths.makeDirectories(directory.path("a/b/c"), mode: 0o700)
        try Paths.makeDirectories(directory.path("a/b/c"), mode: 0o700)
        #expect(Paths.exists(directory.path("a/b/c")))
        try directory.write("", to: "file")
        #expect(throws: CommandError.self) { try Paths.makeDirectories(directory.path("file"), mode: 0o700) }
        #expect(throws: CommandError.self) { try Paths.makeDirectories(directory.path("file/x"), mode: 0o700) }
    }

    @Test func `a new file overwrites nothing`() throws {
        let directory = try TemporaryDirectory()
        try Paths.writeNew(directory.path("new"), "one\n", mode: 0o600)
        #expect(throws: CommandError.self) { try Paths.writeNew(directory.path("new"), "two\n", mode: 0o600) }
        #expect(try Paths.text(of: directory.path("new")) == "one\n")
    }

    @Test func `a link to nothing is something`() throws {
        let directory = try TemporaryDirectory()
        _ = unsafe symlink("/nonexistent", directory.path("link"))
        #expect(Paths.exists(directory.path("link")))
        #expect(throws: CommandError.self) { try Paths.writeNew(directory.path("link"), "", mode: 0o600) }
    }

    @Test func `a file's text, none, or too much of it`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("0123456789", to: "file")
        #expect(try Paths.text(of: directory.path("file"), limit: 10) == "0123456789")
        #expect(try Paths.text(of: directory.path("none")) == nil)
        #expect(throws: CommandError.self) { try Paths.text(of: directory.path("file"), limit: 9) }
        #expect(throws: CommandError.self) { try Paths.text(of: directory.path) }
    }
}

struct SubprocessTests {
    @Test func `how a program ended`() throws {
        #expect(try Subprocess.run("true", []) == .succeeded)
        #expect(try Subprocess.run("sh", ["-c", "echo out; echo err >&2; exit 3"]) == .failed("out\nerr\n"))
        #expect(try Subprocess.run("sh", ["-c", "kill -9 $$"]) == .failed(""))
        #expect(try Subprocess.run("no-such-program-anywhere", []) == .notFound)
    }

    @Test func `much output neither blocks nor is kept`() throws {
        let outcome = try Subprocess.run("sh", ["-c", "yes | head -c 300000; exit 1"])
        guard case .failed(let text) = outcome else {
            Issue.record("it succeeded")
            return
        }
        #expect(text.utf8.count == 65536)
    }
}

struct GeneratedPasswordTests {
    @Test func `words are long, plain and never the same`() {
        let words = (0..<100).map { _ in GeneratedPassword.make() }
        #expect(Set(words).count == 100)
        let alphabet = Set(GeneratedPassword.alphabet)
        #expect(alphabet.count == GeneratedPassword.alphabet.count)
        for word in words {
            #expect(word.utf8.count == GeneratedPassword.length)
            #expect(word.utf8.allSatisfy(alphabet.contains))
        }
        // A character that never comes would mean that the draw is skewed: 2400 draws of 56.
        #expect(Set(words.joined().utf8) == alphabet)
    }
}
