/// A run of bytes in the buffer that holds a message's head, counted from the head's first byte.
@frozen
@usableFromInline
package struct ByteRange: Sendable, Equatable {
    /// Offset of the first byte.
    @usableFromInline package var start: UInt32
    /// Number of bytes.
    @usableFromInline package var count: UInt32

    /// A run of `count` bytes from `start` on. Both must fit 32 bits; heads are far smaller.
    @inlinable
    package init(start: Int, count: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.count = UInt32(truncatingIfNeeded: count)
    }

    /// The run from `range`'s lower to its upper bound.
    @inlinable
    package init(_ range: Range<Int>) {
        self.init(start: range.lowerBound, count: range.count)
    }

    /// No bytes.
    @inlinable package static var empty: ByteRange { ByteRange(start: 0, count: 0) }

    /// Whether the run holds no byte.
    @inlinable package var isEmpty: Bool { count == 0 }
    /// Offset of the first byte.
    @inlinable package var lowerBound: Int { Int(start) }
    /// Offset after the last byte.
    @inlinable package var upperBound: Int { Int(start) &+ Int(count) }
    /// The offsets as a range.
    @inlinable
    package var range: Range<Int> {
        unsafe Range(uncheckedBounds: (lower: lowerBound, upper: upperBound))
    }
}
