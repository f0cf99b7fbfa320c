import Bytes
import Testing

@testable import HTTP

@Suite("WebSocket")
struct WebSocketTests {
    // MARK: Handshake

    /// A good handshake with some fields changed; an empty value leaves the field out.
    private static func handshake(_ changes: [String: String] = [:], line: String = "GET /c HTTP/1.1") -> String {
        var fields = [
            "Host": "a", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        ]
        fields.merge(changes) { $1 }
        let lines = fields.filter { !$1.isEmpty }.map { "\($0): \($1)\r\n" }.sorted()
        return line + "\r\n" + lines.joined() + "\r\n"
    }

    private static func failure(_ text: String) throws -> WebSocketHandshake.Failure? {
        let outcome: [WebSocketHandshake.Failure]? = withRequest(text) { head, bytes in
            do throws(WebSocketHandshake.Failure) {
                let key = try WebSocketHandshake.validate(head, bytes.span)
                #expect(key.count == 24)
                return []
            } catch {
                return [error]
            }
        }
        return try #require(outcome).first
    }

    @Test("Handshakes that hold and those that don't")
    func handshakes() throws {
        #expect(try Self.failure(Self.handshake()) == nil)
        #expect(try Self.failure(Self.handshake(["Content-Length": "0"])) == nil)
        #expect(try Self.failure(Self.handshake(line: "POST /c HTTP/1.1")) == .notGet)
        #expect(try Self.failure(Self.handshake(line: "GET /c HTTP/1.0")) == .notHTTP11)
        #expect(try Self.failure(Self.handshake(["Upgrade": "h2c"])) == .notUpgrade)
        #expect(try Self.failure(Self.handshake(["Connection": "close"])) == .notUpgrade)
        #expect(try Self.failure(Self.handshake(["Content-Length": "1"])) == .hasBody)
        #expect(try Self.failure(Self.handshake(["Transfer-Encoding": "chunked"])) == .hasBody)
        #expect(try Self.failure(Self.handshake(["Sec-WebSocket-Version": "8"])) == .unsupportedVersion)
        #expect(try Self.failure(Self.handshake(["Sec-WebSocket-Version": ""])) == .unsupportedVersion)
        #expect(try Self.failure(Self.handshake(["Sec-WebSocket-Key": ""])) == .malformedKey)
        #expect(try Self.failure(Self.handshake(["Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR=="])) == .malformedKey)
        #expect(try Self.failure(Self.handshake(["Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ="])) == .malformedKey)
        #expect(try Self.failure(Self.handshake(["Sec-WebSocket-Key": "dGhl_HNhbXBsZSBub25jZQ=="])) == .malformedKey)
    }

    @Test("The accept key of the RFC's example")
    func accept() {
        var output = ByteBuffer()
        WebSocketHandshake.appendAcceptInput(key: Array("dGhlIHNhbXBsZSBub25jZQ==".utf8).span, to: &output)
        expectEqual(output.readable.string, "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        output.clear()
        // The digest that RFC 6455, section 1.3 prints.
        let digest: [UInt8] = [
            0xB3, 0x7A, 0x4F, 0x2C, 0xC0, 0x62, 0x4F, 0x16, 0x90, 0xF6, 0x46, 0x06, 0xCF, 0x38, 0x59, 0x45, 0xB2, 0xBE,
            0xC4, 0xEA,
        ]
        WebSocketHandshake.appendAccept(digest: digest.span, to: &output)
        expectEqual(output.readable.string, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        expectEqual(output.readableCount == WebSocketHandshake.acceptCount, true)
    }

    // MARK: Frames

    /// Reads all frames of `bytes`, which come in pieces of `step`, and says what they were.
    private static func read(
        _ bytes: [UInt8],
        from peer: WebSocketFrameParser.Peer,
        step: Int = .max,
        maximum: UInt64 = 1 << 20
    ) throws(WebSocketError) -> [String] {
        var parser = WebSocketFrameParser(peer: peer, maximumMessage: maximum)
        var found: [String] = []
        var payload: [UInt8] = []
        var mask: WebSocketMask?
        var position = 0
        var end = 0
        while true {
            let input = Array(bytes[position..<end])
            switch try parser.next(input.span) {
            case .needMore(let consumed):
                position += consumed
                if end == bytes.count { return found }
                end = step < bytes.count - end ? end + step : bytes.count
            case .frame(let frame, let consumed):
                position += consumed
                mask = frame.mask
                payload = []
                found.append("\(frame.opcode)\(frame.isFinal ? "." : "+")\(frame.payloadCount)")
            case .payload(let range, let offset, let endsFrame, let consumed):
                position += consumed
                var piece = ByteBuffer(input)
                piece.withMutableReadable(range) { span in mask?.apply(to: &span, offset: offset) }
                payload += piece.readable.extracting(range).array
                if endsFrame { found[found.count - 1] += " " + String(decoding: payload.prefix(20), as: UTF8.self) }
            }
        }
    }

    static let client: [([UInt8], [String])] = [
        ([0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58], ["text.5 Hello"]),
        ([0x81, 0x80, 1, 2, 3, 4], ["text.0"]),
        (
            [0x01, 0x81, 0, 0, 0, 0, 0x61, 0x89, 0x80, 0, 0, 0, 0, 0x80, 0x81, 0, 0, 0, 0, 0x62],
            ["text+1 a", "ping.0", "continuation.1 b"]
        ),
        ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8], ["close.2 \u{3}\u{fffd}"]),
    ]

    @Test("A client's frames, whole and in pieces", arguments: client)
    func clientFrames(bytes: [UInt8], expected: [String]) throws {
        for step in [Int.max, 1, 2, 3, 5] { #expect(try Self.read(bytes, from: .client, step: step) == expected) }
    }

    @Test("What the serialiser writes is read back", arguments: [0, 1, 125, 126, 127, 65535, 65536, 70000])
    func roundTrip(count: Int) throws {
        for mask in [nil, WebSocketMask(key: 0x8040_2010)] {
            let frame = WebSocketFrame(opcode: .binary, mask: mask, payloadCount: UInt64(count))
            var output = ByteBuffer()
            frame.append(to: &output)
            expectEqual(output.readableCount <= WebSocketFrame.maximumHeaderCount, true)
            let start = output.readableCount
            output.append(contentsOf: [UInt8](repeating: 0x61, count: count))
            output.withMutableReadable(start..<output.readableCount) { span in mask?.apply(to: &span) }
            let text = count == 0 ? "" : " " + String(repeating: "a", count: min(count, 20))
            let peer: WebSocketFrameParser.Peer = mask == nil ? .server : .client
            for step in [Int.max, 1000, 7] {
                #expect(try Self.read(output.readable.array, from: peer, step: step) == ["binary.\(count)\(text)"])
            }
        }
    }

    static let refused: [([UInt8], WebSocketFrameParser.Peer, WebSocketError)] = [
        ([0x81, 0x00], .client, .maskExpected),
        ([0x81, 0x80, 0, 0, 0, 0], .server, .maskForbidden),
        ([0xC1, 0x00], .server, .reservedBits),
        ([0x91, 0x00], .server, .reservedBits),
        ([0x83, 0x00], .server, .unknownOpcode),
        ([0x8B, 0x00], .server, .unknownOpcode),
        ([0x09, 0x00], .server, .fragmentedControl),
        ([0x89, 0x7E, 0, 126], .server, .controlTooLong),
        ([0x80, 0x00], .server, .continuationUnexpected),
        ([0x01, 0x00, 0x81, 0x00], .server, .continuationExpected),
        ([0x81, 0x7E, 0, 125], .server, .overlongLength),
        ([0x81, 0x7F, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], .server, .overlongLength),
        ([0x81, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], .server, .overlongLength),
        ([0x81, 0x7F, 0, 0, 0, 0, 0, 0x10, 0, 1], .server, .messageTooBig),
    ]

    @Test("Frames that are refused", arguments: refused)
    func refuses(bytes: [UInt8], peer: WebSocketFrameParser.Peer, error: WebSocketError) {
        for step in [Int.max, 1] { #expect(throws: error) { try Self.read(bytes, from: peer, step: step) } }
    }

    @Test("Fragments count together against the limit")
    func fragments() throws {
        let bytes: [UInt8] = [0x02, 2, 1, 1, 0x00, 2, 1, 1, 0x80, 1, 1]
        #expect(try Self.read(bytes, from: .server, maximum: 5).count == 3)
        #expect(throws: WebSocketError.messageTooBig) { try Self.read(bytes, from: .server, maximum: 4) }
    }

    @Test("Close frames")
    func close() throws {
        var output = ByteBuffer()
        WebSocketFrame.appendClose(1008, "pairing required", to: &output)
        let start = output.readable.array.prefix(4)
        #expect(start == [0x88, 18, 0x03, 0xF0])
        let code = try WebSocketCloseCode.parse(output.readable.extracting(2..<20))
        #expect(code == 1008)
        let none = try WebSocketCloseCode.parse([UInt8]().span)
        #expect(none == nil)
        for payload: [UInt8] in [[3], [0x03, 0xED], [0, 0], [0x03, 0xEE], [0x13, 0x88]] {
            #expect(throws: WebSocketError.malformedClose) { try WebSocketCloseCode.parse(payload.span) }
        }
        #expect(throws: WebSocketError.invalidUTF8) {
            let payload: [UInt8] = [0x03, 0xE8, 0xC0]
            return try WebSocketCloseCode.parse(payload.span)
        }
    }
}
