import Bytes
import EventLoop
import HTTP

/// What makes an answer's body bit by bit.
enum Producer {
    /// The byte at each offset is the offset modulo 251, so that a reader can tell when one is lost.
    case bytes(remaining: Int, offset: Int)
    case events(EventStream)
    case delayed(Response, at: UInt64)

    /// When there is more to do, in nanoseconds; nil when only the socket is waited for.
    var deadline: UInt64? {
        switch self {
        case .bytes: nil
        case .events(let stream): stream.nextAt
        case .delayed(_, let at): at
        }
    }
}

/// Server-sent events with a pause between each two.
struct EventStream {
    enum Source {
        /// So many numbered events, then `[DONE]`.
        case counter(Int)
        /// Events as they are written, blank line and all.
        case list([String])
    }

    private let source: Source
    private let gap: UInt64
    private var index = 0
    private(set) var nextAt: UInt64

    init(_ source: Source, gap: UInt64, now: UInt64) {
        self.source = source
        self.gap = gap
        nextAt = now
    }

    /// The next event if its time has come.
    mutating func next(now: UInt64) -> String? {
        guard !isFinished, nextAt <= now else { return nil }
        defer {
            index += 1
            nextAt += gap
        }
        switch source {
        case .counter(let count):
            return index < count ? "id: \(index)\ndata: {\"n\":\(index)}\n\n" : "data: [DONE]\n\n"
        case .list(let events):
            return events[index]
        }
    }

    var isFinished: Bool {
        switch source {
        case .counter(let count): index > count
        case .list(let events): index >= events.count
        }
    }
}

extension Connection {
    /// A run of the pattern that `Producer.bytes` sends, long enough for any start in it.
    private static let pattern = (0..<(65_536 + 251)).map { UInt8($0 % 251) }

    func start(_ producer: Producer, _ now: UInt64) {
        if request.method == .head { return finishReply(now) }
        phase = .reply(producer)
    }

    func startEvents(_ stream: EventStream, _ now: UInt64) {
        let fields: [(name: StaticString, value: String)] = [
            ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"),
        ]
        writeHead(200, "text/event-stream", request.isHTTP11 ? .chunked : .untilClose, fields)
        start(.events(stream), now)
    }

    /// Makes more of the answer.
    func produce(_ now: UInt64) -> Bool {
        guard case .reply(let producer) = phase else { return false }
        if peerHasEnded {
            // Nobody is left to read the answer, so the work on it ends here.
            abort()
            return false
        }
        switch producer {
        case .bytes(let remaining, let offset):
            let count = min(remaining, 65_536)
            let start = offset % 251
            output.append(Self.pattern.span, start..<(start + count))
            if count == remaining {
                finishReply(now)
            } else {
                phase = .reply(.bytes(remaining: remaining - count, offset: offset + count))
            }
            return true
        case .events(var stream):
            var progress = false
            while output.readableCount < Self.highWater, let event = stream.next(now: now) {
                if request.isHTTP11 {
                    let bytes = Array(event.utf8)
                    ChunkedEncoder.appendChunk(bytes.span, to: &output)
                } else {
                    output.append(text: event)
                }
                progress = true
            }
            if stream.isFinished {
                if request.isHTTP11 { ChunkedEncoder.appendEnd(to: &output) }
                finishReply(now)
                return true
            }
            phase = .reply(.events(stream))
            return progress
        case .delayed(let response, let at):
            guard at <= now else { return false }
            send(response, now)
            return true
        }
    }
}
