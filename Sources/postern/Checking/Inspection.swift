import ConfigSyntax
import Configuration
import Proxy

/// A configuration read at leisure, together with the files it names.
struct Inspection {
    let outcome: LoadOutcome
    /// In reading order.
    let diagnostics: [Diagnostic]

    /// Reads everything; asks the resolver for upstreams' names, so it may block for a while.
    init(_ service: Service) {
        outcome = ConfigurationLoader.load(
            path: service.path,
            options: service.options,
            environment: .system(asksResolver: true)
        )
        var found = outcome.diagnostics
        if let configuration = outcome.configuration {
            found += NamedFiles(configuration, outcome.tree, service).diagnostics()
        } else {
            found += NamedFiles.unreadable(outcome.tree, path: service.path)
        }
        diagnostics = found.inReadingOrder()
    }

    /// Whether Postern would start with it.
    var isUsable: Bool { !diagnostics.hasErrors }

    /// "1 error, 2 warnings", or nil if there is nothing to count.
    var summary: String? { Self.summary(of: diagnostics) }

    static func summary(of diagnostics: [Diagnostic]) -> String? {
        let counts: [String] = [Diagnostic.Severity.error, .warning, .note].compactMap { severity in
            let count = diagnostics.count { $0.severity == severity }
            if count == 0 { return nil }
            return "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
        }
        return counts.isEmpty ? nil : counts.joined(separator: ", ")
    }
}
