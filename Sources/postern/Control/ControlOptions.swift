import ArgumentParser
import ConfigSyntax

/// Where the control socket is.
struct ControlOptions: ParsableArguments {
    @Option(help: "The control socket. (default: the configuration's)", completion: .file())
    var socket: String?

    @Option(
        name: .shortAndLong,
        help: "The configuration that names the socket. (default: \(Service.standardPath))",
        completion: .file()
    )
    var config: String?

    /// Where it is unless told otherwise.
    static let standardSocket = "/run/postern/control.sock"

    func client() throws(CommandError) -> ControlClient {
        ControlClient(path: try Self.path(socket: socket, config: config))
    }

    /// What was given counts first, then the configuration's `control` directive, then the standard.
    static func path(socket: String?, config: String?) throws(CommandError) -> String {
        if let socket { return socket }
        let file = config ?? Service.standardPath
        if config == nil, !Paths.exists(file) { return standardSocket }
        let tree: SourceTree
        do throws(FileLoadError) {
            let directory = Paths.directory(of: file)
            tree = try IncludeExpander.load(path: file, directory: directory, loader: SystemFileLoader())
        } catch {
            // Who may not read the configuration may still be the one who may ask.
            if config == nil { return standardSocket }
            throw CommandError("\(file) can't be read: \(error.description); give the socket with --socket")
        }
        return try named(in: tree.directives, file)
    }

    private static func named(in directives: [Directive], _ file: String) throws(CommandError) -> String {
        for directive in directives where directive.name.text == "control" {
            let value = directive.arguments.first?.text ?? ""
            if value.hasPrefix("unix:/") { return String(value.dropFirst(5)) }
            // As the proxy takes it where it is given no other prefix.
            if value.hasPrefix("unix:"), value.utf8.count > 5 {
                return Paths.directory(of: file) + "/" + value.dropFirst(5)
            }
            throw CommandError("\(file) has no control socket: it says control \(value)")
        }
        for directive in directives where directive.name.text == "http" {
            return try named(in: directive.block ?? [], file)
        }
        return standardSocket
    }
}
