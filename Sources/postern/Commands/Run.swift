import ArgumentParser
import Configuration
import Proxy

/// `postern run`
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve, in the foreground.")

    @Option(name: .shortAndLong, help: "The configuration file.")
    var config = "/etc/postern/proxy.conf"

    func run() throws {
        throw ExitCode(try Service(path: config).run())
    }
}
