package import Bytes

/// Why a path is refused whatever the configuration: status 400.
package enum PathError: Error, Sendable, Equatable {
    case notAbsolute, nulByte, rawControlOr8Bit, fragment, invalidEscape, invalidUTF8, aboveRoot

    /// What was wrong, in plain words for the error log.
    package var reason: StaticString {
        switch self {
        case .notAbsolute: "the path doesn't start with a slash"
        case .nulByte: "a NUL byte in the path, plain or encoded"
        case .rawControlOr8Bit: "a control or 8-bit character in the path that isn't encoded"
        case .fragment: "a # in the path"
        case .invalidEscape: "a % that two hexadecimal digits don't follow"
        case .invalidUTF8: "the decoded path isn't UTF-8, or is overlong UTF-8"
        case .aboveRoot: "dot segments that lead above the root"
        }
    }
}

/// What a path holds that servers read in different ways.
package struct PathFacts: OptionSet, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Any percent escape.
    package static let escapes = PathFacts(rawValue: 1 << 0)
    /// A `.` or `..` segment, each dot plain or encoded.
    package static let dotSegments = PathFacts(rawValue: 1 << 1)
    /// `%2F`.
    package static let encodedSlash = PathFacts(rawValue: 1 << 2)
    /// `\`.
    package static let backslash = PathFacts(rawValue: 1 << 3)
    /// `%5C`.
    package static let encodedBackslash = PathFacts(rawValue: 1 << 4)
    /// A percent sign that decodes to another escape, as in `%252e`.
    package static let doubleEncoding = PathFacts(rawValue: 1 << 5)
    /// `;`, plain or encoded: path parameters to some servers.
    package static let semicolonSegment = PathFacts(rawValue: 1 << 6)
    /// `//`, either slash plain or encoded.
    package static let emptySegments = PathFacts(rawValue: 1 << 7)
    /// `%2E`.
    package static let encodedDot = PathFacts(rawValue: 1 << 8)
    /// An escape of a control character.
    package static let encodedControl = PathFacts(rawValue: 1 << 9)
    /// An escape of a byte above 127.
    package static let nonASCII = PathFacts(rawValue: 1 << 10)

    /// Whether all servers read such a path alike: nothing is special about it but escapes of plain or 8-bit characters.
    ///
    /// Counted in bits: the set operations are generic, and would run unspecialized, with an allocation, in other modules.
    package var isUnambiguous: Bool { rawValue & ~(1 << 0 | 1 << 10) == 0 }
}

/// A path as Nginx reads it: escapes decoded once, dot segments resolved, runs of slashes merged.
package struct NormalizedPath: Sendable, Equatable {
    package var facts: PathFacts
    /// Whether the path is its own normal form and every other reading of it: nothing was appended, use the raw bytes.
    package var isPlain: Bool
    /// Where the normal form stands in the output's `written`; empty when `isPlain`.
    package var range: Range<Int>
}

/// Normalises the path of a request target.
package enum PathNormalizer {
    /// Normalises `path`, appending the result to `output` unless the path is plain.
    ///
    /// `mergeSlashes` is Nginx's directive of that name. The result may hold any byte but NUL, and is valid UTF-8.
    package static func normalize(
        _ path: borrowing Span<UInt8>,
        mergeSlashes: Bool = true,
        into output: inout ByteBuffer
    ) throws(PathError) -> NormalizedPath {
        guard path.count > 0, unsafe path[unchecked: 0] == ASCII.slash else { throw .notAbsolute }
        if try isPlain(path) { return NormalizedPath(facts: [], isPlain: true, range: 0..<0) }
        var facts = try survey(path)
        let start = output.writeIndex
        var reader = PathReader(
            decoding: .once,
            encodedSlashSeparates: true,
            backslashSeparates: false,
            dropsParameters: false,
            mergesSlashes: mergeSlashes
        )
        output.reserve(path.count)
        let isBelowRoot = reader.read(path, into: &output)
        if reader.sawDotSegment { facts.insert(.dotSegments) }
        if reader.sawEmptySegment { facts.insert(.emptySegments) }
        if !isBelowRoot {
            output.truncate(to: start)
            throw .aboveRoot
        }
        return NormalizedPath(facts: facts, isPlain: false, range: start..<output.writeIndex)
    }

    /// Whether no server reads the path in another way: visible ASCII without `%`, `;`, `\`, `//` and `/.`.
    private static func isPlain(_ path: borrowing Span<UInt8>) throws(PathError) -> Bool {
        var previous: UInt8 = 0
        for index in 0..<path.count {
            let byte = unsafe path[unchecked: index]
            if byte &- 0x21 > 0x5D { throw byte == 0 ? .nulByte : .rawControlOr8Bit }
            switch byte {
            case ASCII.percent, ASCII.semicolon, ASCII.backslash: return false
            case ASCII.slash, ASCII.dot: if previous == ASCII.slash { return false }
            case UInt8(ascii: "#"): throw .fragment
            default: break
            }
            previous = byte
        }
        return true
    }

    /// Checks every byte and escape, and gathers what can be told without segments.
    private static func survey(_ path: borrowing Span<UInt8>) throws(PathError) -> PathFacts {
        var facts: PathFacts = []
        var utf8 = UTF8Validator()
        var index = 0
        while index < path.count {
            var byte = unsafe path[unchecked: index]
            if byte == 0 { throw .nulByte }
            if byte &- 0x21 > 0x5D { throw .rawControlOr8Bit }
            if byte == UInt8(ascii: "#") { throw .fragment }
            if byte == ASCII.percent {
                guard let decoded = PathReader.escape(path, index) else { throw .invalidEscape }
                facts.insert(.escapes)
                switch decoded {
                case 0: throw .nulByte
                case ASCII.slash: facts.insert(.encodedSlash)
                case ASCII.backslash: facts.insert(.encodedBackslash)
                case ASCII.dot: facts.insert(.encodedDot)
                case ASCII.semicolon: facts.insert(.semicolonSegment)
                case ASCII.percent: if PathReader.secondEscape(path, index) != nil { facts.insert(.doubleEncoding) }
                case 1..<0x20, 0x7F: facts.insert(.encodedControl)
                case 0x80...: facts.insert(.nonASCII)
                default: break
                }
                byte = decoded
                index &+= 3
            } else {
                if byte == ASCII.backslash { facts.insert(.backslash) }
                if byte == ASCII.semicolon { facts.insert(.semicolonSegment) }
                index &+= 1
            }
            guard utf8.accept(byte) else { throw .invalidUTF8 }
        }
        guard utf8.isComplete else { throw .invalidUTF8 }
        return facts
    }
}
