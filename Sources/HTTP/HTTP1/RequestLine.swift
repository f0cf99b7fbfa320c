import Bytes

/// What stands where a request line is expected.
enum RequestLine {
    /// A request line, and where the fields start.
    case line(next: Int)
    /// An empty line before it, and where the next line starts.
    case empty(next: Int)
    /// The line isn't complete.
    case incomplete

    /// Reads the line that starts at `start` into `head` (RFC 9112, section 3): exactly one space between its parts.
    static func read(
        _ bytes: borrowing Span<UInt8>,
        from start: Int,
        bound: Int,
        _ lineEnds: LineEnds,
        allowsEmpty: Bool,
        into head: inout RequestHead
    ) throws(HeadError) -> RequestLine {
        precondition(start >= 0 && bound <= bytes.count)
        guard start < bound else { return .incomplete }
        // Every index below is at least `start` and checked to be below `bound`.
        var index = start
        var byte: UInt8 = 0
        while index < bound {
            byte = unsafe bytes[unchecked: index]
            if FieldName.fold(byte) == FieldName.invalid { break }
            index &+= 1
            if index &- start > 32 { throw .malformedMethod }
        }
        guard index < bound else { return .incomplete }
        let methodEnd = index
        if byte != ASCII.space || methodEnd == start {
            guard byte == ASCII.carriageReturn || byte == ASCII.lineFeed else {
                throw byte == 0 ? .nulByte : .malformedMethod
            }
            guard let next = try LineScan.lineEnd(bytes, at: index, bound: bound, lineEnds) else { return .incomplete }
            guard methodEnd == start, allowsEmpty else { throw .malformedRequestLine }
            return .empty(next: next)
        }
        index &+= 1
        let targetStart = index
        var mark: Int?
        while index < bound {
            byte = unsafe bytes[unchecked: index]
            if byte &- 0x21 > 0x5D || byte == UInt8(ascii: "#") { break }
            if byte == ASCII.question, mark == nil { mark = index }
            index &+= 1
        }
        guard index < bound else { return .incomplete }
        let targetEnd = index
        if byte != ASCII.space {
            guard byte == ASCII.carriageReturn || byte == ASCII.lineFeed else {
                throw byte == 0 ? .nulByte : .malformedTarget
            }
            guard try LineScan.lineEnd(bytes, at: index, bound: bound, lineEnds) != nil else { return .incomplete }
            throw targetEnd > targetStart ? .missingVersion : .malformedRequestLine
        }
        if targetEnd == targetStart { throw .malformedTarget }
        index &+= 1
        // Nearly every request line ends in these ten bytes.
        if index &+ 10 <= bound, bytes.word(at: index) == Version.http11,
            unsafe bytes[unchecked: index &+ 8] == ASCII.carriageReturn,
            unsafe bytes[unchecked: index &+ 9] == ASCII.lineFeed
        {
            try place(bytes, start, methodEnd, targetStart, targetEnd, mark, minorVersion: 1, in: &head)
            return .line(next: index &+ 10)
        }
        let versionStart = index
        index = LineScan.endOfValue(bytes, from: index, bound: bound)
        guard index < bound else { return .incomplete }
        guard let next = try LineScan.lineEnd(bytes, at: index, bound: bound, lineEnds) else { return .incomplete }
        let minorVersion = try Version.read(bytes, versionStart, index)
        try place(bytes, start, methodEnd, targetStart, targetEnd, mark, minorVersion: minorVersion, in: &head)
        return .line(next: next)
    }

    @inline(__always)
    private static func place(
        _ bytes: borrowing Span<UInt8>,
        _ start: Int,
        _ methodEnd: Int,
        _ targetStart: Int,
        _ targetEnd: Int,
        _ mark: Int?,
        minorVersion: UInt8,
        in head: inout RequestHead
    ) throws(HeadError) {
        head.minorVersion = minorVersion
        head.placeMethod(ByteRange(start: start, count: methodEnd &- start), in: bytes)
        let target = ByteRange(start: targetStart, count: targetEnd &- targetStart)
        try head.placeTarget(target, mark: mark, in: bytes)
    }
}

/// The version at the end of a request line and the start of a status line (RFC 9112, section 2.3).
enum Version {
    /// `HTTP/1.1` as a word, its first byte lowest.
    static var http11: UInt64 { 0x312E_312F_5054_5448 }

    /// The minor version of `HTTP/1.x` in the bytes from `start` to `end`: 0, or 1 for all later ones.
    static func read(_ bytes: borrowing Span<UInt8>, _ start: Int, _ end: Int) throws(HeadError) -> UInt8 {
        precondition(start <= end && end <= bytes.count)
        guard end - start == 8 else { throw .malformedVersion }
        // Nearly every message says HTTP/1.1: eight bytes, compared as one word.
        if bytes.word(at: start) == http11 { return 1 }
        guard bytes.extracting(start..<(start + 5)).equals("HTTP/"),
            ASCII.isDigit(bytes[start + 5]), bytes[start + 6] == ASCII.dot, ASCII.isDigit(bytes[start + 7])
        else { throw .malformedVersion }
        guard bytes[start + 5] == UInt8(ascii: "1") else { throw .unsupportedVersion }
        return bytes[start + 7] == ASCII.zero ? 0 : 1
    }
}
