import ConfigSyntax
import Configuration
import Glibc

/// Any text is a configuration or is refused with diagnostics that point into it.
enum ConfigurationCheck {
    static func check(_ input: [UInt8]) throws(Broken) {
        let outcome = load(input)
        let report = outcome.report
        try hold((outcome.configuration == nil) == outcome.diagnostics.hasErrors, "refused without an error, or not")
        try hold(report.isEmpty == outcome.diagnostics.isEmpty, "diagnostics without a report")
        for diagnostic in outcome.diagnostics {
            let range = diagnostic.range
            let end = range.offset + range.length
            try hold(range.offset >= 0 && range.length >= 0 && end <= range.file.bytes.count, "\(diagnostic.message)")
            try hold(range.line >= 1 && range.column >= 1, "\(diagnostic.message): line and column")
            try hold(!diagnostic.message.isEmpty, "a diagnostic that says nothing")
        }
        // What is shown on a terminal must not hold what steers it.
        try hold(report.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 9 }, "control in a report")
        // Loading is slow, so only some inputs are loaded again.
        guard input.count % 8 == 0 else { return }
        try hold(load(input).report == report, "another report the second time")
    }

    /// Loads the input as an included file, since that path takes bytes of any kind.
    private static func load(_ input: [UInt8]) -> LoadOutcome {
        ConfigurationLoader.load(
            text: "include input;",
            environment: ConfigurationEnvironment(hostName: "box.example") { !$0.hasSuffix("gone") },
            loader: OneFile(bytes: input)
        )
    }
}

/// A file system in which nothing but the input can be read.
private struct OneFile: FileLoader {
    let bytes: [UInt8]

    func read(_ path: String, limit: Int) throws(FileLoadError) -> [UInt8] {
        guard path == "/etc/postern/input" else { throw .system(ENOENT) }
        guard bytes.count <= limit else { throw .tooLong }
        return bytes
    }

    func paths(matching pattern: String) -> [String] { [] }
}
