import EventLoop
import Glibc
import TestSupport
import Testing

@testable import Proxy

/// With the machine's own `age`, and with programs that behave worse.
struct AgeDecryptionTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Runs a command of the shell.
    private func shell(_ command: String) throws {
        var process = pid_t()
        let words = ["sh", "-c", "cd \(directory.path) && { \(command); } >log 2>&1"]
        let pointers: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        let code = unsafe posix_spawnp(&process, "sh", nil, nil, pointers, environ)
        try #require(code == 0)
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        try #require(status == 0, "\(command): \((try? directory.read("log")) ?? "")")
    }

    /// Encrypts `text` and answers the file that `secrets` would name.
    private func encrypted(_ text: String, options: String = "") throws -> SecretFile {
        try directory.write(text, to: "plain")
        try shell(
            "rm -f key secrets.age; umask 077; age-keygen -o key && age \(options) -e -i key -o secrets.age plain"
        )
        return SecretFile(path: directory.path("secrets.age"), identity: directory.path("key"))
    }

    private func failure(_ file: SecretFile, _ decryption: AgeDecryption = AgeDecryption()) -> [SecretProblem] {
        do {
            _ = try SecretVault.load([.named("A")], file: file, decryption: decryption)
            return []
        } catch {
            return error.problems
        }
    }

    /// Whether a process has ended, waited for or not.
    private static func isGone(_ process: pid_t) -> Bool {
        guard let status = try? Files.text("/proc/\(process)/stat") else { return true }
        return status.contains(") Z ") || status.contains(") X ")
    }

    /// A program that takes the place of age.
    private func program(_ script: String) throws -> AgeDecryption {
        let path = try directory.write("#!/bin/sh\n\(script)\n", to: "program", mode: 0o700)
        return AgeDecryption(program: path)
    }

    @Test(arguments: ["", "-a"])
    func decrypts(options: String) throws {
        let file = try encrypted("# mine\nA=one\nexport B='two words'\n", options: options)
        let (vault, warnings) = try SecretVault.load([.named("A"), .named("B")], file: file)
        #expect(vault.secret(.named("A"))?.count == 3)
        #expect(vault.secret(.named("B"))?.withBytes { $0.count } == 9)
        #expect(warnings.isEmpty)
        #expect(vault.stamp() == vault.stampWhenRead)
        try shell("touch key")
        #expect(vault.stamp() != vault.stampWhenRead)
    }

    @Test func saysThatTheKeyIsWrong() throws {
        let file = try encrypted("A=one\n")
        try shell("rm key; umask 077; age-keygen -o key")
        let problem = try #require(failure(file).first)
        #expect(problem.place == "secrets \(file.path)")
        #expect(problem.message.hasPrefix("age could not decrypt it (age: error: no identity matched"))
        #expect(problem.hint == "see that identity= is the right key")
    }

    @Test func saysThatTheFileIsBroken() throws {
        let file = try encrypted("A=one\n")
        try shell("printf x >>secrets.age")
        #expect(failure(file).first?.message.hasPrefix("age could not decrypt it (age: error:") == true)
        try shell("cp plain secrets.age")
        #expect(failure(file).first?.message.hasPrefix("age could not decrypt it (age: error:") == true)
    }

    @Test func wantsAnIdentityForAnEncryptedFile() throws {
        for options in ["", "-a"] {
            let file = SecretFile(path: try encrypted("A=one\n", options: options).path, identity: nil)
            #expect(failure(file).map(\.message) == ["the file is encrypted"])
        }
    }

    @Test func asksAtNoTerminal() throws {
        let file = try encrypted("A=one\n")
        // An identity that is itself encrypted by a passphrase: age would ask for it.
        try shell("printf 'age-encryption.org/v1\\n-> scrypt Yp1cnrd3JYUVX4lZrZc9LQ 10\\nAAAA\\n--- AAAA\\n' >key")
        let start = Clock.monotonic()
        #expect(failure(file).first?.message.hasPrefix("age could not decrypt it (age: error:") == true)
        #expect(Clock.monotonic() - start < 5_000_000_000)
    }

    @Test func takesSixtyFourKibibytes() throws {
        let line = "A=" + String(repeating: "x", count: 1022)
        let limit = SecretReader.maximumFile
        let lines = [line] + (1..<64).map { "A\($0)=" + String(repeating: "x", count: 1021 - "\($0)".utf8.count) }
        let text = lines.joined(separator: "\n")
        let full = text + String(repeating: "\n", count: limit - text.utf8.count)
        let file = try encrypted("A=one\n")
        try directory.write(full, to: "large")
        #expect(failure(file, try program("cat \(directory.path("large"))")).isEmpty)
        try directory.write(full + "\n", to: "large")
        #expect(
            failure(file, try program("cat \(directory.path("large"))")).map(\.message) == [
                "it decrypts to more than 65536 bytes"
            ]
        )
    }

    @Test func stopsWhatNeverEnds() throws {
        let file = try encrypted("A=one\n")
        #expect(
            failure(file, try program("exec cat /dev/zero")).map(\.message) == ["it decrypts to more than 65536 bytes"]
        )
        var slow = try program("echo A=one; sleep 1000 & echo $! >\(directory.path("child")); wait")
        slow.timeout = 300_000_000
        #expect(failure(file, slow).map(\.message) == ["age did not end in time and was stopped"])
        // With what it started.
        let child = try #require(pid_t(try directory.read("child").dropLast()))
        #expect(Patience.until { Self.isGone(child) })
        var quiet = try program("exec >/dev/null 2>&1 </dev/null; exec sleep 1000")
        quiet.timeout = 300_000_000
        #expect(failure(file, quiet).map(\.message) == ["age did not end in time and was stopped"])
    }

    @Test func saysThatTheProgramDied() throws {
        #expect(
            failure(try encrypted("A=one\n"), try program("kill -9 $$")).map(\.message) == ["age was ended by a signal"]
        )
    }

    @Test func saysWhatTheProgramSays() throws {
        let file = try encrypted("A=one\n")
        let noise = "i=0; while [ $i -lt 3000 ]; do echo 0123456789 >&2; i=$((i+1)); done"
        let long = failure(file, try program("\(noise); exit 3"))
        #expect(long.first?.message.hasPrefix("age could not decrypt it (0123456789 0123456789") == true)
        #expect((long.first?.message.utf8.count ?? 0) < 2200)
        let silent = failure(file, try program("exit 3"))
        #expect(silent.map(\.message) == ["age could not decrypt it (exit status 3)"])
        #expect(failure(file, try program("echo A=one; exit 3")).count == 1)
        let arguments = failure(file, try program("echo \"$@\" >&2; exit 1"))
        let expected = "-d -i \(directory.path("key")) \(file.path)"
        #expect(arguments.map(\.message) == ["age could not decrypt it (\(expected))"])
        let missing = failure(file, AgeDecryption(program: "postern-no-such-program"))
        #expect(missing.map(\.message) == ["there is no \"postern-no-such-program\" in PATH"])
    }
}
