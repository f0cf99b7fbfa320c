import Bytes

/// What stands at one place of a field section.
enum FieldLine {
    /// A field, and where the next line starts.
    case field(FieldEntry, next: Int)
    /// The empty line, and where the body starts.
    case end(next: Int)
    /// The line isn't complete.
    case incomplete

    /// Reads the line that starts at `start` (RFC 9112, section 5).
    ///
    /// No byte at or after `bound` counts; reaching it is left to the caller, who knows whether more may come.
    @inline(__always)
    static func read(
        _ bytes: borrowing Span<UInt8>,
        from start: Int,
        bound: Int,
        _ lineEnds: LineEnds,
        _ names: FieldNameTable
    ) throws(HeadError) -> FieldLine {
        precondition(start >= 0 && bound <= bytes.count)
        guard start < bound else { return .incomplete }
        // Every index below is at least `start` and checked to be below `bound`.
        var index = LineScan.endOfName(bytes, from: start, bound: bound)
        var isAlias = false
        var byte: UInt8 = 0
        var id = FieldID.other
        if index > start, let known = names.find(bytes, start, index &- start) {
            id = known
        } else if index > start, NameBytes.holds(bytes, start, index) {
            // No alias: of all known names only those with a common prefix are left.
            id = names.isForwarded(bytes, start, index &- start) ? .xForwardedOther : .other
        } else {
            index = NameBytes.end(bytes, from: start, to: bound)
            while index < bound {
                byte = unsafe bytes[unchecked: index]
                let folded = FieldName.fold(byte)
                if folded == FieldName.invalid { break }
                if folded == ASCII.hyphen, byte != ASCII.hyphen { isAlias = true }
                index &+= 1
            }
            guard index < bound else { return .incomplete }
            if byte != ASCII.colon { return try notAField(bytes, start, index, bound, lineEnds) }
            if index == start { throw .emptyName }
            id = FieldID.classify(bytes, start, index &- start)
        }
        let nameCount = index &- start
        index &+= 1
        while index < bound {
            byte = unsafe bytes[unchecked: index]
            if byte != ASCII.space && byte != ASCII.tab { break }
            index &+= 1
        }
        let valueStart = index
        index = LineScan.endOfValue(bytes, from: index, bound: bound)
        guard index < bound else { return .incomplete }
        var valueEnd = index
        guard let next = try LineScan.lineEnd(bytes, at: index, bound: bound, lineEnds) else { return .incomplete }
        while valueEnd > valueStart {
            byte = unsafe bytes[unchecked: valueEnd &- 1]
            if byte != ASCII.space && byte != ASCII.tab { break }
            valueEnd &-= 1
        }
        let entry = FieldEntry(
            name: ByteRange(start: start, count: nameCount),
            value: ByteRange(start: valueStart, count: valueEnd &- valueStart),
            id: id,
            isAlias: isAlias
        )
        return .field(entry, next: next)
    }

    /// The line whose name ends at `index` in something other than a colon: the empty line, or an error.
    @inline(never)
    private static func notAField(
        _ bytes: borrowing Span<UInt8>,
        _ start: Int,
        _ index: Int,
        _ bound: Int,
        _ lineEnds: LineEnds
    ) throws(HeadError) -> FieldLine {
        let byte = bytes[index]
        if index == start {
            if byte == ASCII.space || byte == ASCII.tab { throw .foldedLine }
            if byte == ASCII.carriageReturn || byte == ASCII.lineFeed {
                guard let next = try LineScan.lineEnd(bytes, at: index, bound: bound, lineEnds) else {
                    return .incomplete
                }
                return .end(next: next)
            }
        }
        switch byte {
        case ASCII.space, ASCII.tab: throw .spaceBeforeColon
        case ASCII.carriageReturn, ASCII.lineFeed:
            guard try LineScan.lineEnd(bytes, at: index, bound: bound, lineEnds) != nil else { return .incomplete }
            throw .missingColon
        case 0: throw .nulByte
        case 1..<0x20, 0x7F: throw .controlCharacter
        default: throw .malformedName
        }
    }
}

/// What may stand in a field's value.
package enum FieldContent {
    /// The first index from `start` on that holds no byte of a field's value, or the number of bytes.
    package static func end(_ bytes: borrowing Span<UInt8>, from start: Int) -> Int {
        precondition(start >= 0 && start <= bytes.count)
        return LineScan.endOfValue(bytes, from: start, bound: bytes.count)
    }
}

/// Steps over the bytes of a head that all its lines share.
enum LineScan {
    /// The first index from `start` on that holds no byte of a field's value, or `bound`. `bound` must not pass the end.
    @inline(__always)
    static func endOfValue(_ bytes: borrowing Span<UInt8>, from start: Int, bound: Int) -> Int {
        var index = start
        while true {
            // Eight at a time: the lowest set bit marks the first byte that is below a space or is DEL.
            var long = index &+ 32
            while index &+ 8 <= bound {
                let marks = Self.controls(bytes.word(at: index))
                if marks != 0 {
                    index &+= marks.trailingZeroBitCount &>> 3
                    break
                }
                index &+= 8
                if index == long {
                    index = skipLong(bytes, from: index, bound: bound)
                    long = bound
                }
            }
            while index < bound {
                let byte = unsafe bytes[unchecked: index]
                if byte < 0x20 || byte == 0x7F { break }
                index &+= 1
            }
            if index < bound, unsafe bytes[unchecked: index] == ASCII.tab {
                index &+= 1
                continue
            }
            return index
        }
    }

    /// The highest bit of each byte that is below a space or is DEL.
    @inline(__always)
    private static func controls(_ word: UInt64) -> UInt64 {
        // Seven bits of each byte, turned by one so that DEL becomes zero: no sum leaves its byte.
        let turned = ((word & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x0101_0101_0101_0101) & 0x7F7F_7F7F_7F7F_7F7F
        return ~((turned &+ 0x5F5F_5F5F_5F5F_5F5F) | word) & 0x8080_8080_8080_8080
    }

    /// Passes over whole blocks of 32 bytes that hold none of those.
    @inline(never)
    private static func skipLong(_ bytes: borrowing Span<UInt8>, from start: Int, bound: Int) -> Int {
        typealias Words = SIMD4<UInt64>
        let raw = unsafe bytes.bytes
        let low = Words(repeating: 0x7F7F_7F7F_7F7F_7F7F)
        let one = Words(repeating: 0x0101_0101_0101_0101)
        let rest = Words(repeating: 0x5F5F_5F5F_5F5F_5F5F)
        var index = start
        while index &+ 32 <= bound {
            let words = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: Words.self)
            let passed = ((((words & low) &+ one) & low) &+ rest) | words
            let all = passed.x & passed.y & passed.z & passed.w
            if all & 0x8080_8080_8080_8080 != 0x8080_8080_8080_8080 { break }
            index &+= 32
        }
        return index
    }

    /// The colon that ends the name of a field from `start` on, or `start` when there is none in the bytes that a known
    /// name may have, or the line's bytes are too few to tell.
    @inline(__always)
    static func endOfName(_ bytes: borrowing Span<UInt8>, from start: Int, bound: Int) -> Int {
        var index = start
        let end = min(bound, start &+ FieldNameTable.longest)
        while index &+ 8 <= end {
            let flipped = bytes.word(at: index) ^ 0x3A3A_3A3A_3A3A_3A3A
            let marks = (flipped &- 0x0101_0101_0101_0101) & ~flipped & 0x8080_8080_8080_8080
            if marks != 0 { return index &+ marks.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        return start
    }

    /// Where the next line starts, given that this line's content ends at `index`, below `bound`; nil when its second byte
    /// is still to come.
    @inline(__always)
    static func lineEnd(
        _ bytes: borrowing Span<UInt8>,
        at index: Int,
        bound: Int,
        _ lineEnds: LineEnds
    ) throws(HeadError) -> Int? {
        let byte = unsafe bytes[unchecked: index]
        if byte == ASCII.carriageReturn {
            guard index &+ 1 < bound else { return nil }
            if unsafe bytes[unchecked: index &+ 1] != ASCII.lineFeed { throw .bareCarriageReturn }
            return index &+ 2
        }
        if byte == ASCII.lineFeed {
            if lineEnds == .crlf { throw .bareLineFeed }
            return index &+ 1
        }
        throw byte == 0 ? .nulByte : .controlCharacter
    }
}

/// Where the reading of a head that comes in pieces goes on, so that no byte is looked at more than a fixed number of times.
struct LineProgress {
    /// Start of the first line that isn't read yet.
    var lineStart = 0
    /// Up to here, that line holds neither its end nor a stray CR.
    private var searched = 0

    /// Whether the line at `lineStart` may be complete, wrong or over its limit, so that reading it is worth while.
    mutating func mayContinue(_ bytes: borrowing Span<UInt8>, limit: Int) -> Bool {
        if searched <= lineStart { return true }
        if bytes.count &- lineStart >= limit { return true }
        while searched < bytes.count {
            let byte = bytes[searched]
            if byte == ASCII.lineFeed || byte == ASCII.carriageReturn { return true }
            searched += 1
        }
        return false
    }

    /// Notes that the line at `lineStart` isn't complete in `bytes`. A CR at the end is looked at again with what follows.
    mutating func wait(_ bytes: borrowing Span<UInt8>) {
        let endsInCR = bytes.count > 0 && bytes[bytes.count - 1] == ASCII.carriageReturn
        searched = endsInCR ? bytes.count - 1 : bytes.count
    }
}
