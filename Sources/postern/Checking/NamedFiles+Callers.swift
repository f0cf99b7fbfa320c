import Access
import ConfigSyntax
import Proxy

/// Files that say who callers are, and secrets that the gateway is shown.
extension NamedFiles {
    func keyFile(_ path: String) -> [Diagnostic] {
        let place = place(of: path, in: ["api_keys"])
        do throws(APIKeyFileError) {
            let (table, problems) = try APIKeyFile.load(path: path, permissions: configuration.permissions)
            var found = problems.prefix(Self.problemLimit).map { Diagnostic.warning(place, "\(path): \($0)") }
            if problems.count > Self.problemLimit {
                found.append(.warning(place, "\(path): \(problems.count - Self.problemLimit) more problems, not shown"))
            }
            if table.count == 0 {
                let hint = "postern key add \(path) --name NAME --permission read"
                found.append(.warning(place, "\(path) has no keys that count", hint: hint))
            }
            return found
        } catch {
            let hint = "no key counts until it is there: postern key add \(path) --name NAME --permission read"
            return [.warning(place, "can't use the key file: \(error)", hint: hint)]
        }
    }

    /// Secrets must be there when Postern starts; an environment variable may well be missing where this is asked.
    func secrets() -> [Diagnostic] {
        do throws(SecretError) {
            return warnings(try SecretVault.load(for: configuration).warnings)
        } catch {
            let (unset, others) = (
                error.problems.filter(\.isOfEnvironment), error.problems.filter { !$0.isOfEnvironment }
            )
            return warnings(error.warnings + unset)
                + others.map { .error(place(of: $0), $0.statement, hint: $0.hint) }
        }
    }

    private func warnings(_ problems: [SecretProblem]) -> [Diagnostic] {
        problems.map { .warning(place(of: $0), $0.statement, hint: $0.hint) }
    }

    private func place(of problem: SecretProblem) -> SourceRange {
        if problem.place.hasPrefix("secrets "), let file = configuration.secretFile {
            return place(of: file.path, in: ["secrets"])
        }
        return place(of: problem.place, in: ["gateway_auth"])
    }
}

extension SecretProblem {
    fileprivate var isOfEnvironment: Bool { place.hasPrefix("env:") }

    /// Without what to do.
    fileprivate var statement: String { "\(place): \(message)" }
}
