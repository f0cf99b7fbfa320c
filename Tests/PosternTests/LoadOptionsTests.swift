import ConfigSyntax
import Configuration
import Proxy
import TestSupport
import Testing

/// What the command line adds to a file.
struct LoadOptionsTests {
    private static let serving = "server { listen 8080; return 204; }\n"

    private func load(_ text: String, _ options: LoadOptions) throws -> LoadOutcome {
        let directory = try TemporaryDirectory()
        let path = try directory.write(text, to: "proxy.conf")
        let outcome = ConfigurationLoader.load(path: path, options: options)
        return outcome
    }

    @Test func `directives of the command line count like the file's`() throws {
        let outcome = try load(Self.serving, LoadOptions(directives: "worker_processes 3; daemon off;"))
        #expect(outcome.configuration?.process.workerCount == 3)
    }

    @Test func `a mistake among them is placed on the command line`() throws {
        let outcome = try load(Self.serving, LoadOptions(directives: "nonsense on;"))
        #expect(outcome.configuration == nil)
        #expect(outcome.report.contains("command line:1:1: error: unknown directive \"nonsense\""))
    }

    @Test func `what both give is refused, as in Nginx`() throws {
        let outcome = try load("worker_processes 1;\n" + Self.serving, LoadOptions(directives: "worker_processes 2;"))
        #expect(outcome.report.contains("duplicate"))
    }

    @Test func `the command line's error log stands in for a missing one only`() throws {
        let options = LoadOptions(prefix: "/srv", errorLog: "error.log")
        let without = try load(Self.serving, options)
        #expect(without.configuration?.errorLog.destination == .file("/srv/error.log"))
        let with = try load("error_log /var/log/own.log;\n" + Self.serving, options)
        #expect(with.configuration?.errorLog.destination == .file("/var/log/own.log"))
        let stderr = try load(Self.serving, LoadOptions(errorLog: "stderr"))
        #expect(stderr.configuration?.errorLog.destination == .standardError)
    }

    @Test func `a relative pid file starts at the prefix`() throws {
        let outcome = try load("pid run.pid;\n" + Self.serving, LoadOptions(prefix: "/srv"))
        #expect(outcome.configuration?.process.pidFile == "/srv/run.pid")
    }

    @Test func `the files read are at hand`() throws {
        let outcome = try load(Self.serving, LoadOptions())
        #expect(outcome.tree.files.map(\.bytes) == [Array(Self.serving.utf8)])
        #expect(outcome.files.count == 1)
    }
}
