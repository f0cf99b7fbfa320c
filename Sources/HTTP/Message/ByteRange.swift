/// A run of bytes in the buffer that holds a message's head, counted from the head's first byte.
@frozen
package struct ByteRange: Sendable, Equatable {
    /// Offset of the first byte.
    package var start: UInt32
    /// Number of bytes.
    package var count: UInt32

    /// A run of `count` bytes from `start` on. Both must fit 32 bits; heads are far smaller.
    package init(start: Int, count: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.count = UInt32(truncatingIfNeeded: count)
    }

    /// The run from `range`'s lower to its upper bound.
    package init(_ range: Range<Int>) {
        self.init(start: range.lowerBound, count: range.count)
    }

    /// No bytes.
    package static let empty = ByteRange(start: 0, count: 0)

    /// Whether the run holds no byte.
    package var isEmpty: Bool { count == 0 }
    /// Offset of the first byte.
    package var lowerBound: Int { Int(start) }
    /// Offset after the last byte.
    package var upperBound: Int { Int(start) &+ Int(count) }
    /// The offsets as a range.
    package var range: Range<Int> {
        unsafe Range(uncheckedBounds: (lower: lowerBound, upper: upperBound))
    }
}
