import Glibc
import TestSupport
import Testing

@testable import Proxy

struct SecretVaultTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func text(_ secret: Secret?) -> String? {
        secret.map { secret in
            secret.withBytes { bytes in
                var text: [UInt8] = []
                for index in bytes.indices { text.append(bytes[index]) }
                return String(decoding: text, as: UTF8.self)
            }
        }
    }

    /// What keeps a vault from being made.
    private func problems(_ references: Set<SecretReference>, file: SecretFile? = nil) -> [String] {
        do {
            _ = try SecretVault.load(references, file: file)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func takesFromEnvironmentFileAndNames() throws {
        unsafe setenv("POSTERN_TEST_SECRET", "from the environment", 1)
        let path = try directory.write("from-a-file\n", to: "token")
        let names = try directory.write("A=1\nexport TOKEN='from a name' # c\n", to: "names")
        let references: Set<SecretReference> = [
            .environment("POSTERN_TEST_SECRET"), .file(path), .named("TOKEN"),
        ]
        let (vault, warnings) = try SecretVault.load(references, file: SecretFile(path: names, identity: nil))
        #expect(text(vault.secret(.environment("POSTERN_TEST_SECRET"))) == "from the environment")
        #expect(text(vault.secret(.file(path))) == "from-a-file")
        #expect(text(vault.secret(.named("TOKEN"))) == "from a name")
        #expect(vault.secret(.named("A")) == nil)
        #expect(warnings.isEmpty)
    }

    @Test(arguments: [
        ("x", "x"), ("x\n", "x"), ("x\r\n", "x"), ("a b\tc", "a b\tc"), ("é", "é"), ("\"x\"", "\"x\""),
    ])
    func takesAFilesOneLine(content: String, expected: String) throws {
        let path = try directory.write(content, to: "token")
        let (vault, _) = try SecretVault.load([.file(path)], file: nil)
        #expect(text(vault.secret(.file(path))) == expected)
    }

    @Test(arguments: [
        ("", "the value is empty: put the secret there; \"postern token\" makes one"),
        ("\n", "the value is empty: put the secret there; \"postern token\" makes one"),
        ("x\n\n", "byte 2 can't stand in a field: one line of text is expected"),
        ("x\ny", "byte 2 can't stand in a field: one line of text is expected"),
        ("x\r", "byte 2 can't stand in a field: one line of text is expected"),
        ("x\0", "byte 2 can't stand in a field: one line of text is expected"),
        ("\u{7F}", "byte 1 can't stand in a field: one line of text is expected"),
        (" x", "the value begins or ends with a space: take the spaces away"),
        ("x\t\n", "the value begins or ends with a space: take the spaces away"),
        (
            String(repeating: "x", count: 4097),
            "the value is longer than 4096 bytes: a field would be too long for most gateways"
        ),
        (String(repeating: "x", count: 4099), "it has more than 4098 bytes: name the right file"),
    ])
    func refusesWhatCannotStandInAField(content: String, expected: String) throws {
        let path = try directory.write(content, to: "token")
        #expect(problems([.file(path)]) == ["file:\(path): \(expected)"])
    }

    @Test func takesTheLongestValue() throws {
        let path = try directory.write(String(repeating: "x", count: 4096) + "\r\n", to: "token")
        let (vault, _) = try SecretVault.load([.file(path)], file: nil)
        #expect(vault.secret(.file(path))?.count == 4096)
    }

    @Test func saysWhatIsMissing() throws {
        unsafe unsetenv("POSTERN_TEST_ABSENT")
        let names = try directory.write("A=1\n", to: "names")
        let file = SecretFile(path: names, identity: nil)
        let absent = directory.path("absent")
        #expect(
            problems([.environment("POSTERN_TEST_ABSENT"), .file(absent), .named("B")], file: file) == [
                "env:POSTERN_TEST_ABSENT: there is no such environment variable: set it where Postern is started "
                    + "(systemd: EnvironmentFile=)",
                "file:\(absent): No such file or directory: make it, or correct the path",
                "secret:B: the secrets file has no such name: add the line B=… to it",
            ]
        )
        #expect(problems([.named("B")]) == ["secret:B: there is no file: add \"secrets PATH identity=PATH;\""])
        #expect(problems([.file(directory.path)]) == ["file:\(directory.path): it is not a regular file: name a file"])
    }

    @Test func saysAllThatIsWrongWithTheSecretsFile() throws {
        let names = try directory.write("A=1\nA=2\nB\nC=\nD='hunter2 \n", to: "names")
        let place = "secrets \(names), line"
        #expect(
            problems([.named("A")], file: SecretFile(path: names, identity: nil)) == [
                "\(place) 2: \"A\" is given twice: keep one",
                "\(place) 3: the line is no NAME=VALUE: letters, digits and _, then = without spaces; # begins a comment",
                "\(place) 4: the value is empty: put the secret there; \"postern token\" makes one",
                "\(place) 5: a quote is not closed: a value is one line: close the quote in it",
            ]
        )
    }

    @Test func warnsOfFilesThatOthersMayRead() throws {
        let path = try directory.write("x", to: "token", mode: 0o644)
        _ = unsafe chmod(path, 0o644)
        let (_, warnings) = try SecretVault.load([.file(path)], file: nil)
        #expect(
            warnings.map(\.description) == [
                "file:\(path): others on this machine may read it: chmod o-rwx \(path)"
            ]
        )
        _ = unsafe chmod(path, 0o640)
        #expect(try SecretVault.load([.file(path)], file: nil).warnings.isEmpty)
    }

    @Test func noticesChangedFiles() throws {
        let path = try directory.write("one", to: "token")
        let (vault, _) = try SecretVault.load([.file(path)], file: nil)
        #expect(vault.stamp() == vault.stampWhenRead)
        _ = unsafe unlink(path)
        let gone = vault.stamp()
        #expect(gone != vault.stampWhenRead)
        try directory.write("another", to: "token")
        #expect(vault.stamp() != gone && vault.stamp() != vault.stampWhenRead)
        #expect(text(vault.secret(.file(path))) == "one")
    }

    @Test func neverShowsAValue() throws {
        let path = try directory.write("hunter2", to: "token")
        let (vault, _) = try SecretVault.load([.file(path)], file: nil)
        let secret = try #require(vault.secret(.file(path)))
        var dumped = ""
        dump(vault, to: &dumped)
        #expect(!dumped.contains("hunter2") && !"\(secret) \(vault)".contains("hunter2"))
        #expect(!String(reflecting: secret).contains("hunter2"))
    }

    @Test func findsWhatAConfigurationRefersTo() {
        var configuration = ProxyConfiguration(dialect: .native)
        var server = VirtualServerConfiguration()
        server.root.identity.gateway = .bearer(.environment("A"))
        var location = LocationConfiguration(match: .prefix([0x2F]))
        location.identity.gateway = .bearer(.named("B"))
        server.locations = [location, location]
        configuration.servers = [server]
        #expect(configuration.secretReferences == [.environment("A"), .named("B")])
    }
}
