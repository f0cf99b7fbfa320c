/// SipHash-2-4 with 128 bits of output: a keyed hash that whoever doesn't know the key can't find collisions of.
///
/// Follows Aumasson and Bernstein, "SipHash: a fast short-input PRF", and their reference's 128-bit variant.
package struct SipHash128: Sendable {
    private let key0: UInt64
    private let key1: UInt64

    /// `key0` holds the key's first eight bytes, the first least significant; `key1` the rest.
    package init(key0: UInt64, key1: UInt64) {
        self.key0 = key0
        self.key1 = key1
    }

    /// A hash with a random key.
    package init() {
        var generator = SystemRandomNumberGenerator()
        self.init(key0: generator.next(), key1: generator.next())
    }

    /// The hash of `bytes`: `low` are the first eight bytes of the output, `high` the rest, least significant first.
    package func hash(_ bytes: borrowing Span<UInt8>) -> LimitKey {
        var state = State(key0, key1)
        let count = bytes.count
        var index = 0
        let raw = unsafe bytes.bytes
        // All offsets lie at least eight below `count`.
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
        }
        while index &+ 8 <= count {
            state.absorb(word(index))
            index &+= 8
        }
        var last = UInt64(truncatingIfNeeded: count & 0xFF) << 56
        let rest = count &- index
        if rest > 0, index > 0 {
            // The last eight bytes, without those that were taken already.
            last |= word(count &- 8) >> UInt64(8 &* (8 &- rest))
        } else {
            for offset in 0..<rest { last |= UInt64(unsafe bytes[unchecked: offset]) << UInt64(8 &* offset) }
        }
        state.absorb(last)
        return state.finish()
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        init(_ key0: UInt64, _ key1: UInt64) {
            v0 = key0 ^ 0x736F_6D65_7073_6575
            v1 = key1 ^ 0x646F_7261_6E64_6F6D ^ 0xEE
            v2 = key0 ^ 0x6C79_6765_6E65_7261
            v3 = key1 ^ 0x7465_6462_7974_6573
        }

        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish() -> LimitKey {
            v2 ^= 0xEE
            for _ in 0..<4 { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xDD
            for _ in 0..<4 { round() }
            return LimitKey(high: v0 ^ v1 ^ v2 ^ v3, low: low)
        }

        private mutating func round() {
            v0 = v0 &+ v1
            v1 = rotated(v1, 13) ^ v0
            v0 = rotated(v0, 32)
            v2 = v2 &+ v3
            v3 = rotated(v3, 16) ^ v2
            v0 = v0 &+ v3
            v3 = rotated(v3, 21) ^ v0
            v2 = v2 &+ v1
            v1 = rotated(v1, 17) ^ v2
            v2 = rotated(v2, 32)
        }

        private func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 { value &<< bits | value &>> (64 &- bits) }
    }
}
