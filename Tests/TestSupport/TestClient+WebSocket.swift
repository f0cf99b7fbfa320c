import Bytes

/// A frame as it came (RFC 6455, section 5.2).
package struct TestFrame: Sendable, Equatable {
    package var opcode: UInt8
    package var isFinal: Bool
    package var payload: [UInt8]

    package init(opcode: UInt8, isFinal: Bool = true, payload: [UInt8]) {
        self.opcode = opcode
        self.isFinal = isFinal
        self.payload = payload
    }

    package static func text(_ text: String) -> TestFrame { TestFrame(opcode: 1, payload: Array(text.utf8)) }

    package var text: String { String(decoding: payload, as: UTF8.self) }

    /// The code of a close frame, or nil.
    package var closeCode: Int? {
        opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
    }
}

extension TestClient {
    /// Asks to become a WebSocket, with the key of RFC 6455's example, and reads the answer.
    package func upgrade(
        _ target: String = "/",
        host: String = "gateway.test",
        _ fields: [(String, String)] = []
    ) throws -> TestResponse {
        try exchange(
            "GET",
            target,
            host: host,
            [
                ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ] + fields
        )
    }

    /// Sends a masked frame.
    package func send(_ frame: TestFrame) throws {
        let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        let count = frame.payload.count
        var bytes: [UInt8] = [(frame.isFinal ? 0x80 : 0) | frame.opcode]
        if count < 126 {
            bytes.append(0x80 | UInt8(count))
        } else if count < 65_536 {
            bytes += [0x80 | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
        } else {
            bytes.append(0x80 | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        }
        bytes += mask
        bytes.reserveCapacity(bytes.count + count)
        for index in 0..<count { bytes.append(frame.payload[index] ^ mask[index & 3]) }
        try send(bytes)
    }

    /// Reads one frame, which must not be masked.
    package func readFrame() throws -> TestFrame {
        let start = try read(2)
        guard start[1] & 0x80 == 0 else { throw TestError("a masked frame from a server") }
        var count = Int(start[1])
        if count >= 126 {
            count = try read(count == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        guard count <= limit else { throw TestError("a frame of \(count) bytes") }
        return TestFrame(opcode: start[0] & 0x0F, isFinal: start[0] & 0x80 != 0, payload: try read(count))
    }
}
