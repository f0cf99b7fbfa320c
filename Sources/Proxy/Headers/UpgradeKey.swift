import Bytes
import Crypto
import HTTP

/// The WebSocket handshake's key (RFC 6455, section 4), which HTTP/2 leaves out: towards the upstream Postern is the client.
enum UpgradeKey {
    /// The request's key: its identifier, which no other request has.
    private static func key(_ exchange: Ref<Exchange>) -> [UInt8] {
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        for index in 0..<8 {
            bytes[index] = UInt8(truncatingIfNeeded: exchange.value.id.0 >> UInt64(56 - 8 * index))
            bytes[8 + index] = UInt8(truncatingIfNeeded: exchange.value.id.1 >> UInt64(56 - 8 * index))
        }
        return Base64.encode(bytes.span)
    }

    /// Appends the field that asks.
    static func append(_ exchange: Ref<Exchange>, to output: inout ByteBuffer) {
        output.append("Sec-WebSocket-Key: ")
        output.append(key(exchange).span)
        output.append("\r\n")
    }

    /// Whether the upstream's reply, whose head stands in `bytes`, proves that it read the key.
    static func isAccepted(_ exchange: Ref<Exchange>, _ bytes: borrowing Span<UInt8>) -> Bool {
        guard let index = exchange.value.reply.fields.first(.secWebSocketAccept),
            !exchange.value.reply.fields.isRepeated(.secWebSocketAccept)
        else { return false }
        var input = ByteBuffer(capacity: 64)
        WebSocketHandshake.appendAcceptInput(key: key(exchange).span, to: &input)
        var digest = SHA1()
        digest.update(input.readable)
        var expected = ByteBuffer(capacity: WebSocketHandshake.acceptCount)
        WebSocketHandshake.appendAccept(digest: digest.finish().span, to: &expected)
        return bytes.extracting(exchange.value.reply.fields[index].value.range).equals(expected.readable)
    }
}
