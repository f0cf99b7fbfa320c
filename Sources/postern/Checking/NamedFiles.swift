import Access
import ConfigSyntax
import Configuration
import Glibc
import Proxy
import TLS

/// What is wrong with the files and accounts that a configuration names, told at the directives that name them.
struct NamedFiles {
    let configuration: ProxyConfiguration
    private let tree: SourceTree
    /// Where relative paths may start.
    private let directories: [String]

    /// Problems shown of one file.
    static let problemLimit = 20

    init(_ configuration: ProxyConfiguration, _ tree: SourceTree, _ service: Service) {
        self.configuration = configuration
        self.tree = tree
        directories = [Paths.directory(of: service.path)] + (service.options.prefix.map { [$0] } ?? [])
    }

    /// The files that can't be opened, for a configuration with mistakes: so that all are shown at once.
    static func unreadable(_ tree: SourceTree, path: String) -> [Diagnostic] {
        let names: Set = [
            "ssl_certificate", "ssl_certificate_key", "proxy_ssl_certificate", "proxy_ssl_certificate_key",
            "proxy_ssl_trusted_certificate",
        ]
        let directory = Paths.directory(of: path)
        var found: [Diagnostic] = []
        func look(_ directives: [Directive]) {
            for directive in directives {
                if let block = directive.block { look(block) }
                guard names.contains(directive.name.text), let word = directive.arguments.first else { continue }
                let file = word.text.hasPrefix("/") ? word.text : directory + "/" + word.text
                if unsafe access(file, R_OK) == 0 { continue }
                found.append(.error(word.range, "can't read \"\(file)\": \(unsafe String(cString: strerror(errno)))"))
            }
        }
        look(tree.directives)
        return found
    }

    /// Reads every file named; errors where Postern would not start.
    func diagnostics() -> [Diagnostic] {
        account() + certificates() + written() + configuration.passwordFiles.flatMap(passwordFile)
            + configuration.keyFiles.flatMap(keyFile) + secrets()
    }

    /// The account matters to root only; others stay who they are.
    private func account() -> [Diagnostic] {
        guard geteuid() == 0 else { return [] }
        var found: [Diagnostic] = []
        if let user = configuration.process.user, unsafe getpwnam(user) == nil {
            found.append(.error(place(of: user, in: ["user"]), "there is no user \"\(user)\" on this machine"))
        }
        if let group = configuration.process.group, unsafe getgrnam(group) == nil {
            found.append(.error(place(of: group, in: ["user"]), "there is no group \"\(group)\" on this machine"))
        }
        return found
    }

    /// Files that are made as they are needed, in directories that aren't.
    private func written() -> [Diagnostic] {
        var files: [(path: String, directive: String)] = []
        if let path = configuration.process.pidFile { files.append((path, "pid")) }
        if case .file(let path) = configuration.errorLog.destination { files.append((path, "error_log")) }
        if let path = configuration.stateDirectory { files.append((path, "state_dir")) }
        if let path = configuration.controlSocket { files.append(("unix:" + path, "control")) }
        for log in configuration.accessLogs {
            if case .file(let path) = log.destination { files.append((path, "access_log")) }
        }
        return files.compactMap { file in
            // The control socket's directory is made, in one that is there.
            let isSocket = file.path.hasPrefix("unix:")
            let path = isSocket ? Paths.directory(of: String(file.path.dropFirst(5))) : file.path
            let parent = Paths.directory(of: path)
            if Paths.exists(parent) { return nil }
            let hint = "Postern would not start: make it"
            return .error(place(of: file.path, in: [file.directive]), "there is no directory \(parent)", hint: hint)
        }
    }

    private func certificates() -> [Diagnostic] {
        var found: [Diagnostic] = []
        for settings in configuration.servers.compactMap(\.tls) {
            do throws(TLSError) {
                let context = try ServerContext(settings)
                if !context.unsupportedProtocols.isEmpty {
                    let names = context.unsupportedProtocols.map { "\($0)" }.joined(separator: ", ")
                    let message = "the system's OpenSSL does not allow \(names)"
                    found.append(.warning(place(of: nil, in: ["ssl_protocols"]), message))
                }
            } catch {
                found.append(diagnostic(error, ["ssl_certificate", "ssl_certificate_key", "ssl_stapling_file"]))
            }
        }
        let names: Set = ["proxy_ssl_certificate", "proxy_ssl_certificate_key", "proxy_ssl_trusted_certificate"]
        for location in configuration.servers.flatMap({ [$0.root] + $0.locations }) {
            guard case .proxy(let pass) = location.handler, let settings = pass.tls else { continue }
            do throws(TLSError) { _ = try ClientContext(settings) } catch { found.append(diagnostic(error, names)) }
        }
        return found
    }

    private func diagnostic(_ error: TLSError, _ directives: Set<String>) -> Diagnostic {
        .error(place(of: error.file, in: directives), error.description)
    }

    private func passwordFile(_ path: String) -> [Diagnostic] {
        let place = place(of: path, in: ["auth_basic_user_file"])
        do throws(PasswordFileError) {
            let (table, problems) = try PasswordFile.load(path: path)
            var found = problems.prefix(Self.problemLimit).map { Diagnostic.warning(place, "\(path): \($0)") }
            if problems.count > Self.problemLimit {
                found.append(.warning(place, "\(path): \(problems.count - Self.problemLimit) more problems, not shown"))
            }
            if table.count == 0 {
                let hint = "postern user add \(path) NAME"
                found.append(.warning(place, "\(path) has no users: nobody can log in", hint: hint))
            }
            return found
        } catch {
            let hint = "nobody can log in until it is there: postern user add \(path) NAME"
            return [.warning(place, "can't use the password file: \(error)", hint: hint)]
        }
    }

    /// The argument of one of these directives that names the file (or, for nil, the first of the directives); the start
    /// of the main file if none does.
    func place(of value: String?, in names: Set<String>) -> SourceRange {
        if let found = find(value, names, tree.directives) { return found }
        let file = tree.files.first ?? SourceFile(name: "", text: "")
        return SourceRange(file: file, offset: 0, length: 0)
    }

    private func find(_ value: String?, _ names: Set<String>, _ directives: [Directive]) -> SourceRange? {
        for directive in directives {
            if names.contains(directive.name.text) {
                guard let value else { return directive.range }
                let word = directive.arguments.first { word in
                    word.text == value || directories.contains { $0 + "/" + word.text == value }
                        || word.text.hasPrefix("file:")
                            && directories.contains { "file:" + $0 + "/" + word.text.dropFirst(5) == value }
                }
                if let word { return word.range }
            }
            if let block = directive.block, let found = find(value, names, block) { return found }
        }
        return nil
    }
}
