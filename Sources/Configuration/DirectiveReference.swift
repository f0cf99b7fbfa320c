import ConfigSyntax
import Proxy

/// Prints the directive table: as docs/configuration.md, and as text for a terminal.
package enum DirectiveReference {
    /// The whole of docs/configuration.md.
    package static var markdown: String {
        var text = introduction
        for (title, directives) in DirectiveTable.families {
            text += "\n## \(title)\n\n"
            text += note(on: title).map { $0 + "\n\n" } ?? ""
            let sorted = directives.sorted { $0.name < $1.name }
            if let first = sorted.first, first.doesNothing {
                text +=
                    first.isRefusal
                    ? "| directive | why | instead |\n|---|---|---|\n" : "| directive | why |\n|---|---|\n"
                for spec in sorted { text += row(of: spec) }
            } else {
                text += directives.map(entry).joined(separator: "\n")
            }
        }
        return text + VariableReference.markdown
    }

    /// Every directive in a line, or all there is to know of the one called `prefix`; if there is none, of those whose names
    /// begin with it. Empty if there are none either. With a dollar sign before it the same of variables.
    package static func plain(prefix: String? = nil) -> String {
        guard let prefix else {
            return DirectiveTable.families.map { title, directives in
                "\(title)\n" + directives.map { "    \($0.usage)\n" }.joined()
            }
            .joined(separator: "\n")
        }
        if prefix.hasPrefix("$") { return VariableReference.plain(prefix: prefix) }
        let found = DirectiveTable.families.flatMap(\.directives).filter { $0.name.hasPrefix(prefix) }
        let exact = found.filter { $0.name == prefix }
        return (exact.isEmpty ? found : exact).map(description).joined(separator: "\n")
    }

    /// Several lines about one directive.
    private static func description(of spec: DirectiveSpec) -> String {
        var text = "\(spec.usage)\n    \(spec.help)\n"
        if case .refused(let refusal) = spec.kind { return text + "    refused; instead: \(refusal.instead)\n" }
        text += "    in: \(spec.contexts.description(in: spec.shownDialect))\n"
        if let value = spec.defaults { text += "    default: \(value)\n" }
        if let only = spec.onlyDialect { text += "    only in \(only) files\n" }
        return text
    }

    private static func entry(_ spec: DirectiveSpec) -> String {
        var text = "### `\(spec.name)`\n\n```\n\(spec.usage)\n```\n\n\(spec.help)\n\n"
        text += "In: \(spec.contexts.description(in: spec.shownDialect))."
        if let value = spec.defaults { text += " Default: \(value)." }
        if let only = spec.onlyDialect { text += " Only in \(only) files." }
        return text + "\n"
    }

    private static func row(of spec: DirectiveSpec) -> String {
        let name = "`\(spec.name)`".replacing("|", with: "\\|")
        switch spec.kind {
        case .refused(let refusal):
            return "| \(name) | \(cell(refusal.reason)) | \(cell(refusal.instead)) |\n"
        case .harmlessIf(let value, let reason, let refusal):
            return
                "| `\(spec.name) \(value)` | \(cell(reason)). Any other value is refused: \(cell(refusal.reason)) |\n"
        case .harmless(let reason):
            return "| \(name) | \(cell(reason)) |\n"
        case .run, .block:
            return "| \(name) | \(cell(spec.help)) |\n"
        }
    }

    private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }

    private static func note(on title: String) -> String? {
        switch title {
        case "Without effect":
            "Accepted where Nginx accepts them, and noted by `postern check`: they tune what Postern does not have."
        case "Refused": "Errors, since leaving them out would change what the file means."
        default: nil
        }
    }

    private static let introduction = """
        # Configuration

        This file is generated from the tables of directives and variables (`postern directives`); change it there.

        `proxy.conf` is written in Nginx's grammar. A file with an `http { }` block is an **Nginx file**: what Nginx means, it
        means. A file without one is **native**: `server { }` and `upstream { }` stand at the top level, and defaults are
        safe ones. `include FILE;` takes in another file, or those that a pattern matches, in the order of their names;
        relative paths start where the main file lies.

        Sizes are written `512`, `64k`, `10m`, `1g`; times `500ms`, `30s`, `5m`, `1h30m`, `2d`; rates `10r/s`, `30r/m`,
        `100r/h`, `1000r/d`. `postern check` shows every mistake at once, with its place and what to do about it.

        """
}

extension DirectiveSpec {
    fileprivate var isRefusal: Bool {
        if case .refused = kind { true } else { false }
    }

    fileprivate var doesNothing: Bool {
        switch kind {
        case .run, .block: false
        case .harmless, .harmlessIf, .refused: true
        }
    }

    /// "60s", or "60s; native: 1h".
    fileprivate var defaults: String? {
        switch (defaultText, nativeDefaultText) {
        case (let text?, let native?): "\(text); native: \(native)"
        case (let text?, nil), (nil, let text?): text
        case (nil, nil): nil
        }
    }

    fileprivate var shownDialect: Dialect { dialects == .native ? .native : .nginx }

    fileprivate var onlyDialect: String? { dialects == .both ? nil : dialects == .native ? "native" : "Nginx" }
}
