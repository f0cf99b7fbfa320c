/// What the reader of a configuration should know about one place in it.
package struct Diagnostic: Error, Sendable, Equatable {
    /// How grave it is.
    package enum Severity: String, Sendable {
        /// The configuration can't be used.
        case error
        /// It can be used, but does something unwise.
        case warning
        /// Worth knowing, nothing to change.
        case note
    }

    package let severity: Severity
    package let range: SourceRange
    /// What is wrong, without a final full stop.
    package let message: String
    /// What to do about it.
    package let hint: String?

    package init(_ severity: Severity, _ range: SourceRange, _ message: String, hint: String? = nil) {
        self.severity = severity
        self.range = range
        self.message = message
        self.hint = hint
    }

    package static func error(_ range: SourceRange, _ message: String, hint: String? = nil) -> Diagnostic {
        Diagnostic(.error, range, message, hint: hint)
    }

    package static func warning(_ range: SourceRange, _ message: String, hint: String? = nil) -> Diagnostic {
        Diagnostic(.warning, range, message, hint: hint)
    }

    package static func note(_ range: SourceRange, _ message: String, hint: String? = nil) -> Diagnostic {
        Diagnostic(.note, range, message, hint: hint)
    }
}

extension Sequence<Diagnostic> {
    /// Whether one of them forbids using the configuration.
    package var hasErrors: Bool { contains { $0.severity == .error } }

    /// In reading order (file by file as read, then by place), without repetitions.
    package func inReadingOrder() -> [Diagnostic] {
        let sorted = enumerated().sorted { left, right in
            let (a, b) = (left.element.range, right.element.range)
            return (a.file.order, a.offset, left.offset) < (b.file.order, b.offset, right.offset)
        }
        var result: [Diagnostic] = []
        for (_, diagnostic) in sorted {
            // Equal ones needn't be neighbours, but they start at the same place.
            let isRepeated = result.reversed().prefix { $0.range.offset == diagnostic.range.offset }
                .contains(diagnostic)
            if !isRepeated { result.append(diagnostic) }
        }
        return result
    }
}
