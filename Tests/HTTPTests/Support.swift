import Testing

@testable import HTTP

/// What a request head says, in one line for comparing.
func describe(_ head: borrowing RequestHead, _ bytes: [UInt8]) -> String {
    func text(_ range: ByteRange) -> String { String(decoding: bytes[range.range], as: UTF8.self) }
    var parts = [
        "\(head.method)", text(head.methodRange), "\(head.targetForm)", text(head.target), text(head.path),
        head.query.map(text) ?? "-", text(head.authority), text(head.hostName), head.port.map { "\($0)" } ?? "-",
        "1.\(head.minorVersion)", "\(head.body)", "keep=\(head.isKeepAlive)", "expect=\(head.expectsContinue)",
        "upgrade=\(head.upgrade)", "\(head.byteCount)",
    ]
    parts += describe(head.fields, bytes)
    return parts.joined(separator: "|")
}

/// What a response head says, in one line for comparing.
func describe(_ head: borrowing ResponseHead, _ bytes: [UInt8]) -> String {
    func text(_ range: ByteRange) -> String { String(decoding: bytes[range.range], as: UTF8.self) }
    var parts = [
        "\(head.status)", text(head.reason), "1.\(head.minorVersion)", "\(head.body)", "keep=\(head.isKeepAlive)",
        "upgrade=\(head.upgrade)", "\(head.byteCount)",
    ]
    parts += describe(head.fields, bytes)
    return parts.joined(separator: "|")
}

private func describe(_ fields: borrowing FieldTable, _ bytes: [UInt8]) -> [String] {
    func text(_ range: ByteRange) -> String { String(decoding: bytes[range.range], as: UTF8.self) }
    var parts: [String] = []
    for index in 0..<fields.count {
        let entry = fields[index]
        let marks = (entry.isAlias ? "~" : "") + (entry.isNominated ? "!" : "")
        parts.append("\(entry.id)\(marks) \(text(entry.name))=\(text(entry.value))")
    }
    return parts
}

/// What came of parsing: a description, an error, or nothing yet.
enum Parsed: Equatable {
    case head(String)
    case failed(HeadError)
    case incomplete
}

/// Parses a request that comes in pieces of `step` bytes.
func parseRequest(
    _ text: String,
    step: Int = .max,
    limits: HeadLimits = HeadLimits(),
    lineEnds: LineEnds = .crlf
) -> Parsed {
    parseRequest(Array(text.utf8), step: step, limits: limits, lineEnds: lineEnds)
}

func parseRequest(
    _ bytes: [UInt8],
    step: Int = .max,
    limits: HeadLimits = HeadLimits(),
    lineEnds: LineEnds = .crlf
) -> Parsed {
    var head = RequestHead()
    var parser = RequestHeadParser()
    var count = 0
    while count < bytes.count {
        count = step < bytes.count - count ? count + step : bytes.count
        do {
            let piece = bytes.span.extracting(0..<count)
            if let end = try parser.parse(piece, limits: limits, lineEnds: lineEnds, into: &head) {
                return .head(describe(head, bytes) + (end == head.byteCount ? "" : " count differs"))
            }
        } catch {
            return .failed(error)
        }
    }
    return .incomplete
}

/// Parses a response that comes in pieces of `step` bytes.
func parseResponse(
    _ text: String,
    answering method: HTTP.Method = .get,
    step: Int = .max,
    limits: HeadLimits = HeadLimits(),
    lineEnds: LineEnds = .crlf
) -> Parsed {
    let bytes = Array(text.utf8)
    var head = ResponseHead()
    var parser = ResponseHeadParser()
    var count = 0
    while count < bytes.count {
        count = step < bytes.count - count ? count + step : bytes.count
        do {
            let piece = bytes.span.extracting(0..<count)
            let end = try parser.parse(piece, answering: method, limits: limits, lineEnds: lineEnds, into: &head)
            if end != nil { return .head(describe(head, bytes)) }
        } catch {
            return .failed(error)
        }
    }
    return .incomplete
}

/// Gives `body` the parsed request, or answers nil when it can't be parsed.
func withRequest<Result>(
    _ text: String,
    lineEnds: LineEnds = .crlf,
    _ body: (inout RequestHead, [UInt8]) throws -> Result
) rethrows -> Result? {
    let bytes = Array(text.utf8)
    var head = RequestHead()
    var parser = RequestHeadParser()
    guard let end = try? parser.parse(bytes.span, lineEnds: lineEnds, into: &head), end > 0 else { return nil }
    return try body(&head, bytes)
}

/// Records an issue unless both are equal; for what stands in noncopyable values, which `#expect` can't take apart.
func expectEqual<Value: Equatable>(_ value: Value, _ expected: Value, _ location: SourceLocation = #_sourceLocation) {
    #expect(value == expected, sourceLocation: location)
}
