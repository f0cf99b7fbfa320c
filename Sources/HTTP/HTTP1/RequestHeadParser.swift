import Bytes

/// Reads request heads of HTTP/1 (RFC 9112, sections 2 to 6): refuses what two parsers could read differently.
///
///     start ──request line──▶ fields ──empty line──▶ start (of the next message)
///       ⟲ up to two empty lines
///
/// Keeps its place between calls, so that a head which trickles in costs no more than one that comes at once.
package struct RequestHeadParser: Sendable {
    private enum Stage { case requestLine, fields }
    private var stage = Stage.requestLine
    private var progress = LineProgress()
    private var emptyLines = 0

    package init() {}

    /// Readies the parser for the next message. Done by `parse` itself after a complete head.
    package mutating func reset() { self = RequestHeadParser() }

    /// Reads the head at the start of `bytes` into `head`, which must be reset before the first call.
    ///
    /// Called again with the same bytes and more after them while it answers nil. Answers the number of bytes that the head
    /// takes, which then is `head.byteCount` too.
    package mutating func parse(
        _ bytes: borrowing Span<UInt8>,
        limits: HeadLimits = HeadLimits(),
        lineEnds: LineEnds = .crlf,
        into head: inout RequestHead
    ) throws(HeadError) -> Int? {
        while stage == .requestLine {
            guard progress.mayContinue(bytes, limit: min(limits.requestLine, limits.total - progress.lineStart)) else {
                return nil
            }
            let start = progress.lineStart
            let bound = min(bytes.count, start + limits.requestLine, limits.total)
            let line = try RequestLine.read(
                bytes,
                from: start,
                bound: bound,
                lineEnds,
                allowsEmpty: emptyLines < 2,
                into: &head
            )
            switch line {
            case .line(let next):
                progress.lineStart = next
                stage = .fields
            case .empty(let next):
                progress.lineStart = next
                emptyLines += 1
            case .incomplete:
                if bound < bytes.count || bound == start + limits.requestLine { throw .requestLineTooLong }
                progress.wait(bytes)
                return nil
            }
        }
        guard let end = try progress.readFields(bytes, limits, lineEnds, into: &head.fields) else { return nil }
        head.byteCount = end
        try head.finish(bytes)
        reset()
        return end
    }
}

extension LineProgress {
    /// Reads field lines up to the empty one into `fields`; answers where the body starts, or nil when more is needed.
    mutating func readFields(
        _ bytes: borrowing Span<UInt8>,
        _ limits: HeadLimits,
        _ lineEnds: LineEnds,
        into fields: inout FieldTable
    ) throws(HeadError) -> Int? {
        guard mayContinue(bytes, limit: min(limits.field, limits.total - lineStart)) else { return nil }
        let names = FieldNameTable.shared
        let end = min(bytes.count, limits.total)
        while true {
            let bound = min(end, lineStart &+ limits.field)
            switch try FieldLine.read(bytes, from: lineStart, bound: bound, lineEnds, names) {
            case .field(let entry, let next):
                guard fields.count < limits.fieldCount, fields.append(entry) else { throw .tooManyFields }
                lineStart = next
            case .end(let next):
                return next
            case .incomplete:
                if bound == limits.total { throw .headTooLong }
                if bound == lineStart + limits.field { throw .fieldTooLong }
                wait(bytes)
                return nil
            }
        }
    }
}
