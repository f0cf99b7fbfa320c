/// Base64 (RFC 4648, sections 4 and 5). Strict: no white space, padding as the alphabet demands, no stray bits.
package enum Base64 {
    /// Which characters stand for 62 and 63, and whether padding is written.
    package enum Alphabet: Sendable {
        /// `+` and `/`, padded with `=`.
        case standard
        /// `-` and `_`, without padding.
        case url
    }

    /// Bytes that `count` bytes of padded input decode to at the most.
    package static func maximumDecodedCount(_ count: Int) -> Int { (count + 3) / 4 * 3 }

    /// Decodes `input` and appends to `output`. False, with nothing appended, when it isn't base64.
    package static func decode(
        _ input: borrowing Span<UInt8>,
        alphabet: Alphabet = .standard,
        into output: inout ByteBuffer
    ) -> Bool {
        var end = input.count
        switch alphabet {
        case .standard:
            guard end % 4 == 0 else { return false }
            if end > 0, input[end - 1] == ASCII.equals { end -= 1 }
            if end > 0, input.count - end == 1, input[end - 1] == ASCII.equals { end -= 1 }
        case .url:
            break
        }
        guard end % 4 != 1 else { return false }
        let start = output.writeIndex
        output.reserve(maximumDecodedCount(end))
        var accumulator: UInt32 = 0
        var index = 0
        // Four characters are three bytes; `index` stays below `end`, which is at most the number of characters.
        while index &+ 4 <= end {
            let first = unsafe sextet(input[unchecked: index], alphabet)
            let second = unsafe sextet(input[unchecked: index &+ 1], alphabet)
            let third = unsafe sextet(input[unchecked: index &+ 2], alphabet)
            let fourth = unsafe sextet(input[unchecked: index &+ 3], alphabet)
            if (first | second | third | fourth) > 63 {
                output.truncate(to: start)
                return false
            }
            let group = first << 18 | second << 12 | third << 6 | fourth
            output.append(UInt8(truncatingIfNeeded: group >> 16))
            output.append(UInt8(truncatingIfNeeded: group >> 8))
            output.append(UInt8(truncatingIfNeeded: group))
            index &+= 4
        }
        var bits: UInt32 = 0
        while index < end {
            let value = unsafe sextet(input[unchecked: index], alphabet)
            if value > 63 {
                output.truncate(to: start)
                return false
            }
            accumulator = (accumulator << 6) | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                output.append(UInt8(truncatingIfNeeded: accumulator >> bits))
                accumulator &= (1 << bits) - 1
            }
            index &+= 1
        }
        if accumulator != 0 {
            output.truncate(to: start)
            return false
        }
        return true
    }

    /// Decodes whole groups of four characters, none of them padding: three bytes each, which fill `output`. False when it
    /// isn't base64 or the counts don't fit; `output` then holds anything. Allocates nothing.
    package static func decode(
        groups input: borrowing Span<UInt8>,
        alphabet: Alphabet,
        into output: inout MutableSpan<UInt8>
    ) -> Bool {
        guard input.count % 4 == 0, output.count == input.count / 4 * 3 else { return false }
        var index = 0
        var position = 0
        while index < input.count {
            var group: UInt32 = 0
            var all: UInt32 = 0
            for offset in 0..<4 {
                let value = sextet(input[index + offset], alphabet)
                all |= value
                group = group << 6 | value & 63
            }
            if all > 63 { return false }
            output[position] = UInt8(truncatingIfNeeded: group >> 16)
            output[position + 1] = UInt8(truncatingIfNeeded: group >> 8)
            output[position + 2] = UInt8(truncatingIfNeeded: group)
            index += 4
            position += 3
        }
        return true
    }

    /// The bytes that `text` stands for, or nil.
    package static func decode(_ text: String, alphabet: Alphabet = .standard) -> [UInt8]? {
        var output = ByteBuffer(capacity: max(maximumDecodedCount(text.utf8.count), 1))
        let bytes = Array(text.utf8)
        guard decode(bytes.span, alphabet: alphabet, into: &output) else { return nil }
        return output.readable.array
    }

    /// Base64 of `input`.
    package static func encode(_ input: borrowing Span<UInt8>, alphabet: Alphabet = .standard) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity((input.count + 2) / 3 * 4)
        var index = 0
        while index < input.count {
            let remaining = min(input.count - index, 3)
            var group = UInt32(input[index]) << 16
            if remaining > 1 { group |= UInt32(input[index + 1]) << 8 }
            if remaining > 2 { group |= UInt32(input[index + 2]) }
            for position in 0...remaining {
                output.append(character(UInt8(truncatingIfNeeded: group >> UInt32(18 - 6 * position)) & 63, alphabet))
            }
            if alphabet == .standard {
                for _ in remaining..<3 { output.append(ASCII.equals) }
            }
            index += 3
        }
        return output
    }

    /// What a character stands for, or more than 63 when it isn't of the alphabet.
    @inline(__always)
    private static func sextet(_ byte: UInt8, _ alphabet: Alphabet) -> UInt32 {
        let character = UInt32(byte)
        if character &- 0x61 < 26 { return character &- 71 }
        if character &- 0x41 < 26 { return character &- 65 }
        if character &- 0x30 < 10 { return character &+ 4 }
        switch (alphabet, byte) {
        case (.standard, 0x2B), (.url, 0x2D): return 62
        case (.standard, 0x2F), (.url, 0x5F): return 63
        default: return 64
        }
    }

    private static func character(_ value: UInt8, _ alphabet: Alphabet) -> UInt8 {
        switch value {
        case 0..<26: return value + 0x41
        case 26..<52: return value - 26 + 0x61
        case 52..<62: return value - 52 + 0x30
        case 62: return alphabet == .standard ? 0x2B : 0x2D
        default: return alphabet == .standard ? 0x2F : 0x5F
        }
    }
}
