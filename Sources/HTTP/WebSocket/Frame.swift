package import Bytes

/// What a frame carries (RFC 6455, section 5.2).
package enum WebSocketOpcode: UInt8, Sendable {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    package var isControl: Bool { rawValue >= 8 }
}

/// The key that a client's payload is masked with, its first byte in the lowest bits.
package struct WebSocketMask: Sendable, Equatable {
    package var key: UInt32

    package init(key: UInt32) { self.key = key }

    /// Masks or unmasks `bytes`, which stand `offset` bytes into the payload.
    package func apply(to bytes: inout MutableSpan<UInt8>, offset: UInt64 = 0) {
        let shift = UInt32(offset & 3) * 8
        let turned = shift == 0 ? key : key >> shift | key << (32 - shift)
        for index in 0..<bytes.count {
            unsafe bytes[unchecked: index] ^= UInt8(truncatingIfNeeded: turned >> (UInt32(index & 3) * 8))
        }
    }
}

/// The start of a frame.
package struct WebSocketFrame: Sendable, Equatable {
    package var opcode: WebSocketOpcode
    /// Whether the frame ends its message.
    package var isFinal: Bool
    /// Present on frames from a client.
    package var mask: WebSocketMask?
    /// Bytes of payload; at most 125 in a control frame.
    package var payloadCount: UInt64

    package init(opcode: WebSocketOpcode, isFinal: Bool = true, mask: WebSocketMask? = nil, payloadCount: UInt64) {
        self.opcode = opcode
        self.isFinal = isFinal
        self.mask = mask
        self.payloadCount = payloadCount
    }

    /// Bytes that a frame's start takes at the most.
    package static let maximumHeaderCount = 14

    /// Appends the frame's start; the payload, masked if there is a mask, follows it.
    package func append(to output: inout ByteBuffer) {
        output.append((isFinal ? 0x80 : 0) | opcode.rawValue)
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        if payloadCount < 126 {
            output.append(maskBit | UInt8(payloadCount))
        } else if payloadCount < 65536 {
            output.append(maskBit | 126)
            output.append(UInt8(payloadCount >> 8))
            output.append(UInt8(payloadCount & 0xFF))
        } else {
            output.append(maskBit | 127)
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: payloadCount >> shift))
            }
        }
        if let mask {
            for shift in stride(from: UInt32(0), through: 24, by: 8) {
                output.append(UInt8(truncatingIfNeeded: mask.key >> shift))
            }
        }
    }

    /// Appends an unmasked close frame with a code and a reason of at most 123 bytes.
    package static func appendClose(_ code: UInt16, _ reason: StaticString = "", to output: inout ByteBuffer) {
        precondition(reason.utf8CodeUnitCount <= 123)
        WebSocketFrame(opcode: .close, payloadCount: UInt64(2 + reason.utf8CodeUnitCount)).append(to: &output)
        output.append(UInt8(code >> 8))
        output.append(UInt8(code & 0xFF))
        output.append(reason)
    }
}

/// Close codes (RFC 6455, section 7.4).
package enum WebSocketCloseCode {
    package static let normal: UInt16 = 1000
    package static let goingAway: UInt16 = 1001
    package static let protocolError: UInt16 = 1002
    package static let unsupportedData: UInt16 = 1003
    package static let invalidPayload: UInt16 = 1007
    package static let policyViolation: UInt16 = 1008
    package static let messageTooBig: UInt16 = 1009
    package static let internalError: UInt16 = 1011

    /// Whether a peer may send the code.
    package static func isValid(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// The code of an unmasked close frame's payload: nil for an empty one (1005 by the RFC's count).
    ///
    /// Throws for a lone byte, a code that may not be sent, and a reason that isn't UTF-8.
    package static func parse(_ payload: borrowing Span<UInt8>) throws(WebSocketError) -> UInt16? {
        if payload.isEmpty { return nil }
        guard payload.count >= 2 else { throw .malformedClose }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        guard isValid(code) else { throw .malformedClose }
        var utf8 = UTF8Validator()
        guard utf8.accept(payload.extracting(2..<payload.count)), utf8.isComplete else { throw .invalidUTF8 }
        return code
    }
}
