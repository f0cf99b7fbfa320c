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

        /// Takes what the buffer holds, which is then without storage. There is room for one more.
        mutating func keep(_ buffer: inout ByteBuffer) {
            let spare = unsafe storage + count
            unsafe spare.initialize(to: ByteBuffer())
            unsafe swap(&spare.pointee, &buffer)
            unsafe spare.pointee.clear()
            count &+= 1
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
        inUse &+= 1
        if spares.count > 0 {
            spares.count &-= 1
            return unsafe (spares.storage + spares.count).move()
        }
        return ByteBuffer(capacity: bufferCapacity)
    }

    /// An empty buffer of at least `wideCapacity` bytes.
    package mutating func takeWide() -> ByteBuffer {
        inUse += 1
        return wideSpares.take() ?? ByteBuffer(capacity: Self.wideCapacity)
    }

    /// Takes a buffer back, of either size. One that grew beyond twice the pool's size is freed instead of kept.
    package mutating func give(_ buffer: consuming ByteBuffer) {
        reclaim(&buffer)
    }

    /// Leaves what a buffer holds in storage of just that size, for who keeps it long, and takes back what it was in.
    package mutating func shrink(_ buffer: inout ByteBuffer) {
        guard buffer.writeIndex > 0, buffer.capacity > buffer.writeIndex &* 2 else { return }
        var fitting = ByteBuffer(capacity: buffer.writeIndex)
        fitting.append(buffer.written)
        fitting.skip(buffer.readIndex)
        swap(&fitting, &buffer)
        reclaim(&fitting)
        inUse &+= 1
    }

    /// Takes back what a buffer holds and leaves one without storage in its place.
    package mutating func reclaim(_ buffer: inout ByteBuffer) {
        guard buffer.hasStorage else { return }
        inUse &-= 1
        if spares.count < limit, buffer.capacity >= bufferCapacity, buffer.capacity <= bufferCapacity &* 2 {
            spares.keep(&buffer)
        } else if buffer.capacity == Self.wideCapacity, wideSpares.count < Self.wideLimit {
            wideSpares.keep(&buffer)
        } else {
            buffer = ByteBuffer()
        }
    }
}
