/// Hexadecimal text.
package enum Hexadecimal {
    /// Two lower-case digits for each byte.
    package static func encode(_ bytes: borrowing Span<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count * 2)
        for index in 0..<bytes.count {
            output.append(ASCII.lowercaseHexDigit(bytes[index] >> 4))
            output.append(ASCII.lowercaseHexDigit(bytes[index] & 0xF))
        }
        return output
    }

    /// The bytes that an even run of digits stands for, or nil.
    package static func decode(_ text: borrowing Span<UInt8>) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 2)
        for index in stride(from: 0, to: text.count, by: 2) {
            guard let high = ASCII.hexValue(text[index]), let low = ASCII.hexValue(text[index + 1]) else { return nil }
            output.append(high << 4 | low)
        }
        return output
    }
}
