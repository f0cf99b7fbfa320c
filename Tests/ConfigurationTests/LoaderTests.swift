import ConfigSyntax
import Configuration
import Glibc
import Proxy
import TLS
import Testing

/// A directory of files that goes away at the end.
private struct TemporaryFiles: ~Copyable {
    let path: String

    init(_ files: [String: String]) {
        var template = Array("/tmp/postern-config-XXXXXX".utf8CString)
        path = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress, let made = unsafe mkdtemp(start) else { return "/nonexistent" }
            return unsafe String(cString: made)
        }
        for (name, text) in files {
            guard let file = unsafe fopen("\(path)/\(name)", "w") else { continue }
            unsafe fputs(text, file)
            unsafe fclose(file)
        }
    }

    deinit {
        for name in SystemFileLoader().paths(matching: "\(path)/*") { unsafe unlink(name) }
        unsafe rmdir(path)
    }
}

struct LoaderTests {
    @Test(arguments: ["", "# nothing\n"])
    func aFileWithoutAServerSaysSo(text: String) {
        let outcome = ConfigurationLoader.load(text: text)
        #expect(outcome.configuration != nil)
        #expect(outcome.diagnostics.map(\.message) == ["there is no server, so nothing is listened on"])
    }

    @Test func resolvesPathsAsNginxDoes() throws {
        let files = TemporaryFiles([
            "main": "http { include *.inc; access_log a.log; } pid x.pid;",
            "1.inc": "server { listen 443 ssl; ssl_certificate c.pem; ssl_certificate_key /k.pem; return 204; }",
        ])
        let outcome = ConfigurationLoader.load(path: "\(files.path)/main", options: LoadOptions(prefix: "/prefix"))
        let configuration = try #require(outcome.configuration)
        #expect(outcome.files == ["\(files.path)/main", "\(files.path)/1.inc"])
        #expect(configuration.process.pidFile == "/prefix/x.pid")
        #expect(configuration.accessLogs.map(\.destination) == [.file("/prefix/a.log")])
        let pair = try #require(configuration.servers.first?.tls?.certificates.first)
        #expect(pair.chain == "\(files.path)/c.pem")
        #expect(pair.key == "/k.pem")
        #expect(configuration.dialect == .nginx)
    }

    @Test func reportsMistakesOfEveryFileInOrder() {
        let files = TemporaryFiles(["main": "include a;\nbogus;", "a": "\n  worse;"])
        let outcome = ConfigurationLoader.load(path: "\(files.path)/main")
        #expect(outcome.configuration == nil)
        #expect(
            outcome.report == """
                \(files.path)/main:2:1: error: unknown directive "bogus"
                    2 | bogus;
                      | ^~~~~
                \(files.path)/a:2:3: error: unknown directive "worse"
                    2 |   worse;
                      |   ^~~~~

                """
        )
    }

    @Test func aMissingFileIsADiagnostic() {
        let outcome = ConfigurationLoader.load(path: "/nowhere/proxy.conf")
        #expect(outcome.configuration == nil)
        #expect(outcome.diagnostics.map(\.message) == ["can't read the configuration: No such file or directory"])
    }

    @Test(arguments: [
        ("server { listen 1; }", Dialect.native), ("http { }", .nginx), ("events { }", .native),
        ("events { } http { server { listen 1; } }", .nginx), ("# http { }\nserver { listen 1; }", .native),
    ])
    func tellsDialectsApart(text: String, dialect: Dialect) {
        #expect(ConfigurationLoader.load(text: text).configuration?.dialect == dialect)
    }

    @Test func asksTheEnvironmentForNames() {
        let text = "server { listen 1; proxy_pass http://gone.example; }"
        let asked = ConfigurationLoader.load(
            text: text,
            environment: ConfigurationEnvironment(hostName: "h", resolves: { _ in false })
        )
        #expect(asked.diagnostics.map(\.message) == ["host \"gone.example\" does not resolve now"])
        #expect(asked.configuration != nil)
        #expect(ConfigurationLoader.load(text: text).diagnostics.isEmpty)
        #expect(!ConfigurationEnvironment.system(asksResolver: false).hostName.isEmpty)
    }

    /// A source file as long as somebody else holds it.
    private struct Watched {
        weak var file: SourceFile?

        init(_ text: String) {
            file = ConfigurationLoader.load(text: text).diagnostics.first?.range.file
        }
    }

    @Test func keepsNothingOfWhatItRead() {
        let held = ConfigurationLoader.load(text: "bogus;").diagnostics.first?.range.file
        #expect(held != nil)
        let watched = Watched("bogus; server { listen 1; location /a { location /a/b { return 204; } } health /h; }")
        #expect(watched.file == nil)
    }
}
