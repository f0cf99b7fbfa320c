import HTTP

/// An accepted request head says what its bytes say.
enum RequestHeadCheck {
    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let bytes = input.rest
        let ends = lineEnds(input.option)
        let limits = headLimits(input.option)
        var head = RequestHead()
        var parser = RequestHeadParser()
        var end: Int?
        do { end = try parser.parse(bytes.span, limits: limits, lineEnds: ends, into: &head) } catch {
            return try hold((400..<600).contains(error.status), "\(error) has status \(error.status)")
        }
        guard let end else { return try hold(bytes.count < limits.total, "waits for more than the limit") }
        try hold(end <= bytes.count && end == head.byteCount && end <= limits.total, "a head of \(end) bytes")
        let text = Array(bytes[..<end])
        let plain = try HeadText(text, lineEnds: ends)
        try plain.compare(head.fields, text)
        try hold(head.fields.count <= limits.fieldCount, "too many fields")
        try checkStartLine(head, text, plain)
        try checkBody(head, plain)
        try hold((head.upgrade != .webSocket) || !plain.values(of: "upgrade").isEmpty, "an upgrade from nowhere")
        if let key = try? WebSocketHandshake.validate(head, text.span) {
            try hold(key.count == 24 && key.upperBound <= end, "the handshake's key")
        }
    }

    private static func checkStartLine(
        _ head: borrowing RequestHead,
        _ text: [UInt8],
        _ plain: HeadText
    ) throws(Broken) {
        for range in [head.methodRange, head.target, head.path, head.authority, head.hostName, head.query ?? .empty] {
            try hold(range.upperBound <= text.count, "a range beyond the head")
        }
        let parts = plain.startLine.split(separator: 0x20, omittingEmptySubsequences: false).map { Array($0) }
        guard parts.count == 3 else { throw Broken(description: "a request line of \(parts.count) parts") }
        try hold(Array(text[head.methodRange.range]) == parts[0], "another method")
        try hold(parts[0].allSatisfy(HeadText.isToken) && !parts[0].isEmpty, "the method is no token")
        try hold(Array(text[head.target.range]) == parts[1], "another target")
        try hold(parts[1].allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x23 }, "a target of other characters")
        try hold(parts[2].starts(with: "HTTP/1.".utf8) && parts[2].count == 8, "another version")
        try hold((head.minorVersion == 0) == (parts[2].last == 0x30), "another minor version")
        try hold(!head.path.isEmpty, "an empty path")
        try hold(text[head.path.lowerBound] == 0x2F || head.targetForm == .asterisk, "the path isn't absolute")
        try hold(!text[head.path.range].contains(0x3F), "a question mark in the path")
        if let query = head.query {
            try hold(text[query.lowerBound - 1] == 0x3F, "a query without its question mark")
            try hold(query.upperBound == head.target.upperBound, "a query that ends early")
        }
        try hold(head.authority.isEmpty == head.hostName.isEmpty, "a host without authority")
        try hold(!head.authority.isEmpty || head.minorVersion == 0, "HTTP/1.1 without a host")
        try hold(head.hostName.count <= head.authority.count, "a host longer than the authority")
        try hold((1..<65536).contains(head.port ?? 1), "port \(head.port ?? 0)")
    }

    private static func checkBody(_ head: borrowing RequestHead, _ plain: HeadText) throws(Broken) {
        let lengths = plain.values(of: "content-length")
        switch head.body {
        case .chunked: try hold(!plain.values(of: "transfer-encoding").isEmpty, "chunked from nowhere")
        case .length(let count):
            let text = lengths.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
            try hold(UInt64(text) == count, "length \(count) read from \"\(text)\"")
        case .none: try hold(lengths.isEmpty && plain.values(of: "transfer-encoding").isEmpty, "a body was missed")
        case .untilClose: throw Broken(description: "a request until close")
        }
    }
}
