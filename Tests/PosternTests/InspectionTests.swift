import ConfigSyntax
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
}
