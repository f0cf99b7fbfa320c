import Bytes

/// Reads response heads of HTTP/1 (RFC 9112, sections 4 to 6), as strictly as `RequestHeadParser` reads requests.
///
/// Keeps its place between calls, so that a head which trickles in costs no more than one that comes at once.
package struct ResponseHeadParser: Sendable {
    private enum Stage { case statusLine, fields }
    private var stage = Stage.statusLine
    private var progress = LineProgress()

    package init() {}

    /// Readies the parser for the next message. Done by `parse` itself after a complete head.
    package mutating func reset() { self = ResponseHeadParser() }

    /// Reads the head at the start of `bytes` into `head`, which must be reset before the first call.
    ///
    /// Called again with the same bytes and more after them while it answers nil. Answers the number of bytes that the head
    /// takes. `method` is that of the request: it says whether a body follows.
    package mutating func parse(
        _ bytes: borrowing Span<UInt8>,
        answering method: Method,
        limits: HeadLimits = HeadLimits(),
        lineEnds: LineEnds = .crlf,
        into head: inout ResponseHead
    ) throws(HeadError) -> Int? {
        if stage == .statusLine {
            guard progress.mayContinue(bytes, limit: min(limits.requestLine, limits.total - progress.lineStart)) else {
                return nil
            }
            let bound = min(bytes.count, limits.requestLine, limits.total)
            if let next = try readStatusLine(bytes, bound, lineEnds, into: &head) {
                progress.lineStart = next
                stage = .fields
            } else {
                if bound == min(limits.requestLine, limits.total) { throw .headTooLong }
                progress.wait(bytes)
                return nil
            }
        }
        guard let end = try progress.readFields(bytes, limits, lineEnds, into: &head.fields) else { return nil }
        head.byteCount = end
        try head.finish(bytes, answering: method)
        reset()
        return end
    }

    /// ` 200 OK` and CR as a word, its first byte lowest.
    private static var ok: UInt64 { 0x0D4B_4F20_3030_3220 }

    /// `HTTP/1.1 200 OK`: the reason may be empty, and the space before it may be missing then.
    private func readStatusLine(
        _ bytes: borrowing Span<UInt8>,
        _ bound: Int,
        _ lineEnds: LineEnds,
        into head: inout ResponseHead
    ) throws(HeadError) -> Int? {
        // Nearly every reply begins with these seventeen bytes.
        if bound >= 17, bytes.word(at: 0) == Version.http11, bytes.word(at: 8) == Self.ok, bytes[16] == ASCII.lineFeed {
            head.minorVersion = 1
            head.status = 200
            head.reason = ByteRange(start: 13, count: 2)
            return 17
        }
        let end = LineScan.endOfValue(bytes, from: 0, bound: bound)
        guard end < bound else { return nil }
        guard let next = try LineScan.lineEnd(bytes, at: end, bound: bound, lineEnds) else { return nil }
        guard end >= 12, bytes[8] == ASCII.space, end == 12 || bytes[12] == ASCII.space else {
            throw .malformedStatusLine
        }
        head.minorVersion = try Version.read(bytes, 0, 8)
        var status = 0
        for index in 9..<12 {
            guard ASCII.isDigit(bytes[index]) else { throw .malformedStatusLine }
            status = status &* 10 &+ Int(bytes[index] &- ASCII.zero)
        }
        guard status >= 100, status < 600 else { throw .malformedStatusLine }
        head.status = status
        head.reason = end > 13 ? ByteRange(13..<end) : .empty
        return next
    }
}
