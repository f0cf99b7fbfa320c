import Bytes

/// One way of reading a path: what is decoded, what separates segments, what is dropped.
///
/// The path comes out with `/` before each segment and dot segments resolved; `..` at the root is passed over.
struct PathReader {
    /// How often escapes are decoded.
    enum Decoding { case never, once, twice }

    /// With `never`, escapes stay as they are, but `%2e` makes a dot segment all the same, as URL parsers have it.
    let decoding: Decoding
    /// Whether an encoded slash ends a segment; otherwise it stays encoded.
    let encodedSlashSeparates: Bool
    /// Whether a backslash, plain or encoded, ends a segment.
    let backslashSeparates: Bool
    /// Whether what follows `;` in a segment is left out.
    let dropsParameters: Bool
    let mergesSlashes: Bool
    /// Whether any segment was `.` or `..`.
    private(set) var sawDotSegment = false
    /// Whether any segment but the last was empty.
    private(set) var sawEmptySegment = false

    init(
        decoding: Decoding,
        encodedSlashSeparates: Bool,
        backslashSeparates: Bool,
        dropsParameters: Bool,
        mergesSlashes: Bool
    ) {
        self.decoding = decoding
        self.encodedSlashSeparates = encodedSlashSeparates
        self.backslashSeparates = backslashSeparates
        self.dropsParameters = dropsParameters
        self.mergesSlashes = mergesSlashes
    }

    /// Appends the reading of `path` to `output`; false when a `..` led above the root.
    ///
    /// The path must start with a slash. Never appends more bytes than the path has.
    mutating func read(_ path: borrowing Span<UInt8>, into output: inout ByteBuffer) -> Bool {
        let root = output.writeIndex
        var isBelowRoot = true
        var index = 1
        output.append(ASCII.slash)
        var segmentStart = output.writeIndex
        // Dots that the segment consists of so far; -1 when it holds anything else.
        var dots = 0
        var skipsParameters = false
        while true {
            let isAtEnd = index >= path.count
            var unit = Unit(value: ASCII.slash, next: index, isEscaped: false)
            var separates = isAtEnd
            if !isAtEnd {
                unit = self.unit(path, index)
                separates = isSeparator(unit)
            }
            if separates {
                let isDotSegment = dots == 1 || dots == 2
                if isDotSegment {
                    sawDotSegment = true
                    output.truncate(to: segmentStart)
                    if dots == 2, !Self.dropLastSegment(&output, root: root) { isBelowRoot = false }
                }
                if isAtEnd { return isBelowRoot }
                if !isDotSegment {
                    let isEmpty = output.writeIndex == segmentStart
                    if isEmpty { sawEmptySegment = true }
                    if !isEmpty || !mergesSlashes { output.append(ASCII.slash) }
                }
                segmentStart = output.writeIndex
                dots = 0
                skipsParameters = false
            } else if dropsParameters, skipsParameters || unit.value == ASCII.semicolon {
                skipsParameters = true
            } else {
                if unit.value == ASCII.dot, dots >= 0 { dots += 1 } else { dots = -1 }
                append(unit, path, index, to: &output)
            }
            index = unit.next
        }
    }

    // MARK: Units

    /// One character of the path, decoded as far as this reading decodes.
    private struct Unit {
        var value: UInt8
        var next: Int
        var isEscaped: Bool
    }

    private func unit(_ path: borrowing Span<UInt8>, _ index: Int) -> Unit {
        let byte = unsafe path[unchecked: index]
        guard byte == ASCII.percent, let value = Self.escape(path, index) else {
            return Unit(value: byte, next: index + 1, isEscaped: false)
        }
        if decoding == .twice, value == ASCII.percent, let (inner, next) = Self.secondEscape(path, index) {
            return Unit(value: inner, next: next, isEscaped: true)
        }
        return Unit(value: value, next: index + 3, isEscaped: true)
    }

    private func isSeparator(_ unit: Unit) -> Bool {
        if unit.value == ASCII.slash { return !unit.isEscaped || encodedSlashSeparates && decoding != .never }
        return unit.value == ASCII.backslash && backslashSeparates
    }

    private func append(_ unit: Unit, _ path: borrowing Span<UInt8>, _ index: Int, to output: inout ByteBuffer) {
        if unit.isEscaped, decoding == .never {
            output.append(path, index..<unit.next)
        } else if unit.isEscaped, unit.value == ASCII.slash {
            output.append("%2F")
        } else {
            output.append(unit.value)
        }
    }

    /// Removes the segment before the slash that ends `output`; false when there is none after `root`.
    private static func dropLastSegment(_ output: inout ByteBuffer, root: Int) -> Bool {
        var end = output.writeIndex - 1
        guard end > root else { return false }
        repeat { end -= 1 } while end > root && output.written[end] != ASCII.slash
        output.truncate(to: end + 1)
        return true
    }

    // MARK: Escapes

    /// The byte that the escape at `index` stands for, or nil if two hexadecimal digits don't follow its `%`.
    static func escape(_ path: borrowing Span<UInt8>, _ index: Int) -> UInt8? {
        guard index &+ 2 < path.count, let high = ASCII.hexValue(unsafe path[unchecked: index &+ 1]),
            let low = ASCII.hexValue(unsafe path[unchecked: index &+ 2])
        else { return nil }
        return high << 4 | low
    }

    /// What the escape at `index`, which stands for `%`, means when decoded again; each digit may be encoded itself.
    static func secondEscape(_ path: borrowing Span<UInt8>, _ index: Int) -> (UInt8, next: Int)? {
        guard let (high, after) = digit(path, index + 3), let (low, next) = digit(path, after) else { return nil }
        return (high << 4 | low, next)
    }

    private static func digit(_ path: borrowing Span<UInt8>, _ index: Int) -> (UInt8, next: Int)? {
        guard index < path.count else { return nil }
        var byte = unsafe path[unchecked: index]
        var next = index + 1
        if byte == ASCII.percent, let value = escape(path, index) {
            byte = value
            next = index + 3
        }
        guard let value = ASCII.hexValue(byte) else { return nil }
        return (value, next)
    }
}
