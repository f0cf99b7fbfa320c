import HTTP

/// A request reads the same whole, byte by byte and in pieces of any length.
enum RequestSplitsCheck {
    enum Outcome: Equatable {
        case head(String)
        case failed(HeadError)
        case incomplete
    }

    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let pieces = Prefixed(input.rest)
        try Splits.compare(
            pieces.rest,
            seed: pieces.option,
            read: { bytes, seed in read(bytes, option: input.option, seed: seed) },
            isRefusal: { if case .failed = $0 { true } else { false } },
            isIncomplete: { $0 == .incomplete }
        )
    }

    /// What comes of the bytes when they are read in the pieces that `seed` makes.
    static func read(_ bytes: [UInt8], option: UInt8, seed: UInt8) -> Outcome {
        var head = RequestHead()
        var parser = RequestHeadParser()
        var pieces = Pieces(seed: seed)
        var count = 0
        while count < bytes.count {
            let more = pieces.next()
            count = more < bytes.count - count ? count + more : bytes.count
            do {
                // A copy that ends where the input so far ends, as a buffer's bytes do.
                let sofar = Array(bytes[..<count])
                let end = try parser.parse(
                    sofar.span,
                    limits: headLimits(option),
                    lineEnds: lineEnds(option),
                    into: &head
                )
                if end != nil { return .head(describe(head)) }
            } catch {
                return .failed(error)
            }
        }
        return .incomplete
    }

    private static func describe(_ head: borrowing RequestHead) -> String {
        var text = "\(head.method) \(head.methodRange) \(head.targetForm) \(head.target) \(head.path) "
        text += "\(head.query.map { "\($0)" } ?? "-") \(head.authority) \(head.hostName) \(head.port ?? 0) "
        text += "\(head.minorVersion) \(head.body) \(head.isKeepAlive) \(head.expectsContinue) \(head.upgrade) "
        text += "\(head.byteCount)"
        for index in 0..<head.fields.count { text += " \(head.fields[index])" }
        return text
    }
}
