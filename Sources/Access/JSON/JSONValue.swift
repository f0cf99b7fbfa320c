/// A JSON value (RFC 8259) that knows where in its text it stands, so that a change can leave everything else as it is.
package struct JSONValue: Sendable, Equatable {
    /// What a value is.
    package enum Content: Sendable, Equatable {
        case null
        case bool(Bool)
        /// Its digits are in the text.
        case number
        /// UTF-8, escapes resolved.
        case string([UInt8])
        case array([JSONValue])
        case object([Member])
    }

    /// A member of an object.
    package struct Member: Sendable, Equatable {
        /// UTF-8, escapes resolved. An object may have a name more than once.
        package let name: [UInt8]
        /// From the quote before the name to the end of the value.
        package let range: Range<Int>
        package let value: JSONValue

        /// Whether that is the member's name.
        package func isCalled(_ name: String) -> Bool { self.name.elementsEqual(name.utf8) }
    }

    /// Bytes of the text, white space around the value not included.
    package let range: Range<Int>
    package let content: Content

    /// The elements of an array; nil for anything else.
    package var elements: [JSONValue]? {
        if case .array(let elements) = content { return elements }
        return nil
    }

    /// The members of an object; nil for anything else.
    package var members: [Member]? {
        if case .object(let members) = content { return members }
        return nil
    }

    /// The bytes of a string; nil for anything else.
    package var string: [UInt8]? {
        if case .string(let bytes) = content { return bytes }
        return nil
    }

    /// The last member of that name (as most readers have it), or nil.
    package subscript(name: String) -> Member? { members?.last { $0.isCalled(name) } }
}

/// Where in a text something is, for people: both from 1, columns in bytes.
package struct TextPosition: Sendable, Equatable, CustomStringConvertible {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The place of the byte at `offset`.
    package init(_ offset: Int, in text: [UInt8]) {
        let before = text[..<min(offset, text.count)]
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        self.init(line: 1 + before.count { $0 == 0x0A }, column: 1 + before.count - start)
    }

    package var description: String { "line \(line), column \(column)" }
}
