import Bytes

/// 256 bits: a SHA-256 digest or an HMAC of one.
///
/// `==` takes the same time wherever two differ.
package struct Digest32: Sendable, Hashable, BitwiseCopyable {
    /// Eight bytes each, the first byte least significant.
    package let words: (UInt64, UInt64, UInt64, UInt64)

    package init(_ words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Nil unless there are 32 bytes.
    package init?(_ bytes: borrowing Span<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for index in 0..<8 {
            let shift = UInt64(8 * index)
            words.0 |= UInt64(bytes[index]) << shift
            words.1 |= UInt64(bytes[index + 8]) << shift
            words.2 |= UInt64(bytes[index + 16]) << shift
            words.3 |= UInt64(bytes[index + 24]) << shift
        }
        self.words = words
    }

    /// The digest's bytes in order.
    package var bytes: InlineArray<32, UInt8> {
        let ordered = (words.0.littleEndian, words.1.littleEndian, words.2.littleEndian, words.3.littleEndian)
        // Any 32 bytes are an array of as many.
        return unsafe unsafeBitCast(ordered, to: InlineArray<32, UInt8>.self)
    }

    package static func == (left: Digest32, right: Digest32) -> Bool {
        let (left, right) = (left.words, right.words)
        return (left.0 ^ right.0) | (left.1 ^ right.1) | (left.2 ^ right.2) | (left.3 ^ right.3) == 0
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }

    /// 64 lower-case digits. Allocates.
    package var hexadecimal: String {
        let bytes = bytes
        return String(decoding: Hexadecimal.encode(bytes.span), as: UTF8.self)
    }
}
