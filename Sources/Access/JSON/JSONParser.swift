import Bytes

/// Why a text isn't JSON that is read here.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        case expected(String)
        case endOfText(String)
        case afterTheEnd
        case notUTF8
        case controlCharacter(UInt8)
        case escape
        case loneSurrogate
        case number
        case tooDeep
        case tooManyValues
    }

    /// The byte where it was noticed.
    package let offset: Int
    package let position: TextPosition
    package let kind: Kind

    package var description: String { "\(position): \(reason)" }

    private var reason: String {
        switch kind {
        case .expected(let what): "expected \(what)"
        case .endOfText(let what): "the text ends where \(what) should be"
        case .afterTheEnd: "there is something after the end of the value"
        case .notUTF8: "the bytes are not UTF-8"
        case .controlCharacter(let byte):
            "the control character 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16)) stands in a string; write it as an escape"
        case .escape: "an escape is \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u and four hexadecimal digits"
        case .loneSurrogate: "\\u escape of half a surrogate pair"
        case .number: "a number is written as -12, 3.5 or 1e9, without leading zeros"
        case .tooDeep: "values are nested deeper than \(JSONParser.maximumDepth)"
        case .tooManyValues: "there are more than \(JSONParser.maximumValues) values"
        }
    }
}

/// Reads JSON (RFC 8259) strictly, bounded in depth and number of values. A byte order mark is skipped.
package struct JSONParser {
    /// Arrays and objects around a value.
    package static let maximumDepth = 32
    /// Values of one text.
    package static let maximumValues = 2_000_000

    private struct Failure: Error {
        let kind: JSONError.Kind
        let offset: Int
    }

    private let text: [UInt8]
    private var index = 0
    private var values = 0

    private init(_ text: [UInt8]) { self.text = text }

    /// The one value that `text` is.
    package static func parse(_ text: [UInt8]) throws(JSONError) -> JSONValue {
        var parser = JSONParser(text)
        do throws(Failure) {
            return try parser.document()
        } catch {
            throw JSONError(offset: error.offset, position: TextPosition(error.offset, in: text), kind: error.kind)
        }
    }

    private mutating func document() throws(Failure) -> JSONValue {
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
        if let offset = firstInvalidByte() { throw Failure(kind: .notUTF8, offset: offset) }
        let value = try value(depth: 0)
        skipSpace()
        if index < text.count { throw Failure(kind: .afterTheEnd, offset: index) }
        return value
    }

    private func firstInvalidByte() -> Int? {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: text.span)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        skipSpace()
        values += 1
        if values > Self.maximumValues { throw Failure(kind: .tooManyValues, offset: index) }
        let start = index
        let content: JSONValue.Content
        switch try byte(or: "a value") {
        case UInt8(ascii: "{"):
            if depth == Self.maximumDepth { throw Failure(kind: .tooDeep, offset: index) }
            content = .object(try members(depth: depth + 1))
        case UInt8(ascii: "["):
            if depth == Self.maximumDepth { throw Failure(kind: .tooDeep, offset: index) }
            content = .array(try elements(depth: depth + 1))
        case ASCII.quote: content = .string(try string())
        case UInt8(ascii: "t"): content = try word("true", .bool(true))
        case UInt8(ascii: "f"): content = try word("false", .bool(false))
        case UInt8(ascii: "n"): content = try word("null", .null)
        case ASCII.hyphen, 0x30...0x39: content = try number()
        default: throw Failure(kind: .expected("a value"), offset: index)
        }
        return JSONValue(range: start..<index, content: content)
    }

    private mutating func members(depth: Int) throws(Failure) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        index += 1
        skipSpace()
        if try take(UInt8(ascii: "}"), or: "a name in quotes or \"}\"") { return members }
        while true {
            skipSpace()
            let start = index
            guard try byte(or: "a name in quotes") == ASCII.quote else {
                throw Failure(kind: .expected("a name in quotes"), offset: index)
            }
            let name = try string()
            skipSpace()
            guard try take(ASCII.colon, or: "\":\"") else { throw Failure(kind: .expected("\":\""), offset: index) }
            let value = try value(depth: depth)
            members.append(JSONValue.Member(name: name, range: start..<index, value: value))
            skipSpace()
            if try take(ASCII.comma, or: "\",\" or \"}\"") { continue }
            if try take(UInt8(ascii: "}"), or: "\"}\"") { return members }
            throw Failure(kind: .expected("\",\" or \"}\""), offset: index)
        }
    }

    private mutating func elements(depth: Int) throws(Failure) -> [JSONValue] {
        var elements: [JSONValue] = []
        index += 1
        skipSpace()
        if try take(UInt8(ascii: "]"), or: "a value or \"]\"") { return elements }
        while true {
            elements.append(try value(depth: depth))
            skipSpace()
            if try take(ASCII.comma, or: "\",\" or \"]\"") { continue }
            if try take(UInt8(ascii: "]"), or: "\"]\"") { return elements }
            throw Failure(kind: .expected("\",\" or \"]\""), offset: index)
        }
    }

    private mutating func string() throws(Failure) -> [UInt8] {
        var output: [UInt8] = []
        index += 1
        while true {
            let byte = try byte(or: "the quote that ends a string")
            if byte < 0x20 { throw Failure(kind: .controlCharacter(byte), offset: index) }
            index += 1
            if byte == ASCII.quote { return output }
            if byte == ASCII.backslash { output += try escape() } else { output.append(byte) }
        }
    }

    /// What the escape means whose backslash has just been read.
    private mutating func escape() throws(Failure) -> [UInt8] {
        let start = index - 1
        let byte = try byte(or: "the rest of an escape")
        index += 1
        switch byte {
        case ASCII.quote, ASCII.backslash, ASCII.slash: return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var units = [try unit(start)]
            if UTF16.isLeadSurrogate(units[0]), index + 1 < text.count, text[index] == ASCII.backslash,
                text[index + 1] == UInt8(ascii: "u")
            {
                index += 2
                units.append(try unit(start))
            }
            guard let decoded = String(validating: units, as: UTF16.self) else {
                throw Failure(kind: .loneSurrogate, offset: start)
            }
            return Array(decoded.utf8)
        default: throw Failure(kind: .escape, offset: start)
        }
    }

    private mutating func unit(_ start: Int) throws(Failure) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard index < text.count, let digit = ASCII.hexValue(text[index]) else {
                throw Failure(kind: .escape, offset: start)
            }
            unit = unit << 4 | UInt16(digit)
            index += 1
        }
        return unit
    }

    private mutating func number() throws(Failure) -> JSONValue.Content {
        let start = index
        if text[index] == ASCII.hyphen { index += 1 }
        let whole = digits()
        guard whole > 0, whole == 1 || text[index - whole] != ASCII.zero else {
            throw Failure(kind: .number, offset: start)
        }
        if index < text.count, text[index] == ASCII.dot {
            index += 1
            if digits() == 0 { throw Failure(kind: .number, offset: start) }
        }
        if index < text.count, text[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < text.count, text[index] == ASCII.hyphen || text[index] == UInt8(ascii: "+") { index += 1 }
            if digits() == 0 { throw Failure(kind: .number, offset: start) }
        }
        return .number
    }

    private mutating func digits() -> Int {
        let start = index
        while index < text.count, ASCII.isDigit(text[index]) { index += 1 }
        return index - start
    }

    private mutating func word(_ word: String, _ content: JSONValue.Content) throws(Failure) -> JSONValue.Content {
        guard text[index...].starts(with: word.utf8) else { throw Failure(kind: .expected("a value"), offset: index) }
        index += word.utf8.count
        return content
    }

    private mutating func skipSpace() {
        while index < text.count {
            switch text[index] {
            case ASCII.space, ASCII.lineFeed, ASCII.carriageReturn, ASCII.tab: index += 1
            default: return
            }
        }
    }

    private func byte(or what: String) throws(Failure) -> UInt8 {
        guard index < text.count else { throw Failure(kind: .endOfText(what), offset: index) }
        return text[index]
    }

    private mutating func take(_ byte: UInt8, or what: String) throws(Failure) -> Bool {
        guard try self.byte(or: what) == byte else { return false }
        index += 1
        return true
    }
}
