/// What an event or a timer belongs to, in one word: kind (8 bits), slot (24 bits), generation (32 bits).
///
/// The generation tells an event of a slot's current user from a stale one of its predecessor.
@frozen
@usableFromInline
package struct Token: Equatable, Hashable, Sendable {
    /// The word as it rides in epoll's user data.
    @usableFromInline package let bits: UInt64

    @inlinable
    package init(bits: UInt64) { self.bits = bits }

    /// `slot` must be below 2²⁴.
    @inlinable
    package init(kind: UInt8, slot: UInt32, generation: UInt32) {
        precondition(slot < 1 << 24)
        bits = UInt64(kind) << 56 | UInt64(slot) << 32 | UInt64(generation)
    }

    /// What sort of thing this is; the user of the loop chooses the numbers.
    @inlinable package var kind: UInt8 { UInt8(truncatingIfNeeded: bits >> 56) }
    /// The place in its slab.
    @inlinable package var slot: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) & 0xFF_FFFF }
    /// The generation of the slot that was meant.
    @inlinable package var generation: UInt32 { UInt32(truncatingIfNeeded: bits) }
}
