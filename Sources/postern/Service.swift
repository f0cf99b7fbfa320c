import ArgumentParser
import ConfigSyntax
import Configuration
import Glibc
import Proxy

/// A configuration file and the process that serves it.
struct Service {
    let path: String

    /// Serves until a signal ends it; the exit status.
    func run() throws -> Int32 {
        let outcome = ConfigurationLoader.load(path: path)
        if !outcome.diagnostics.isEmpty { printToStandardError(outcome.report) }
        guard let configuration = outcome.configuration else { return 1 }
        let path = path
        do {
            let supervisor = try Supervisor(configuration) {
                let outcome = ConfigurationLoader.load(path: path)
                guard let configuration = outcome.configuration else {
                    return .rejected(outcome.report.split(separator: "\n").map(String.init))
                }
                return .configuration(configuration)
            }
            return supervisor.run()
        } catch {
            printToStandardError("postern: \(error)")
            return 1
        }
    }
}

func printToStandardError(_ text: String) {
    let bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
}
