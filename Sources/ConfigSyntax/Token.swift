/// A directive's name or one of its arguments.
package struct Word: Sendable, Equatable {
    /// Without quotes, escapes resolved, variables as written.
    package let text: String
    /// With the quotes.
    package let range: SourceRange
    package let isQuoted: Bool

    package init(text: String, range: SourceRange, isQuoted: Bool = false) {
        self.text = text
        self.range = range
        self.isQuoted = isQuoted
    }

    /// Where bytes of `text` stand in the file; the whole word if escapes make that unclear.
    package func range(of part: Range<Int>) -> SourceRange {
        let quote = isQuoted ? 1 : 0
        guard range.length == text.utf8.count + 2 * quote else { return range }
        return SourceRange(file: range.file, offset: range.offset + quote + part.lowerBound, length: part.count)
    }
}

/// What the lexer finds in a file.
struct Token {
    enum Kind {
        case word(Word)
        case semicolon
        case openBrace
        case closeBrace
        case endOfFile
    }

    let kind: Kind
    let range: SourceRange
}

/// One directive as written: a name, arguments, and a block if it has braces.
package struct Directive: Sendable, Equatable {
    package let name: Word
    package let arguments: [Word]
    /// What stands between the braces; nil where the directive ends with `;`.
    package let block: [Directive]?
    /// From the name to the end of the last argument.
    package let range: SourceRange

    package init(name: Word, arguments: [Word], block: [Directive]?, range: SourceRange) {
        self.name = name
        self.arguments = arguments
        self.block = block
        self.range = range
    }
}

/// What a configuration's size is bounded by.
package enum SyntaxLimits {
    /// Bytes in one file.
    package static let fileSize = 4 << 20
    /// Bytes in all files together.
    package static let totalSize = 16 << 20
    /// Files read in all.
    package static let files = 1000
    /// Braces within braces.
    package static let nesting = 32
    /// Files within files.
    package static let includes = 10
    /// Bytes in a word, quotes and escapes included.
    package static let word = 4096
    /// Words in a directive.
    package static let words = 512
}
