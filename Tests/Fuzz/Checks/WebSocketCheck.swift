import Bytes
import HTTP

/// WebSocket frames read the same whole and in pieces, and come back from the encoder.
enum WebSocketCheck {
    private struct Outcome: Equatable {
        var frames: [WebSocketFrame] = []
        var payload: [UInt8] = []
        var unmasked: [UInt8] = []
        var consumed = 0
        var error: WebSocketError?
    }

    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let pieces = Prefixed(input.rest)
        let whole = try read(pieces.rest, option: input.option, seed: 255)
        for seed in [0, pieces.option] {
            let inPieces = try read(pieces.rest, option: input.option, seed: seed)
            try hold(inPieces == whole, "whole: \(whole); in pieces: \(inPieces)")
        }
        // A close frame's payload is read by itself.
        if let code = try? WebSocketCloseCode.parse(pieces.rest.span) {
            try hold(WebSocketCloseCode.isValid(code) && pieces.rest.count >= 2, "close code \(code)")
        }
    }

    private static func read(_ bytes: [UInt8], option: UInt8, seed: UInt8) throws(Broken) -> Outcome {
        let peer: WebSocketFrameParser.Peer = option & 1 == 0 ? .client : .server
        let maximum: UInt64 = option & 2 == 0 ? 26_214_400 : 100
        var parser = WebSocketFrameParser(peer: peer, maximumMessage: maximum)
        var pieces = Pieces(seed: seed)
        var outcome = Outcome()
        var available = 0
        var left: UInt64 = 0
        while available < bytes.count {
            let more = pieces.next()
            available = more < bytes.count - available ? available + more : bytes.count
            var needsMore = false
            while !needsMore {
                let input = Array(bytes[outcome.consumed..<available])
                let event: WebSocketEvent
                do { event = try parser.next(input.span) } catch {
                    outcome.error = error
                    return outcome
                }
                switch event {
                case .needMore(let consumed):
                    try hold(consumed >= 0 && consumed <= input.count && input.count - consumed < 14, "\(event)")
                    outcome.consumed += consumed
                    needsMore = true
                case .frame(let frame, let consumed):
                    try hold(left == 0, "a frame within another")
                    try check(frame, Array(input.prefix(consumed)), consumed, peer, maximum)
                    outcome.frames.append(frame)
                    outcome.consumed += consumed
                    left = frame.payloadCount
                case .payload(let range, let offset, let endsFrame, let consumed):
                    try hold(!range.isEmpty && range.upperBound <= consumed && consumed <= input.count, "\(event)")
                    guard let frame = outcome.frames.last, UInt64(range.count) <= left else {
                        throw Broken(description: "\(event) beyond the frame, of which \(left) bytes are left")
                    }
                    try hold(offset == frame.payloadCount - left, "\(event) with \(left) bytes left")
                    left -= UInt64(range.count)
                    try hold(endsFrame == (left == 0), "\(event) with \(left) bytes left")
                    outcome.payload += input[range]
                    outcome.unmasked += unmasked(Array(input[range]), frame, offset)
                    outcome.consumed += consumed
                }
            }
        }
        try checkMasks(outcome)
        return outcome
    }

    private static func check(
        _ frame: WebSocketFrame,
        _ header: [UInt8],
        _ consumed: Int,
        _ peer: WebSocketFrameParser.Peer,
        _ maximum: UInt64
    ) throws(Broken) {
        var output = ByteBuffer()
        frame.append(to: &output)
        try hold(output.readable.array == header, "a header that is written otherwise: \(frame)")
        try hold(consumed <= WebSocketFrame.maximumHeaderCount, "a header of \(consumed) bytes")
        try hold((frame.mask == nil) == (peer == .server), "a mask where there can't be one")
        try hold(!frame.opcode.isControl || frame.isFinal && frame.payloadCount <= 125, "control: \(frame)")
        try hold(frame.opcode.isControl || frame.payloadCount <= maximum, "too big: \(frame)")
    }

    private static func unmasked(_ bytes: [UInt8], _ frame: WebSocketFrame, _ offset: UInt64) -> [UInt8] {
        var bytes = bytes
        var span = bytes.mutableSpan
        frame.mask?.apply(to: &span, offset: offset)
        return bytes
    }

    /// Unmasks every payload byte for byte and compares.
    private static func checkMasks(_ outcome: Outcome) throws(Broken) {
        var expected: [UInt8] = []
        var rest = outcome.payload[...]
        for frame in outcome.frames {
            let payload = rest.prefix(Int(min(frame.payloadCount, UInt64(rest.count))))
            rest = rest.dropFirst(payload.count)
            for (index, byte) in payload.enumerated() {
                let key = frame.mask.map { $0.key >> UInt32(8 * (index % 4)) } ?? 0
                expected.append(byte ^ UInt8(key & 0xFF))
            }
        }
        try hold(expected == outcome.unmasked, "masked otherwise")
    }
}
