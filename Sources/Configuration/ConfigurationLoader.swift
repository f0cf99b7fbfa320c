package import ConfigSyntax
package import Proxy

/// What came of reading a configuration.
package struct LoadOutcome: Sendable {
    /// nil if a diagnostic is an error.
    package var configuration: ProxyConfiguration?
    /// In reading order, without repetitions.
    package var diagnostics: [Diagnostic]
    /// Paths of the files read, the main one first.
    package var files: [String]

    /// The diagnostics as text for people; empty if there are none.
    package var report: String { DiagnosticRenderer().render(diagnostics) }
}

/// Reads configuration files.
package enum ConfigurationLoader {
    /// Reads a file and those it includes.
    ///
    /// Relative paths of includes, certificates and password files start where the file lies; those of logs and the pid
    /// file at `prefix`, or there too without one. A main file that can't be read is one diagnostic.
    package static func load(
        path: String,
        prefix: String? = nil,
        environment: ConfigurationEnvironment = .system(asksResolver: false)
    ) -> LoadOutcome {
        let directory = directory(of: path)
        let directories = ConfigurationDirectories(configuration: directory, prefix: prefix ?? directory)
        do {
            let tree = try IncludeExpander.load(path: path, directory: directory, loader: SystemFileLoader())
            return outcome(tree, directories, environment)
        } catch {
            let place = SourceRange(file: SourceFile(name: path, text: ""), offset: 0, length: 0)
            let diagnostic = Diagnostic.error(place, "can't read the configuration: \(error.description)")
            return LoadOutcome(configuration: nil, diagnostics: [diagnostic], files: [])
        }
    }

    /// Reads text as if it stood in a file called `name`. `loader` has the files it includes.
    package static func load(
        text: String,
        name: String = "proxy.conf",
        directory: String = "/etc/postern",
        environment: ConfigurationEnvironment = ConfigurationEnvironment(hostName: "localhost"),
        loader: some FileLoader = SystemFileLoader()
    ) -> LoadOutcome {
        let directories = ConfigurationDirectories(configuration: directory, prefix: directory)
        let tree = IncludeExpander.expand(SourceFile(name: name, text: text), directory: directory, loader: loader)
        return outcome(tree, directories, environment)
    }

    private static func outcome(
        _ tree: SourceTree,
        _ directories: ConfigurationDirectories,
        _ environment: ConfigurationEnvironment
    ) -> LoadOutcome {
        // An http block is what makes an Nginx file, wherever it was included from.
        let isNginx = tree.directives.contains { $0.name.text == "http" && $0.block != nil }
        let builder = ConfigurationBuilder(
            dialect: isNginx ? .nginx : .native,
            environment: environment,
            directories: directories
        )
        defer { builder.close() }
        builder.read(tree.directives)
        let configuration = Assembler.assemble(builder)
        let diagnostics = (tree.diagnostics + builder.diagnostics).inReadingOrder()
        return LoadOutcome(
            configuration: diagnostics.hasErrors ? nil : configuration,
            diagnostics: diagnostics,
            files: tree.files.map(\.name)
        )
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
