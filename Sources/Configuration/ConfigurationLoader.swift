package import ConfigSyntax
package import Proxy

/// What came of reading a configuration.
package struct LoadOutcome: Sendable {
    /// nil if a diagnostic is an error.
    package var configuration: ProxyConfiguration?
    /// In reading order, without repetitions.
    package var diagnostics: [Diagnostic]
    /// What was read, includes taken in: for whoever looks at the files that directives name.
    package var tree = SourceTree()

    /// Paths of the files read, the main one first.
    package var files: [String] { tree.files.map(\.name) }

    /// The diagnostics as text for people; empty if there are none.
    package var report: String { DiagnosticRenderer().render(diagnostics) }
}

/// What may be said about a configuration beside its file, as Nginx's command line has it.
package struct LoadOptions: Sendable, Equatable {
    /// Where relative paths of logs and of the pid file start (`-p`); nil for where the main file lies.
    package var prefix: String?
    /// Directives of the main level, read before the file (`-g`).
    package var directives: String?
    /// The error log to use where the file names none (`-e`); `stderr` is standard error.
    package var errorLog: String?

    package init(prefix: String? = nil, directives: String? = nil, errorLog: String? = nil) {
        self.prefix = prefix
        self.directives = directives
        self.errorLog = errorLog
    }
}

/// Reads configuration files.
package enum ConfigurationLoader {
    /// Reads a file and those it includes.
    ///
    /// Relative paths of includes, certificates and password files start where the file lies; those of logs and the pid
    /// file at the prefix, or there too without one. A main file that can't be read is one diagnostic.
    package static func load(
        path: String,
        options: LoadOptions = LoadOptions(),
        environment: ConfigurationEnvironment = .system(asksResolver: false)
    ) -> LoadOutcome {
        let directory = directory(of: path)
        let directories = ConfigurationDirectories(configuration: directory, prefix: options.prefix ?? directory)
        do {
            let tree = try IncludeExpander.load(path: path, directory: directory, loader: SystemFileLoader())
            return outcome(tree, directories, environment, options)
        } catch {
            let place = SourceRange(file: SourceFile(name: path, text: ""), offset: 0, length: 0)
            let diagnostic = Diagnostic.error(place, "can't read the configuration: \(error.description)")
            return LoadOutcome(configuration: nil, diagnostics: [diagnostic])
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
        _ environment: ConfigurationEnvironment,
        _ options: LoadOptions = LoadOptions()
    ) -> LoadOutcome {
        let given = commandLine(options, directories)
        // An http block is what makes an Nginx file, wherever it was included from.
        let isNginx = tree.directives.contains { $0.name.text == "http" && $0.block != nil }
        let builder = ConfigurationBuilder(
            dialect: isNginx ? .nginx : .native,
            environment: environment,
            directories: directories
        )
        defer { builder.close() }
        builder.read(given.directives)
        builder.read(tree.directives)
        let start = tree.files.first.map { SourceRange(file: $0, offset: 0, length: 0) }
        var configuration = Assembler.assemble(builder, start: start)
        if builder.main.errorLog == nil, let log = options.errorLog {
            let path = log.hasPrefix("/") ? log : directories.prefix + "/" + log
            configuration.errorLog.destination = log == "stderr" ? .standardError : .file(path)
        }
        let diagnostics = (given.diagnostics + tree.diagnostics + builder.diagnostics).inReadingOrder()
        return LoadOutcome(
            configuration: diagnostics.hasErrors ? nil : configuration,
            diagnostics: diagnostics,
            tree: tree
        )
    }

    private static func commandLine(_ options: LoadOptions, _ directories: ConfigurationDirectories) -> SourceTree {
        guard let text = options.directives else { return SourceTree() }
        let source = SourceFile(name: "command line", bytes: Array(text.utf8), order: -1)
        return IncludeExpander.expand(source, directory: directories.configuration, loader: SystemFileLoader())
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
