package import Bytes

/// The opening handshake of WebSocket (RFC 6455, section 4).
///
/// The accept key is base64(SHA-1(key ‖ GUID)). This module has no digest: `appendAcceptInput` writes what is to be
/// hashed, and `appendAccept` turns the digest into the field's value.
package enum WebSocketHandshake {
    /// Why a request isn't a WebSocket handshake.
    package enum Failure: Error, Sendable, Equatable {
        case notGet, notHTTP11, notUpgrade, hasBody, malformedKey, unsupportedVersion

        /// The status to answer with; 426 goes with `Sec-WebSocket-Version: 13`.
        package var status: Int { self == .unsupportedVersion ? 426 : 400 }
    }

    /// Bytes of an accept key.
    package static let acceptCount = 28

    /// Checks a client's request and answers where its key stands.
    package static func validate(
        _ head: borrowing RequestHead,
        _ bytes: borrowing Span<UInt8>
    ) throws(Failure) -> ByteRange {
        guard head.method == .get else { throw .notGet }
        guard head.minorVersion == 1 else { throw .notHTTP11 }
        guard head.upgrade == .webSocket else { throw .notUpgrade }
        guard head.body == .none || head.body == .length(0) else { throw .hasBody }
        guard let version = head.fields.first(.secWebSocketVersion), !head.fields.isRepeated(.secWebSocketVersion),
            bytes.extracting(head.fields[version].value.range).equals("13")
        else { throw .unsupportedVersion }
        guard let key = head.fields.first(.secWebSocketKey), !head.fields.isRepeated(.secWebSocketKey) else {
            throw .malformedKey
        }
        let value = head.fields[key].value
        guard isKey(bytes.extracting(value.range)) else { throw .malformedKey }
        return value
    }

    /// Whether `key` is base64 of 16 bytes: 22 characters, of which the last carries two bits, and `==`.
    package static func isKey(_ key: borrowing Span<UInt8>) -> Bool {
        guard key.count == 24, key[22] == ASCII.equals, key[23] == ASCII.equals else { return false }
        for index in 0..<22 {
            let byte = key[index]
            guard ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "+") || byte == ASCII.slash else {
                return false
            }
        }
        switch key[21] {
        case UInt8(ascii: "A"), UInt8(ascii: "Q"), UInt8(ascii: "g"), UInt8(ascii: "w"): return true
        default: return false
        }
    }

    /// Appends the 60 bytes whose SHA-1 is the accept key.
    package static func appendAcceptInput(key: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        output.append(key)
        output.append("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    }

    /// Appends base64 of the 20-byte digest: the value of `Sec-WebSocket-Accept`.
    package static func appendAccept(digest: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        precondition(digest.count == 20)
        var index = 0
        while index < 20 {
            let remaining = min(20 - index, 3)
            var group = UInt32(digest[index]) << 16
            if remaining > 1 { group |= UInt32(digest[index + 1]) << 8 }
            if remaining > 2 { group |= UInt32(digest[index + 2]) }
            for position in 0..<4 {
                let sextet = UInt8(truncatingIfNeeded: group >> UInt32(18 - 6 * position)) & 63
                output.append(position <= remaining ? character(sextet) : ASCII.equals)
            }
            index += 3
        }
    }

    private static func character(_ sextet: UInt8) -> UInt8 {
        switch sextet {
        case 0..<26: sextet + 0x41
        case 26..<52: sextet + 0x47
        case 52..<62: sextet - 4
        case 62: UInt8(ascii: "+")
        default: ASCII.slash
        }
    }
}
