import Bytes

/// Writes the pieces of JSON (RFC 8259).
package enum JSONText {
    /// `text` as a string in quotes. Escapes quotes, backslashes and control characters; the rest stays UTF-8.
    package static func string(_ text: String) -> String {
        var output: [UInt8] = [ASCII.quote]
        for byte in text.utf8 {
            switch byte {
            case ASCII.quote, ASCII.backslash: output += [ASCII.backslash, byte]
            case ASCII.lineFeed: output += Array("\\n".utf8)
            case ASCII.carriageReturn: output += Array("\\r".utf8)
            case ASCII.tab: output += Array("\\t".utf8)
            case ..<0x20, 0x7F:
                output += Array("\\u00".utf8)
                output += [ASCII.lowercaseHexDigit(byte >> 4), ASCII.lowercaseHexDigit(byte & 0xF)]
            default: output.append(byte)
            }
        }
        output.append(ASCII.quote)
        return String(decoding: output, as: UTF8.self)
    }
}
