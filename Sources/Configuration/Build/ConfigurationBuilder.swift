import ConfigSyntax
import Proxy

/// Reads directives by the table into drafts, one scope per block; `Assembler` makes the configuration of them.
package final class ConfigurationBuilder {
    let dialect: Dialect
    let environment: ConfigurationEnvironment
    let directories: ConfigurationDirectories
    private(set) var diagnostics: [Diagnostic] = []
    /// The block being read.
    private(set) var scope: Scope
    /// The main level.
    let top: Scope
    var main = MainSettings()
    /// Whether `main.errorLog` came from an inner block, so that the main level may still replace it.
    var hasInnerErrorLog = false
    var upstreams: [UpstreamDraft] = []
    var servers: [(draft: ServerDraft, scope: Scope)] = []
    var zones: [ZoneDraft] = []
    var connectionZones: [ConnectionZoneDraft] = []
    var logFormats: [LogFormatDraft] = []
    var maps: [MapDraft] = []
    /// Every word that holds a template, so that each is checked even where nothing comes to use it.
    private(set) var templates: [Word] = []

    init(dialect: Dialect, environment: ConfigurationEnvironment, directories: ConfigurationDirectories) {
        self.dialect = dialect
        self.environment = environment
        self.directories = directories
        top = Scope(dialect == .native ? [.main, .events, .http] : .main, in: nil)
        scope = top
    }

    /// The settings of the block being read.
    var level: LevelSettings {
        get { scope.level }
        set { scope.level = newValue }
    }

    /// Lets the drafts go. A server's draft and its locations' scopes hold each other, so that each reload would keep them.
    func close() {
        for server in servers { server.draft.locations = [] }
    }

    func report(_ diagnostic: Diagnostic) { diagnostics.append(diagnostic) }

    /// Notes a word whose variables must turn out to be known.
    func useTemplate(_ word: Word) { templates.append(word) }

    /// Reads a block's directives in a scope of their own.
    func read(_ directives: [Directive], in inner: Scope) {
        let outer = scope
        scope = inner
        read(directives)
        scope = outer
    }

    /// Reads directives in the present scope; what is wrong is reported, and reading goes on.
    func read(_ directives: [Directive]) {
        for directive in directives {
            do {
                try read(directive)
            } catch let diagnostic as Diagnostic {
                report(diagnostic)
            } catch {
                report(.error(directive.range, "\(error)"))
            }
        }
    }

    private func read(_ directive: Directive) throws {
        let name = directive.name
        guard let spec = DirectiveTable.find(name.text, dialect, scope.contexts) else { throw unknown(directive) }
        switch spec.kind {
        case .refused(let refusal):
            throw Diagnostic.error(
                name.range,
                "\"\(name.text)\" is not supported: \(refusal.reason)",
                hint: refusal.instead
            )
        case .run(let set):
            let isHoisted = try check(directive, spec)
            do {
                try set(self, directive)
            } catch let diagnostic as Diagnostic {
                throw explained(diagnostic, directive)
            }
            if isHoisted { reportHoisted(directive) }
        case .block(let open):
            _ = try check(directive, spec)
            try open(self, directive, directive.block ?? [])
        case .harmless(let reason):
            _ = try check(directive, spec)
            report(.note(name.range, "\"\(name.text)\" has no effect", hint: reason))
        case .harmlessIf(let value, let reason, let refusal):
            _ = try check(directive, spec)
            if let wrong = directive.arguments.first(where: { $0.text != value }) {
                throw Diagnostic.error(
                    wrong.range,
                    "\"\(name.text) \(wrong.text)\" is not supported: \(refusal.reason)",
                    hint: refusal.instead
                )
            }
            report(.note(name.range, "\"\(name.text)\" has no effect", hint: reason))
        }
    }

    private func unknown(_ directive: Directive) -> Diagnostic {
        let name = directive.name.text
        var hint: String?
        if let near = Suggestion.nearest(to: name, in: DirectiveTable.names(in: dialect)),
            let spec = DirectiveTable.find(near, dialect, scope.contexts)
        {
            hint = "did you mean \"\(near)\"? (allowed in: \(spec.contexts.description(in: dialect)))"
        }
        return .error(directive.name.range, "unknown directive \"\(name)\"", hint: hint)
    }

    /// Dialect, place and form. Answers whether the directive is accepted though it should stand further out.
    private func check(_ directive: Directive, _ spec: DirectiveSpec) throws(Diagnostic) -> Bool {
        let name = directive.name
        if !spec.dialects.contains(dialect) {
            let (other, hint) =
                dialect == .nginx
                ? ("native", "this is an Nginx file because it has an http block")
                : ("Nginx", "this is a native file because it has no http block")
            throw .error(name.range, "\"\(name.text)\" belongs to \(other) files", hint: hint)
        }
        let isHoisted = spec.contexts.isDisjoint(with: scope.contexts)
        if isHoisted, spec.hoistedFrom.isDisjoint(with: scope.contexts) {
            throw .error(
                name.range,
                "\"\(name.text)\" directive is not allowed here",
                hint: "allowed in: \(spec.contexts.description(in: dialect))"
            )
        }
        if spec.isBlock, directive.block == nil {
            throw .error(directive.range, "directive \"\(name.text)\" has no opening \"{\"")
        }
        if case .run = spec.kind, directive.block != nil {
            throw .error(
                directive.range,
                "directive \"\(name.text)\" is not terminated by \";\"",
                hint: "\"\(name.text)\" has no block"
            )
        }
        if !spec.arity.contains(directive.arguments.count) { throw wrongArity(of: directive, spec) }
        return isHoisted
    }

    /// A parameter that is a directive at the start of a line was hardly meant as one.
    private func explained(_ diagnostic: Diagnostic, _ directive: Directive) -> Diagnostic {
        var previous = directive.name
        for word in directive.arguments {
            if word.range == diagnostic.range, word.range.line > previous.range.line,
                DirectiveTable.find(word.text, dialect, scope.contexts) != nil
            {
                return .error(diagnostic.range, diagnostic.message, hint: "missing \";\" after \"\(previous.text)\"?")
            }
            previous = word
        }
        return diagnostic
    }

    private func wrongArity(of directive: Directive, _ spec: DirectiveSpec) -> Diagnostic {
        let message = "invalid number of arguments in \"\(directive.name.text)\" directive"
        var previous = directive.name
        for word in directive.arguments {
            if word.range.line > previous.range.line, !word.isQuoted,
                DirectiveTable.find(word.text, dialect, scope.contexts) != nil
            {
                let hint = "missing \";\" after this? (the next line begins with \"\(word.text)\")"
                return .error(previous.range, message, hint: hint)
            }
            previous = word
        }
        return .error(directive.range, message, hint: "usage: \(spec.usage)")
    }

    private func reportHoisted(_ directive: Directive) {
        let block = scope.directive?.name.text ?? "block"
        let place = dialect == .native ? "at the top level" : "in the http block"
        let whose = dialect == .native ? "" : ", where Nginx refuses it"
        report(
            .warning(
                directive.name.range,
                "\"\(directive.name.text)\" stands in a \(block) block\(whose)",
                hint: "taken as if it stood \(place); move it there"
            )
        )
    }
}
