/// Follows WebSocket frames (RFC 6455, section 5.2) by their lengths alone: whether another may begin behind what has passed.
struct FrameBoundary: BitwiseCopyable {
    private enum Part: UInt8 { case first, second, rest }

    /// Everything that passed were whole frames.
    private(set) var isAtBoundary = true
    private var part = Part.first
    /// Bytes of a long length that are still to come, and of the mask.
    private var lengthBytes: UInt8 = 0
    private var maskBytes: UInt8 = 0
    /// Bytes of the payload that are still to come, once the frame's head has passed.
    private var payload: UInt64 = 0

    /// The bytes from `start` on have passed.
    @inline(__always)
    mutating func pass(_ bytes: borrowing Span<UInt8>, from start: Int) {
        // One short frame, as most messages are, leaves nothing to remember.
        if isAtBoundary, start &+ 1 < bytes.count {
            let length = Int(bytes[start &+ 1] & 0x7F)
            let mask = Int(bytes[start &+ 1] >> 7) &* 4
            if length < 126, start &+ 2 &+ mask &+ length == bytes.count { return }
        }
        follow(bytes, from: start)
    }

    @inline(never)
    private mutating func follow(_ bytes: borrowing Span<UInt8>, from start: Int) {
        var index = start
        while index < bytes.count {
            switch part {
            case .first where payload > 0:
                let count = min(payload, UInt64(bytes.count - index))
                payload -= count
                index += Int(count)
                continue
            case .first: part = .second
            case .second: begin(bytes[index])
            case .rest: go(on: bytes[index])
            }
            index += 1
        }
        isAtBoundary = part == .first && payload == 0
    }

    private mutating func begin(_ byte: UInt8) {
        let length = byte & 0x7F
        lengthBytes = length < 126 ? 0 : length == 126 ? 2 : 8
        maskBytes = byte & 0x80 == 0 ? 0 : 4
        payload = length < 126 ? UInt64(length) : 0
        part = lengthBytes == 0 && maskBytes == 0 ? .first : .rest
    }

    private mutating func go(on byte: UInt8) {
        if lengthBytes > 0 {
            payload = payload << 8 | UInt64(byte)
            lengthBytes -= 1
        } else {
            maskBytes -= 1
        }
        if lengthBytes == 0, maskBytes == 0 { part = .first }
    }
}
