import EventLoop
import Glibc
package import Testing

/// A test in one file: input, a line of ten hyphens, expected output.
package struct GoldenFile: Sendable, CustomTestStringConvertible {
    package static let separator = "----------"

    package let path: String
    package let input: String
    package let expected: String

    /// The file's name.
    package var testDescription: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Reads the file at `path`; all of it is input while it has no separator.
    package init(path: String) throws {
        self.path = path
        let text = try Files.text(path)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let mark = lines.firstIndex(where: { $0 == Self.separator }) else {
            input = text
            expected = ""
            return
        }
        expected = lines[(mark + 1)...].joined(separator: "\n")
        lines.removeSubrange(mark...)
        input = lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
    }

    /// The files in the folder `name` beside the source file that calls, those whose names end in `suffix`, by name.
    ///
    /// An empty or missing folder traps: a test over it would pass without a case.
    package static func all(in name: String, suffix: String = ".golden", source: String = #filePath) -> [GoldenFile] {
        let parts = source.split(separator: "/").dropLast()
        let folder = "/" + parts.joined(separator: "/") + "/" + name
        do {
            let files = try Files.names(in: folder).filter { $0.hasSuffix(suffix) }
            precondition(!files.isEmpty, "no \(suffix) files in \(folder)")
            return try files.map { try GoldenFile(path: folder + "/" + $0) }
        } catch {
            fatalError("\(folder): \(error)")
        }
    }

    /// Expects `output` to be what the file says.
    ///
    /// With UPDATE_GOLDEN set in the environment, the file is rewritten instead; look at the difference before keeping it.
    package func check(_ output: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        // One line end at the end of the file is the file's own.
        let actual = output.hasSuffix("\n") || output.isEmpty ? output : output + "\n"
        if unsafe getenv("UPDATE_GOLDEN") != nil {
            try Files.write(Array((input + Self.separator + "\n" + actual).utf8), to: path, mode: 0o644)
            return
        }
        guard actual != expected else { return }
        Issue.record(Comment(rawValue: difference(actual)), sourceLocation: sourceLocation)
    }

    private func difference(_ actual: String) -> String {
        let wanted = expected.split(separator: "\n", omittingEmptySubsequences: false)
        let given = actual.split(separator: "\n", omittingEmptySubsequences: false)
        let line = zip(wanted, given).prefix { $0 == $1 }.count
        let wantedLine = line < wanted.count ? String(wanted[line]) : "(end)"
        let givenLine = line < given.count ? String(given[line]) : "(end)"
        return """
            \(path): output differs at its line \(line + 1)
            expected: \(wantedLine)
            actual:   \(givenLine)
            whole output:
            \(actual)
            """
    }
}
