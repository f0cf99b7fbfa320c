import HTTP

/// What came of a chunked body.
struct ChunkedOutcome: Equatable {
    enum End: Equatable {
        case ended(trailers: [UInt8], consumed: Int)
        case refused
        case incomplete
    }

    /// Body bytes up to the end.
    var body: [UInt8] = []
    var end = End.incomplete
}

/// Feeds `ChunkedDecoder` a body in pieces, minding its contract.
enum ChunkedDriver {
    static func run(_ bytes: [UInt8], seed: UInt8) throws(Broken) -> ChunkedOutcome {
        var decoder = ChunkedDecoder()
        var pieces = Pieces(seed: seed)
        var outcome = ChunkedOutcome()
        var position = 0
        var available = 0
        while available < bytes.count {
            let more = pieces.next()
            available = more < bytes.count - available ? available + more : bytes.count
            var needsMore = false
            while !needsMore {
                let input = Array(bytes[position..<available])
                let event: ChunkedEvent
                do { event = try decoder.decode(input.span) } catch {
                    outcome.end = .refused
                    return outcome
                }
                switch event {
                case .data(let range, let consumed):
                    try hold(!range.isEmpty && range.upperBound == consumed && consumed <= input.count, "\(event)")
                    try hold(range.lowerBound >= 0, "\(event)")
                    outcome.body += input[range]
                    position += consumed
                case .needMore(let consumed):
                    try hold(consumed >= 0 && consumed <= input.count, "\(event) of \(input.count)")
                    let held = input.count - consumed
                    try hold(held < ChunkedDecoder.maximumTrailers, "\(held) bytes are left waiting")
                    position += consumed
                    needsMore = true
                case .end(let consumed, let trailers):
                    try hold(consumed >= 0 && consumed <= input.count, "\(event) of \(input.count)")
                    try hold(decoder.isEnded, "an end that isn't one")
                    if let trailers { try hold(!trailers.isEmpty && trailers.upperBound <= consumed - 2, "\(event)") }
                    let fields = trailers.map { Array(input[$0]) } ?? []
                    outcome.end = .ended(trailers: fields, consumed: position + consumed)
                    return outcome
                }
            }
        }
        return outcome
    }
}

/// A chunked body reads the same whole, byte by byte and in pieces.
enum ChunkedBodyCheck {
    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        try Splits.compare(
            input.rest,
            seed: input.option,
            read: { (bytes, seed) throws(Broken) in try ChunkedDriver.run(bytes, seed: seed) },
            isRefusal: { $0.end == .refused },
            isIncomplete: { $0.end == .incomplete }
        )
    }
}
