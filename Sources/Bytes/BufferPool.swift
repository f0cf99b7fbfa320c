/// The spare buffers of one event loop, in one size, and a few wide ones for bodies.
///
/// Never shared between threads. Keeps at most `limit` spare buffers, and `wideLimit` wide ones; what is returned beyond that is
/// freed.
package struct BufferPool: ~Copyable {
    /// Bytes of storage in each buffer handed out.
    package let bufferCapacity: Int
    /// Bytes of storage in a wide one: what a large body moves by, with one system call in each direction.
    package static let wideCapacity = 64 * 1024
    private static let wideLimit = 8
    private let limit: Int
    private var spares: Spares
    private var wideSpares = Spares(limit: Self.wideLimit)
    /// Buffers handed out and not returned.
    package private(set) var inUse = 0

    @safe @usableFromInline
    struct Spares: ~Copyable {
        var storage: UnsafeMutablePointer<ByteBuffer>
        var count = 0
        init(limit: Int) { unsafe storage = .allocate(capacity: limit) }
        mutating func take() -> ByteBuffer? {
            if count == 0 { return nil }
            count -= 1
            return unsafe (storage + count).move()
        }

        mutating func give(_ buffer: consuming ByteBuffer) {
            buffer.clear()
            unsafe (storage + count).initialize(to: buffer)
            count += 1
        }

        deinit {
            unsafe storage.deinitialize(count: count)
            unsafe storage.deallocate()
        }
    }

    package init(bufferCapacity: Int, limit: Int) {
        precondition(bufferCapacity > 0 && limit > 0)
        self.bufferCapacity = bufferCapacity
        self.limit = limit
        spares = Spares(limit: limit)
    }

    /// Spare buffers kept at this moment.
    package var spareCount: Int { spares.count }

    /// An empty buffer of at least `bufferCapacity` bytes.
    package mutating func take() -> ByteBuffer {
        inUse += 1
        return spares.take() ?? ByteBuffer(capacity: bufferCapacity)
    }

    /// An empty buffer of at least `wideCapacity` bytes.
    package mutating func takeWide() -> ByteBuffer {
        inUse += 1
        return wideSpares.take() ?? ByteBuffer(capacity: Self.wideCapacity)
    }

    /// Takes a buffer back, of either size. One that grew beyond twice the pool's size is freed instead of kept.
    package mutating func give(_ buffer: consuming ByteBuffer) {
        guard buffer.hasStorage else { return }
        inUse -= 1
        if buffer.capacity >= bufferCapacity, buffer.capacity <= bufferCapacity * 2 {
            if spares.count < limit { spares.give(buffer) }
        } else if buffer.capacity == Self.wideCapacity, wideSpares.count < Self.wideLimit {
            wideSpares.give(buffer)
        }
    }

    /// Takes back what a buffer holds and leaves one without storage in its place.
    package mutating func reclaim(_ buffer: inout ByteBuffer) {
        guard buffer.hasStorage else { return }
        var storage = ByteBuffer()
        swap(&storage, &buffer)
        give(storage)
    }
}
