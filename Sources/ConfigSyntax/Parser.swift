/// Builds the tree of a file's directives and collects everything that is wrong with their syntax.
///
/// After a mistake it goes on at the next `;` or `}`, so one run shows all mistakes.
package struct Parser {
    private var lexer: Lexer
    private var diagnostics: [Diagnostic] = []

    private init(file: SourceFile) {
        lexer = Lexer(file: file)
    }

    /// The directives of `file`, `include` left as written, with the diagnostics in the order found.
    package static func parse(_ file: SourceFile) -> (directives: [Directive], diagnostics: [Diagnostic]) {
        if file.bytes.count > SyntaxLimits.fileSize {
            let start = SourceRange(file: file, offset: 0, length: 0)
            let limit = SyntaxLimits.fileSize >> 20
            return ([], [.error(start, "the file is too long", hint: "a configuration file may have \(limit) MiB")])
        }
        var parser = Parser(file: file)
        let directives = parser.block(openedBy: nil, depth: 0)
        return (directives, parser.lexer.diagnostics + parser.diagnostics)
    }

    /// Reads up to the closing brace, or to the end of the file at depth 0.
    private mutating func block(openedBy opener: Word?, depth: Int) -> [Directive] {
        var directives: [Directive] = []
        while true {
            let token = lexer.next()
            switch token.kind {
            case .word(let name):
                let (directive, end) = directive(name, depth: depth)
                if let directive { directives.append(directive) }
                switch end {
                case .continues: continue
                case .blockClosed where depth > 0: return directives
                case .blockClosed: unexpected("}", token.range)
                case .fileEnded: return directives
                }
            case .semicolon:
                unexpected(";", token.range)
            case .openBrace:
                unexpected("{", token.range)
                _ = nestedBlock(openedBy: nil, at: token.range, depth: depth + 1)
            case .closeBrace:
                if depth > 0 { return directives }
                unexpected("}", token.range)
            case .endOfFile:
                if depth > 0 { reportUnclosed(opener, token.range) }
                return directives
            }
        }
    }

    private enum DirectiveEnd {
        case continues
        case blockClosed
        case fileEnded
    }

    private mutating func directive(_ name: Word, depth: Int) -> (Directive?, DirectiveEnd) {
        var arguments: [Word] = []
        while true {
            let token = lexer.next()
            let range = name.range.through(arguments.last?.range ?? name.range)
            switch token.kind {
            case .word(let word):
                if arguments.count == SyntaxLimits.words {
                    diagnostics.append(
                        .error(word.range, "too many words in \"\(name.text)\"", hint: "missing \";\" before this?")
                    )
                }
                if arguments.count <= SyntaxLimits.words { arguments.append(word) }
            case .semicolon:
                return (Directive(name: name, arguments: arguments, block: nil, range: range), .continues)
            case .openBrace:
                let block = nestedBlock(openedBy: name, at: token.range, depth: depth + 1)
                return (Directive(name: name, arguments: arguments, block: block, range: range), .continues)
            case .closeBrace:
                let last = (arguments.last ?? name).text
                diagnostics.append(.error(token.range, "unexpected \"}\"", hint: "missing \";\" after \"\(last)\""))
                return (Directive(name: name, arguments: arguments, block: nil, range: range), .blockClosed)
            case .endOfFile:
                diagnostics.append(.error(token.range, "unexpected end of file, expecting \";\" or \"}\""))
                return (nil, .fileEnded)
            }
        }
    }

    private mutating func nestedBlock(openedBy opener: Word?, at range: SourceRange, depth: Int) -> [Directive] {
        if depth <= SyntaxLimits.nesting { return block(openedBy: opener, depth: depth) }
        diagnostics.append(
            .error(range, "too deeply nested", hint: "blocks may stand \(SyntaxLimits.nesting) deep in each other")
        )
        var open = 1
        while open > 0 {
            switch lexer.next().kind {
            case .openBrace: open += 1
            case .closeBrace: open -= 1
            case .endOfFile: open = 0
            case .word, .semicolon: continue
            }
        }
        return []
    }

    private mutating func unexpected(_ punctuation: String, _ range: SourceRange) {
        diagnostics.append(.error(range, "unexpected \"\(punctuation)\""))
    }

    private mutating func reportUnclosed(_ opener: Word?, _ range: SourceRange) {
        let hint = opener.map { "the block \"\($0.text)\" of line \($0.range.line) is not closed" }
        diagnostics.append(.error(range, "unexpected end of file, expecting \"}\"", hint: hint))
    }
}
