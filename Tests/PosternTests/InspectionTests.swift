import ConfigSyntax
import Glibc
import TestSupport
import Testing

@testable import postern

struct InspectionTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func inspect(_ text: String) throws -> Inspection {
        Inspection(Service(path: try directory.write(text, to: "proxy.conf")))
    }

    private static let login = """
        server {
            listen 127.0.0.1:8080;
            auth_basic "x";
            auth_basic_user_file htpasswd;
            proxy_pass http://127.0.0.1:1;
        }
        """

    @Test func `a good file gets no word`() throws {
        // "password", by bcrypt at cost 12.
        let stored = "$2y$12$PdzSUyjpsORZVMOSltbLEuwQOfNjxEznviwljGiG3KiM2NaK4.leG"
        try directory.write("alice:\(stored)\n", to: "htpasswd")
        let inspection = try inspect(Self.login)
        #expect(inspection.diagnostics.map(\.message) == [])
        #expect(inspection.isUsable)
        #expect(inspection.summary == nil)
    }

    @Test(arguments: [
        ("alice:{PLAIN}x\n", "the password is stored as it is"),
        ("nonsense\n", "no \":\" between"),
        ("alice:{PLAIN}x\nalice:{PLAIN}y\n", "is on line 1 already"),
        ("alice:x\n", "no known scheme"),
        ("# nobody\n", "has no users"),
    ])
    func `what is amiss in a password file is told where it is named`(file: String, words: String) throws {
        try directory.write(file, to: "htpasswd")
        let inspection = try inspect(Self.login)
        let found = try #require(inspection.diagnostics.first { $0.message.contains(words) })
        #expect(found.severity == .warning)
        #expect((found.range.line, found.range.column) == (4, 26))
        #expect(inspection.isUsable)
    }

    @Test func `a missing password file is a warning, since Postern starts without`() throws {
        let inspection = try inspect(Self.login)
        #expect(inspection.diagnostics.map(\.severity) == [.warning])
        #expect(inspection.diagnostics[0].message.contains("No such file"))
        #expect(inspection.diagnostics[0].range.line == 4)
    }

    @Test func `many problems of one file are cut short`() throws {
        try directory.write((0..<50).map { "user\($0):{PLAIN}x\n" }.joined(), to: "htpasswd")
        let inspection = try inspect(Self.login)
        #expect(inspection.diagnostics.count == 21)
        #expect(inspection.diagnostics.contains { $0.message.hasSuffix("30 more problems, not shown") })
    }

    @Test func `a certificate that can't be loaded is an error where it is named`() throws {
        try directory.write("nonsense\n", to: "cert.pem")
        try directory.write("nonsense\n", to: "key.pem")
        let inspection = try inspect(
            """
            server {
                listen 8443 ssl;
                ssl_certificate cert.pem;
                ssl_certificate_key key.pem;
                return 204;
            }
            """
        )
        #expect(!inspection.isUsable)
        #expect(inspection.diagnostics.map(\.severity) == [.error])
        #expect(inspection.diagnostics[0].range.line == 3)
        #expect(inspection.summary == "1 error")
    }

    @Test(arguments: ["pid", "error_log", "access_log"])
    func `a directory to write to must be there`(directive: String) throws {
        let inspection = try inspect("\(directive) none/x;\nserver { listen 8080; return 204; }")
        #expect(!inspection.isUsable)
        let found = try #require(inspection.diagnostics.first)
        #expect(found.message == "there is no directory \(directory.path)/none")
        #expect((found.range.line, found.range.column) == (1, directive.count + 2))
    }

    @Test func `missing files are told together with mistakes`() throws {
        let inspection = try inspect(
            "server { listen 8443 ssl; ssl_certificate a.pem; ssl_certificate_key b.pem; nonsense; }"
        )
        #expect(!inspection.isUsable)
        #expect(inspection.diagnostics.count { $0.message.hasPrefix("can't read") } == 2)
        #expect(inspection.diagnostics.contains { $0.message.contains("nonsense") })
    }

    private static let secret = """
        state_dir state;
        control unix:/nonexistent/there/control.sock;
        secrets names;
        server {
            listen 127.0.0.1:8080;
            api_keys keys.json;
            proxy_pass http://127.0.0.1:1;
            gateway_auth bearer env:POSTERN_TEST_UNSET;
            location /file/ { gateway_auth bearer file:token; }
            location /name/ { gateway_auth bearer secret:TOKEN; }
        }
        """

    @Test func `secrets and files of keys are looked at where they are named`() throws {
        try directory.write("OTHER=x\n", to: "names")
        try directory.write("{", to: "keys.json")
        let inspection = try inspect(Self.secret)
        let found = inspection.diagnostics.map { "\($0.range.line):\($0.range.column) \($0.severity.rawValue)" }
        #expect(found == ["2:9 error", "6:14 warning", "8:25 warning", "9:43 error", "10:43 error"])
        let messages = inspection.diagnostics.map(\.message)
        #expect(messages[0] == "there is no directory /nonexistent")
        #expect(messages[1].hasPrefix("can't use the key file: "))
        #expect(messages[2] == "env:POSTERN_TEST_UNSET: there is no such environment variable")
        #expect(messages[3].hasSuffix("/token: No such file or directory"))
        #expect(messages[4] == "secret:TOKEN: the secrets file has no such name")
        #expect(!inspection.isUsable)
    }

    @Test func `a key that others may read is a warning`() throws {
        try directory.write("TOKEN=x\n", to: "names", mode: 0o600)
        try directory.write("x", to: "token", mode: 0o604)
        _ = unsafe chmod(directory.path("token"), 0o604)
        let inspection = try inspect(Self.secret)
        let found = inspection.diagnostics.filter { $0.range.line == 9 }
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.message.hasSuffix("others on this machine may read it") == true)
    }
}
