/// A configuration with all its files read in.
package struct SourceTree: Sendable {
    package var directives: [Directive] = []
    package var diagnostics: [Diagnostic] = []
    /// In the order read, the main file first.
    package var files: [SourceFile] = []

    package init() {}
}

/// Replaces each `include` with the directives of the files it names.
///
/// Relative paths start at `directory`. A pattern (`*`, `?`, `[`) may match nothing; a plain path must exist. Files come
/// in the order of their names' bytes.
package struct IncludeExpander<Loader: FileLoader> {
    private let loader: Loader
    private let directory: String
    private var tree = SourceTree()
    private var size = 0
    /// Paths of the files that are being expanded, outermost first.
    private var open: [String] = []

    private init(loader: Loader, directory: String) {
        self.loader = loader
        self.directory = directory
    }

    /// Reads a main file by its path. A file that can't be read throws, since there is no line to point at.
    package static func load(
        path: String,
        directory: String,
        loader: Loader
    ) throws(FileLoadError) -> SourceTree {
        let bytes = try loader.read(path, limit: SyntaxLimits.fileSize)
        return expand(SourceFile(name: path, bytes: bytes), directory: directory, loader: loader)
    }

    /// Parses a main file that is at hand, and reads what it includes.
    package static func expand(_ file: SourceFile, directory: String, loader: Loader) -> SourceTree {
        var expander = IncludeExpander(loader: loader, directory: directory)
        expander.tree.directives = expander.parse(file)
        return expander.tree
    }

    private mutating func parse(_ file: SourceFile) -> [Directive] {
        tree.files.append(file)
        size += file.bytes.count
        open.append(file.name)
        defer { open.removeLast() }
        let (directives, diagnostics) = Parser.parse(file)
        tree.diagnostics += diagnostics
        return expand(directives)
    }

    private mutating func expand(_ directives: [Directive]) -> [Directive] {
        var result: [Directive] = []
        for directive in directives {
            if directive.name.text == "include", !directive.name.isQuoted {
                result += include(directive)
            } else if let block = directive.block {
                let expanded = expand(block)
                result.append(
                    Directive(
                        name: directive.name,
                        arguments: directive.arguments,
                        block: expanded,
                        range: directive.range
                    )
                )
            } else {
                result.append(directive)
            }
        }
        return result
    }

    private mutating func include(_ directive: Directive) -> [Directive] {
        guard directive.block == nil else {
            report(directive.range, "directive \"include\" is not terminated by \";\"")
            return []
        }
        guard directive.arguments.count == 1, let pattern = directive.arguments.first, !pattern.text.isEmpty else {
            report(directive.range, "invalid number of arguments in \"include\" directive", hint: "include FILE;")
            return []
        }
        guard open.count <= SyntaxLimits.includes else {
            report(directive.range, "too many includes in each other", hint: "at most \(SyntaxLimits.includes)")
            return []
        }
        let path = pattern.text.hasPrefix("/") ? pattern.text : directory + "/" + pattern.text
        guard path.contains(where: { "*?[".contains($0) }) else { return include(path, at: pattern.range) }
        var result: [Directive] = []
        for match in loader.paths(matching: path) { result += include(match, at: pattern.range) }
        return result
    }

    private mutating func include(_ path: String, at range: SourceRange) -> [Directive] {
        if open.contains(path) {
            report(range, "\"\(path)\" includes itself", hint: (open + [path]).joined(separator: " → "))
            return []
        }
        guard tree.files.count < SyntaxLimits.files, size < SyntaxLimits.totalSize else {
            let limit = "at most \(SyntaxLimits.files) files of \(SyntaxLimits.totalSize >> 20) MiB together"
            report(range, "too many included files", hint: limit)
            return []
        }
        do {
            let bytes = try loader.read(path, limit: SyntaxLimits.fileSize)
            return parse(SourceFile(name: path, bytes: bytes, order: tree.files.count))
        } catch {
            report(range, "can't read \"\(path)\": \(error.description)")
            return []
        }
    }

    private mutating func report(_ range: SourceRange, _ message: String, hint: String? = nil) {
        tree.diagnostics.append(.error(range, message, hint: hint))
    }
}
