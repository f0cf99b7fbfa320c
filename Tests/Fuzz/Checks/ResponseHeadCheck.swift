import HTTP

/// An accepted response head says what its bytes say, and the same in pieces.
enum ResponseHeadCheck {
    private struct Outcome: Equatable {
        var status = 0
        var reason: [UInt8] = []
        var body = BodyFraming.none
        var isKeepAlive = false
        var byteCount: Int?
        var error: HeadError?
    }

    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let pieces = Prefixed(input.rest)
        try Splits.compare(
            pieces.rest,
            seed: pieces.option,
            read: { (bytes, seed) throws(Broken) in try read(bytes, option: input.option, seed: seed) },
            isRefusal: { $0.error != nil },
            isIncomplete: { $0.error == nil && $0.byteCount == nil }
        )
    }

    private static func read(_ bytes: [UInt8], option: UInt8, seed: UInt8) throws(Broken) -> Outcome {
        var head = ResponseHead()
        var parser = ResponseHeadParser()
        var pieces = Pieces(seed: seed)
        let method: HTTP.Method = option & 4 == 0 ? .get : .head
        var outcome = Outcome()
        var count = 0
        while count < bytes.count, outcome.byteCount == nil {
            let more = pieces.next()
            count = more < bytes.count - count ? count + more : bytes.count
            do {
                let sofar = Array(bytes[..<count])
                outcome.byteCount = try parser.parse(
                    sofar.span,
                    answering: method,
                    limits: headLimits(option),
                    lineEnds: lineEnds(option),
                    into: &head
                )
            } catch {
                outcome.error = error
                return outcome
            }
        }
        guard let end = outcome.byteCount else { return outcome }
        try checkAccepted(head, bytes, end, option: option, method)
        outcome.status = head.status
        outcome.reason = Array(bytes[head.reason.range])
        outcome.body = head.body
        outcome.isKeepAlive = head.isKeepAlive
        return outcome
    }

    private static func checkAccepted(
        _ head: borrowing ResponseHead,
        _ bytes: [UInt8],
        _ end: Int,
        option: UInt8,
        _ method: HTTP.Method
    ) throws(Broken) {
        try hold(end <= bytes.count && end == head.byteCount, "a head of \(end) bytes")
        let text = Array(bytes[..<end])
        let plain = try HeadText(text, lineEnds: lineEnds(option))
        try plain.compare(head.fields, text)
        try hold((100..<600).contains(head.status), "status \(head.status)")
        try hold(head.reason.upperBound <= end, "the reason lies beyond the head")
        let line = "HTTP/1.".utf8.count
        try hold(plain.startLine.starts(with: "HTTP/1.".utf8), "another version")
        let digits = String(decoding: plain.startLine[(line + 2)..<(line + 5)], as: UTF8.self)
        try hold(digits == "\(head.status)", "status \(head.status) read from \(digits)")
        let hasNoBody = method == .head || head.status < 200 || head.status == 204 || head.status == 304
        try hold(!hasNoBody || head.body == .none, "a body where there can't be one")
        try hold(hasNoBody || head.body != .none, "a body was missed")
        try hold(head.body != .untilClose || !head.isKeepAlive, "kept alive though the body ends with the connection")
    }

}
