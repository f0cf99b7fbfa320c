/// Splits a file into words and punctuation by Nginx's rules.
///
/// A word ends at white space, `;` or `{` (but `${` is part of it); `}` and `#` are special only where a word could begin.
/// A backslash takes the next byte as it is: `\"`, `\'` and `\\` lose the backslash, `\t`, `\r` and `\n` become the
/// control character, any other pair stays. A closing quote must be followed by white space, `;`, `{` or `)`.
struct Lexer {
    private let file: SourceFile
    private var position: Int
    /// Where an unclosed quote made the lexer pretend that a directive ended.
    private var pendingSemicolon = false
    private(set) var diagnostics: [Diagnostic] = []

    init(file: SourceFile) {
        self.file = file
        // A byte order mark that an editor left says nothing.
        position = file.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    mutating func next() -> Token {
        if pendingSemicolon {
            pendingSemicolon = false
            return Token(kind: .semicolon, range: range(from: position, to: position))
        }
        skipSpaceAndComments()
        guard position < file.bytes.count else { return Token(kind: .endOfFile, range: endRange) }
        let start = position
        switch file.bytes[position] {
        case UInt8(ascii: ";"):
            position += 1
            return Token(kind: .semicolon, range: range(from: start, to: position))
        case UInt8(ascii: "{"):
            position += 1
            return Token(kind: .openBrace, range: range(from: start, to: position))
        case UInt8(ascii: "}"):
            position += 1
            return Token(kind: .closeBrace, range: range(from: start, to: position))
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            return quotedWord(quote: file.bytes[position])
        default:
            return plainWord()
        }
    }

    /// The last byte of the file that isn't white space, so that the message shows a line with text on it.
    private var endRange: SourceRange {
        var end = file.bytes.count
        while end > 0, Self.isSpace(file.bytes[end - 1]) { end -= 1 }
        return range(from: end, to: end)
    }

    private mutating func skipSpaceAndComments() {
        while position < file.bytes.count {
            let byte = file.bytes[position]
            if byte == UInt8(ascii: "#") {
                while position < file.bytes.count, file.bytes[position] != UInt8(ascii: "\n") { position += 1 }
            } else if Self.isSpace(byte) {
                position += 1
            } else {
                return
            }
        }
    }

    private mutating func plainWord() -> Token {
        let start = position
        var isAfterDollar = false
        while position < file.bytes.count {
            let byte = file.bytes[position]
            if byte == UInt8(ascii: "\\") {
                position += 2
                isAfterDollar = false
                continue
            }
            if Self.isSpace(byte) || byte == UInt8(ascii: ";") { break }
            if byte == UInt8(ascii: "{"), !isAfterDollar { break }
            isAfterDollar = byte == UInt8(ascii: "$")
            position += 1
        }
        position = min(position, file.bytes.count)
        return word(from: start, to: position, content: start..<position, isQuoted: false)
    }

    private mutating func quotedWord(quote: UInt8) -> Token {
        let start = position
        position += 1
        while position < file.bytes.count, file.bytes[position] != quote {
            position += file.bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        let mark = String(UnicodeScalar(quote))
        guard position < file.bytes.count else {
            return unclosedQuote(
                start,
                "unexpected end of file, the quote that begins here is not closed",
                hint: "missing \(mark)"
            )
        }
        if position - start - 1 > SyntaxLimits.word {
            return unclosedQuote(
                start,
                "too long parameter, probably missing terminating \(mark) character",
                hint: "a word may have \(SyntaxLimits.word) bytes"
            )
        }
        let content = start + 1..<position
        position += 1
        if position < file.bytes.count, !Self.mayFollowQuote(file.bytes[position]) {
            let opening = file.line(at: start)
            let here = range(from: position, to: position + scalarLength(at: position))
            let found = String(decoding: file.bytes[position..<here.offset + here.length], as: UTF8.self)
            if opening != file.line(at: position) {
                // Most likely this "closing" quote opens another word and the true one is missing lines above.
                return unclosedQuote(
                    start,
                    "unexpected \"\(found)\" after the quote that ends at line \(here.line)",
                    hint: "missing \(mark) at the end of this word?"
                )
            }
            diagnostics.append(
                .error(here, "unexpected \"\(found)\"", hint: "a closing quote needs a space, \";\" or \"{\" after it")
            )
        }
        return word(from: start, to: position, content: content, isQuoted: true)
    }

    /// Reports the quote at `start` and goes on at the next line, as if the directive ended with this one.
    private mutating func unclosedQuote(_ start: Int, _ message: String, hint: String) -> Token {
        let line = file.bytes(ofLine: file.line(at: start))
        diagnostics.append(.error(range(from: start, to: line.endIndex), message, hint: hint))
        position = line.endIndex
        pendingSemicolon = true
        let content = start + 1..<min(position, start + 1 + SyntaxLimits.word)
        return word(from: start, to: position, content: content, isQuoted: true)
    }

    private mutating func word(from start: Int, to end: Int, content: Range<Int>, isQuoted: Bool) -> Token {
        let place = range(from: start, to: end)
        var content = content
        if content.count > SyntaxLimits.word {
            diagnostics.append(
                .error(place, "too long parameter", hint: "a word may have \(SyntaxLimits.word) bytes")
            )
            content = content.prefix(SyntaxLimits.word)
        }
        let bytes = Self.unescaped(file.bytes[content])
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            diagnostics.append(
                .error(place, "not UTF-8 text", hint: "save the file as UTF-8, without NUL characters")
            )
            let replaced = String(decoding: bytes, as: UTF8.self)
            return Token(kind: .word(Word(text: replaced, range: place, isQuoted: isQuoted)), range: place)
        }
        return Token(kind: .word(Word(text: text, range: place, isQuoted: isQuoted)), range: place)
    }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < bytes.endIndex else {
                result.append(byte)
                continue
            }
            let escaped = bytes[index]
            index += 1
            switch escaped {
            case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): result.append(escaped)
            case UInt8(ascii: "t"): result.append(UInt8(ascii: "\t"))
            case UInt8(ascii: "r"): result.append(UInt8(ascii: "\r"))
            case UInt8(ascii: "n"): result.append(UInt8(ascii: "\n"))
            default: result += [byte, escaped]
            }
        }
        return result
    }

    private func range(from start: Int, to end: Int) -> SourceRange {
        SourceRange(file: file, offset: start, length: end - start)
    }

    private func scalarLength(at offset: Int) -> Int {
        var end = offset + 1
        while end < file.bytes.count, file.bytes[end] & 0xC0 == 0x80 { end += 1 }
        return end - offset
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
    }

    private static func mayFollowQuote(_ byte: UInt8) -> Bool {
        isSpace(byte) || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "{") || byte == UInt8(ascii: ")")
    }
}
