import ConfigSyntax
import Configuration
import Glibc
import Proxy

/// A configuration file, and the process that serves it.
struct Service {
    /// Where the file is unless told otherwise.
    static let standardPath = "/etc/postern/proxy.conf"

    let path: String
    var options = LoadOptions()

    /// Serves until a signal ends it; the exit status. `whenListening` runs once every socket is bound.
    func run(whenListening: () -> Void = {}) -> Int32 {
        let outcome = ConfigurationLoader.load(path: path, options: options)
        // Notes are for `check`: nothing in them needs a change.
        let serious = outcome.diagnostics.filter { $0.severity != .note }
        if !serious.isEmpty { Console.complain(DiagnosticRenderer().render(serious)) }
        guard let configuration = outcome.configuration else { return 1 }
        let (path, options) = (path, options)
        do {
            let supervisor = try Supervisor(configuration) {
                let outcome = ConfigurationLoader.load(path: path, options: options)
                guard let configuration = outcome.configuration else {
                    let errors = outcome.diagnostics.filter { $0.severity == .error }
                    return .rejected(DiagnosticRenderer().render(errors).split(separator: "\n").map(String.init))
                }
                return .configuration(configuration)
            }
            whenListening()
            return supervisor.run()
        } catch {
            Console.complain("postern: \(error)")
            return 1
        }
    }
}
