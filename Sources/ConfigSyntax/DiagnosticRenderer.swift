/// Prints diagnostics for people: place, message, the line as written, a caret and the hint.
package struct DiagnosticRenderer: Sendable {
    /// How many are shown before the rest is only counted.
    package var limit: Int

    package init(limit: Int = 100) {
        self.limit = limit
    }

    /// All of them in reading order; errors are never left out in favour of warnings or notes.
    package func render(_ diagnostics: [Diagnostic]) -> String {
        let ordered = diagnostics.inReadingOrder()
        guard ordered.count > limit else { return ordered.map(render).joined() }
        let errors = ordered.filter { $0.severity == .error }
        let others = ordered.filter { $0.severity != .error }
        let shown = errors.prefix(limit) + others.prefix(Swift.max(0, limit - errors.count))
        let left = ordered.count - shown.count
        return Array(shown).inReadingOrder().map(render).joined() + "and \(left) more, not shown\n"
    }

    /// One diagnostic in three lines: only the first where there is no text to point at, with the hint behind it.
    package func render(_ diagnostic: Diagnostic) -> String {
        let range = diagnostic.range
        let line = range.line
        let head = "\(range.file.name):\(line):\(range.column): \(diagnostic.severity.rawValue): "
        if range.file.bytes.isEmpty {
            let hint = diagnostic.hint.map { ": " + Self.visible($0) } ?? ""
            return head + Self.visible(diagnostic.message) + hint + "\n"
        }
        let excerpt = Excerpt(range: range, line: line)
        let number = String(line)
        let padding = String(repeating: " ", count: Swift.max(0, 5 - number.count))
        let gutter = String(repeating: " ", count: Swift.max(5, number.count))
        let hint = diagnostic.hint.map { " " + Self.visible($0) } ?? ""
        return head + Self.visible(diagnostic.message) + "\n"
            + "\(padding)\(number) | \(excerpt.text)\n"
            + "\(gutter) | \(excerpt.indent)\(excerpt.marker)\(hint)\n"
    }

    /// Text with its control characters made harmless to a terminal or a log.
    static func visible(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(Excerpt.isControl(scalar) ? "\u{FFFD}" : scalar)
            }
        }
        return result
    }
}

/// The part of a line that a diagnostic shows, and the marks under it.
private struct Excerpt {
    let text: String
    /// As wide as what stands before the marked part; tabs stay tabs so that both lines align.
    let indent: String
    let marker: String

    /// A line longer than this is shown in part.
    private static let width = 160

    init(range: SourceRange, line: Int) {
        let bytes = range.file.bytes(ofLine: line)
        let start = min(max(range.offset, bytes.startIndex), bytes.endIndex)
        let end = min(max(range.offset + range.length, start), bytes.endIndex)
        var before = Self.shown(bytes[bytes.startIndex..<start])
        var marked = Self.shown(bytes[start..<end])
        var after = Self.shown(bytes[end..<bytes.endIndex])
        if before.count > Self.width / 2 { before = "…" + before.suffix(Self.width / 2) }
        if marked.count > Self.width / 2 { (marked, after) = (marked.prefix(Self.width / 2) + "…", "") }
        if after.count > Self.width / 2 { after = after.prefix(Self.width / 2) + "…" }
        text = before + marked + after
        indent = String(before.map { $0 == "\t" ? "\t" : " " })
        marker = "^" + String(repeating: "~", count: max(0, marked.unicodeScalars.count - 1))
    }

    private static func shown(_ bytes: ArraySlice<UInt8>) -> String {
        var result = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            result.unicodeScalars.append(isControl(scalar) && scalar != "\t" ? "\u{FFFD}" : scalar)
        }
        return result
    }

    /// Control characters, and those that reorder text on the screen.
    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
