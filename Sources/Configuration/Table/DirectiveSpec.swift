package import ConfigSyntax

/// All that is known of one directive; the table of them is the language.
package struct DirectiveSpec: Sendable {
    /// What becomes of the directive.
    package enum Kind: Sendable {
        /// It does what its documentation says.
        case run(Setter)
        /// It opens a block of further directives.
        case block(BlockSetter)
        /// It tunes what Postern does not have; the text says what, and is noted.
        case harmless(String)
        /// As `harmless`, but only with the given argument; refused with any other.
        case harmlessIf(String, String, refusal: Refusal)
        /// It asks for what Postern does not do.
        case refused(Refusal)
    }

    /// Why a directive is refused and what to write in its place.
    package struct Refusal: Sendable {
        package let reason: String
        package let instead: String
    }

    /// A name, or a family's prefix that ends with `*`.
    package let name: String
    /// What follows the name, for people: `TIME`, `on|off`.
    package let syntax: String
    package let contexts: ContextSet
    /// Where it is accepted with a warning although Nginx refuses it, and counts as written at the `http` level.
    package var hoistedFrom: ContextSet = []
    package var dialects: DialectSet = .both
    package let arity: ClosedRange<Int>
    package let kind: Kind
    /// One line.
    package let help: String
    /// The default as a configuration would write it; both are shown if they differ.
    package var defaultText: String?
    package var nativeDefaultText: String?

    /// Reads the directive into the builder.
    package typealias Setter = @Sendable (ConfigurationBuilder, Directive) throws -> Void
    /// Reads the directive's own line, and then its block by `walk`.
    package typealias BlockSetter = @Sendable (ConfigurationBuilder, Directive, [Directive]) throws -> Void

    /// Whether it has braces.
    package var isBlock: Bool {
        if case .block = kind { true } else { false }
    }
}

extension DirectiveSpec {
    /// A directive that runs.
    static func run(
        _ name: String,
        _ syntax: String,
        in contexts: ContextSet,
        arguments arity: ClosedRange<Int> = 1...1,
        dialects: DialectSet = .both,
        default defaultText: String? = nil,
        native nativeDefaultText: String? = nil,
        hoistedFrom: ContextSet = [],
        help: String,
        set: @escaping Setter
    ) -> DirectiveSpec {
        DirectiveSpec(
            name: name,
            syntax: syntax,
            contexts: contexts,
            hoistedFrom: hoistedFrom,
            dialects: dialects,
            arity: arity,
            kind: .run(set),
            help: help,
            defaultText: defaultText,
            nativeDefaultText: nativeDefaultText
        )
    }

    /// A block that runs.
    static func block(
        _ name: String,
        _ syntax: String,
        in contexts: ContextSet,
        arguments arity: ClosedRange<Int>,
        dialects: DialectSet = .both,
        help: String,
        open: @escaping BlockSetter
    ) -> DirectiveSpec {
        DirectiveSpec(
            name: name,
            syntax: syntax,
            contexts: contexts,
            dialects: dialects,
            arity: arity,
            kind: .block(open),
            help: help
        )
    }

    /// A directive that may stand there and does nothing, for the reason given.
    static func harmless(_ name: String, in contexts: ContextSet = .request, _ reason: String) -> DirectiveSpec {
        DirectiveSpec(
            name: name,
            syntax: "…",
            contexts: contexts,
            arity: 0...SyntaxLimits.words,
            kind: .harmless(reason),
            help: reason
        )
    }

    /// A directive of which only one value does nothing.
    static func harmless(
        _ name: String,
        if value: String,
        _ note: (says: String, otherwise: String, instead: String)
    ) -> DirectiveSpec {
        DirectiveSpec(
            name: name,
            syntax: value,
            contexts: .request,
            arity: 1...SyntaxLimits.words,
            kind: .harmlessIf(value, note.says, refusal: Refusal(reason: note.otherwise, instead: note.instead)),
            help: note.says
        )
    }

    /// A directive that can't be accepted.
    static func refused(_ name: String, _ reason: String, instead: String) -> DirectiveSpec {
        DirectiveSpec(
            name: name,
            syntax: "…",
            contexts: .anywhere,
            arity: 0...SyntaxLimits.words,
            kind: .refused(Refusal(reason: reason, instead: instead)),
            help: reason
        )
    }
}

extension DirectiveSpec {
    /// One line that shows how to write it.
    var usage: String { name + (syntax.isEmpty ? "" : " " + syntax) + (isBlock ? " { … }" : ";") }
}
