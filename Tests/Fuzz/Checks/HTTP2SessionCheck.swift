import Bytes
import HTTP

/// A session fed with any bytes after the preface: the same events however they are cut, heads that HTTP/1 reads alike, whole
/// frames out, and nothing left behind.
enum HTTP2SessionCheck {
    private struct Outcome: Equatable {
        var events: [String] = []
        var heads: [String] = []
        var bodies: [[UInt8]] = []
        var failure: String?
    }

    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let pieces = Prefixed(input.rest)
        let whole = try run(pieces.rest, option: input.option, seed: 255)
        for seed in [0, pieces.option] {
            let inPieces = try run(pieces.rest, option: input.option, seed: seed)
            try hold(inPieces == whole, "whole: \(whole); in pieces: \(inPieces)")
        }
        // As a loop would have it: events are taken, and streams answered, as they come.
        _ = try run(pieces.rest, option: input.option, seed: pieces.option, answers: true)
    }

    private static func run(
        _ bytes: [UInt8],
        option: UInt8,
        seed: UInt8,
        answers: Bool = false
    ) throws(Broken) -> Outcome {
        let place = UnsafeMutablePointer<HTTP2Resources>.allocate(capacity: 1)
        unsafe place.initialize(
            to: HTTP2Resources(streamLimit: option & 1 == 0 ? 100 : 2, bufferCapacity: 512, spareMemory: 0)
        )
        let resources = unsafe Ref(unsafe: place)
        defer {
            unsafe place.deinitialize(count: 1)
            unsafe place.deallocate()
        }
        let outcome = try drive(resources, bytes, option, seed, answers)
        try hold(resources.value.streamCount == 0, "streams are left behind")
        return outcome
    }

    private static func drive(
        _ resources: Ref<HTTP2Resources>,
        _ bytes: [UInt8],
        _ option: UInt8,
        _ seed: UInt8,
        _ answers: Bool
    ) throws(Broken) -> Outcome {
        var settings = HTTP2Settings()
        if option & 2 != 0 { settings.limits = HeadLimits(requestLine: 64, field: 64, total: 256, fieldCount: 4) }
        if option & 4 != 0 { settings.maxRequests = 2 }
        var outcome = Outcome()
        var handles: [HTTP2StreamHandle] = []
        defer { for handle in handles { handle.release() } }
        var session = HTTP2Session(resources, settings: settings, now: 0)
        let all = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0] + bytes
        var output = ByteBuffer()
        var pieces = Pieces(seed: seed)
        var position = 0
        var now: UInt64 = 0
        while position < all.count, outcome.failure == nil {
            let more = pieces.next()
            let end = more < all.count - position ? position + more : all.count
            do throws(HTTP2Error) {
                try session.receive(Array(all[position..<end]).span, now: now)
            } catch {
                outcome.failure = "\(error.reason)"
            }
            position = end
            if answers {
                now += 1_000_000
                try take(&session, &handles, &outcome)
                answer(&handles, option)
                send(&session, &output, limit: Int(option) * 16)
            }
        }
        try take(&session, &handles, &outcome)
        let buffered = session.bufferedBytes
        try hold(buffered >= 0 && (answers || buffered == 0), "bodies unaccounted for")
        answer(&handles, option)
        send(&session, &output, limit: .max)
        try take(&session, &handles, &outcome)
        try checkFrames(output.readable.array)
        if option & 8 != 0 { session.abandon() }
        return outcome
    }

    private static func send(_ session: inout HTTP2Session, _ output: inout ByteBuffer, limit: Int) {
        do throws(HTTP2Error) { try session.send(into: &output, limit: limit) } catch {}
    }

    private static func take(
        _ session: inout HTTP2Session,
        _ handles: inout [HTTP2StreamHandle],
        _ outcome: inout Outcome
    ) throws(Broken) {
        while let event = session.nextEvent() {
            switch event {
            case .request(let handle):
                handles.append(handle)
                outcome.events.append("request \(handle.id)")
                try outcome.heads.append(head(handle))
            case .refused(let handle, let error):
                handles.append(handle)
                outcome.events.append("refused \(handle.id) \(error)")
            case .readable(let handle):
                outcome.events.append("readable \(handle.id)")
                var body = ByteBuffer()
                if case .bytes = handle.read(into: &body) { outcome.bodies.append(body.readable.array) }
            case .writable(let handle): outcome.events.append("writable \(handle.id)")
            case .reset(let handle, let code): outcome.events.append("reset \(handle.id) \(code)")
            }
        }
    }

    /// Answers in one of several ways, and lets most streams go.
    private static func answer(_ handles: inout [HTTP2StreamHandle], _ option: UInt8) {
        var kept: [HTTP2StreamHandle] = []
        for handle in handles {
            let head = Array("HTTP/1.1 200 OK\r\nServer: x\r\nConnection: close\r\n\r\n".utf8)
            if option & 16 != 0 { handle.submitInterim(Array("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".utf8).span) }
            handle.submitReply(head.span, ends: option & 32 != 0)
            var body = ByteBuffer([UInt8](repeating: 1, count: 700))
            if option & 64 != 0 { _ = handle.write(from: &body) }
            if option & 128 != 0 {
                handle.end(trailers: Array("X: y\r\n".utf8).span)
            } else if handle.id % 4 == 1 {
                handle.end()
            }
            if handle.id % 8 == 3 { kept.append(handle) } else { handle.release() }
        }
        handles = kept
    }

    /// The head's lines, which HTTP/1's parser must read as the same request.
    private static func head(_ handle: HTTP2StreamHandle) throws(Broken) -> String {
        var head = RequestHead()
        var buffer = ByteBuffer()
        handle.takeHead(into: &head, bytes: &buffer)
        let text = buffer.written.array
        let mark = Array(" HTTP/2.0\r\n".utf8)
        let lineEnd = text.firstIndex(of: 0x0A) ?? 0
        try hold(text.count == head.byteCount && lineEnd > mark.count, "the head's length")
        try hold(Array(text[(lineEnd + 1 - mark.count)...lineEnd]) == mark, "the request line's end")
        let line = text[..<(lineEnd + 1 - mark.count)]
        let message = line + Array(" HTTP/1.1\r\n".utf8) + text[(lineEnd + 1)...]
        var other = RequestHead()
        var parser = RequestHeadParser()
        var end: Int?
        var refusal: HeadError?
        do throws(HeadError) { end = try parser.parse(Array(message).span, into: &other) } catch { refusal = error }
        try hold(refusal == nil, "HTTP/1 refuses what HTTP/2 accepts: \(refusal?.reason.description ?? "")")
        try hold(end == message.count, "HTTP/1 reads another end")
        let isSame =
            other.method == head.method && other.target == head.target && other.path == head.path
            && other.authority == head.authority && other.fields.count == head.fields.count
        try hold(isSame, "HTTP/1 reads another request")
        for index in 0..<head.fields.count {
            try hold(head.fields[index] == other.fields[index], "HTTP/1 reads another field")
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// What is sent is frames, the last one whole.
    private static func checkFrames(_ bytes: [UInt8]) throws(Broken) {
        var index = 0
        while index < bytes.count {
            try hold(index + 9 <= bytes.count, "part of a frame's head")
            let count = Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8 | Int(bytes[index + 2])
            try hold(count <= 16_384 && index + 9 + count <= bytes.count, "part of a frame")
            index += 9 + count
        }
    }
}
