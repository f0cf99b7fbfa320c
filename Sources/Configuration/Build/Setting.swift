package import ConfigSyntax

/// A value with the directive that gave it.
package struct Setting<Value: Sendable>: Sendable {
    package let value: Value
    package let range: SourceRange

    init(_ value: Value, _ range: SourceRange) {
        self.value = value
        self.range = range
    }
}

extension Directive {
    /// The first argument, which the table's arity guarantees.
    var first: Word { arguments.first ?? name }
}
