import Crypto
import EventLoop
import Glibc
import Testing

@testable import Access

/// A directory of its own that goes away with its files.
private final class Scratch {
    let path: String

    init() {
        path = "/tmp/postern-access-" + Random.hexToken(bytes: 8)
        unsafe mkdir(path, 0o700)
    }

    deinit {
        for name in ["htpasswd", ".htpasswd.postern-new", "link"] { unsafe unlink(path + "/" + name) }
        unsafe rmdir(path)
    }

    var file: String { path + "/htpasswd" }

    func mode(_ name: String) -> mode_t? {
        var status = stat()
        return unsafe stat(path + "/" + name, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    func write(_ text: String, to name: String = "htpasswd", mode: mode_t = 0o640) throws {
        let file = try FileSystem.open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try FileSystem.write(bytes(text), to: file, name)
        unsafe chmod(path + "/" + name, mode)
    }

    func text() throws -> String { String(decoding: try FileSystem.read(file, limit: 1 << 20), as: UTF8.self) }
}

@Suite struct PasswordFileEditorTests {
    @Test func createsPrivately() throws {
        let scratch = Scratch()
        let editor = PasswordFileEditor(path: scratch.file)
        #expect(throws: PasswordFileError.system(operation: "open", path: scratch.file, code: ENOENT)) {
            try editor.edit { document throws(PasswordFileError) in try document.add("a", stored: []) }
        }
        try editor.edit(creating: true) { document throws(PasswordFileError) in
            try document.add("alice", stored: bytes(aliceHash))
        }
        #expect(try scratch.text() == "alice:\(aliceHash)\n")
        #expect(scratch.mode("htpasswd") == 0o600)
    }

    @Test func keepsModeAndComments() throws {
        let scratch = Scratch()
        try scratch.write("# ours\nalice:x\n", mode: 0o644)
        try PasswordFileEditor(path: scratch.file).edit { document throws(PasswordFileError) in
            try document.replace("alice", stored: bytes("y"))
        }
        #expect(try scratch.text() == "# ours\nalice:y\n")
        #expect(scratch.mode("htpasswd") == 0o644)
        #expect(scratch.mode(".htpasswd.postern-new") == nil)
    }

    @Test func aRefusedChangeLeavesTheFile() throws {
        let scratch = Scratch()
        try scratch.write("alice:x\n")
        #expect(throws: PasswordFileError.noSuchUser("bob")) {
            try PasswordFileEditor(path: scratch.file).edit { document throws(PasswordFileError) in
                try document.add("carol", stored: [])
                try document.remove("bob")
            }
        }
        #expect(try scratch.text() == "alice:x\n")
    }

    @Test func whatAKilledProcessLeftIsNoMatter() throws {
        let scratch = Scratch()
        try scratch.write("alice:x\n")
        try scratch.write("half a li", to: ".htpasswd.postern-new", mode: 0o400)
        try PasswordFileEditor(path: scratch.file).edit { document throws(PasswordFileError) in
            try document.add("bob", stored: bytes("y"))
        }
        #expect(try scratch.text() == "alice:x\nbob:y\n")
        #expect(scratch.mode(".htpasswd.postern-new") == nil)
    }

    @Test func followsALink() throws {
        let scratch = Scratch()
        try scratch.write("alice:x\n")
        unsafe symlink(scratch.file, scratch.path + "/link")
        try PasswordFileEditor(path: scratch.path + "/link").edit { document throws(PasswordFileError) in
            try document.add("bob", stored: bytes("y"))
        }
        #expect(try scratch.text() == "alice:x\nbob:y\n")
        var status = stat()
        #expect(unsafe lstat(scratch.path + "/link", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    }

    @Test(.timeLimit(.minutes(1))) func fiftyAtOnceLoseNobody() throws {
        let scratch = Scratch()
        try scratch.write("# ours\n")
        let editor = PasswordFileEditor(path: scratch.file)
        // Each opens the directory anew, so the lock holds between threads as between processes.
        var threads: [ThreadBox] = []
        for number in 0..<50 {
            threads.append(
                ThreadBox {
                    do {
                        try editor.edit { document throws(PasswordFileError) in
                            try document.add("user\(number)", stored: bytes("x"))
                        }
                    } catch {
                        Issue.record(error)
                    }
                }
            )
        }
        for thread in threads { thread.join() }
        let document = try editor.read()
        #expect(Set(document.names) == Set((0..<50).map { "user\($0)" }))
        #expect(document.text.starts(with: bytes("# ours\n")))
    }
}

/// Lets an array hold threads.
private final class ThreadBox {
    private var thread: WorkerThread?

    init(_ body: @escaping @Sendable () -> Void) { thread = try? WorkerThread(name: "editor", body) }

    func join() {
        guard let thread = thread.take() else { return }
        thread.join()
    }
}
