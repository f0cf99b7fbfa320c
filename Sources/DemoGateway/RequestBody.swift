import Bytes
import Crypto
import HTTP

/// Reads a request's body and keeps of it what its route needs.
struct RequestBody {
    /// What becomes of the bytes.
    enum Use {
        case count
        case digest
        /// Kept, up to so many bytes.
        case collect(limit: Int)
    }

    enum Progress {
        case needsMore
        case ended
        case tooLarge
        case malformed
    }

    private enum Framing {
        case none
        case length(UInt64)
        case chunked
    }

    private var framing = Framing.none
    private var decoder = ChunkedDecoder()
    private var use = Use.count
    private var digest = SHA256()
    /// Bytes of content so far.
    private(set) var count: UInt64 = 0
    private(set) var collected: [UInt8] = []
    /// Trailer fields as they came.
    private(set) var trailers = ""

    init() {}

    init(_ framing: BodyFraming, use: Use) {
        self.use = use
        switch framing {
        case .none, .untilClose: self.framing = .none
        case .length(let length): self.framing = length == 0 ? .none : .length(length)
        case .chunked: self.framing = .chunked
        }
    }

    /// Whether the announced length alone is too much.
    var isTooLarge: Bool {
        guard case .collect(let limit) = use, case .length(let length) = framing else { return false }
        return length > UInt64(limit)
    }

    var hasEnded: Bool {
        switch framing {
        case .none: true
        case .length(let rest): rest == 0
        case .chunked: decoder.isEnded
        }
    }

    /// Takes what it can from `input`.
    mutating func read(_ input: inout ByteBuffer) -> Progress {
        while true {
            switch framing {
            case .none: return .ended
            case .length(let rest):
                if rest == 0 { return .ended }
                let available = UInt64(input.readableCount)
                if available == 0 { return .needsMore }
                let taken = Int(min(available, rest))
                framing = .length(rest - UInt64(taken))
                guard take(input.readable.extracting(0..<taken)) else { return .tooLarge }
                input.consume(taken)
            case .chunked:
                guard let event = try? decoder.decode(input.readable) else { return .malformed }
                switch event {
                case .data(let range, let consumed):
                    guard take(input.readable.extracting(range)) else { return .tooLarge }
                    input.consume(consumed)
                case .needMore(let consumed):
                    input.consume(consumed)
                    return .needsMore
                case .end(let consumed, let range):
                    if let range { trailers = input.readable.extracting(range).string }
                    input.consume(consumed)
                    framing = .none
                    return .ended
                }
            }
        }
    }

    private mutating func take(_ bytes: borrowing Span<UInt8>) -> Bool {
        count += UInt64(bytes.count)
        switch use {
        case .count: break
        case .digest: digest.update(bytes)
        case .collect(let limit):
            guard collected.count + bytes.count <= limit else { return false }
            collected.append(contentsOf: bytes.array)
        }
        return true
    }

    /// The digest of what was read, in hexadecimal. Ends the digest.
    mutating func finishDigest() -> String { digest.finish().hexadecimal }
}
