/// The spare buffers of one event loop, in one size.
///
/// Never shared between threads. Keeps at most `limit` spare buffers; what is returned beyond that is freed.
package struct BufferPool: ~Copyable {
    /// Bytes of storage in each buffer handed out.
    package let bufferCapacity: Int
    private let limit: Int
    private var spares: Spares
    /// Buffers handed out and not returned.
    package private(set) var inUse = 0

    @safe @usableFromInline
    struct Spares: ~Copyable {
        var storage: UnsafeMutablePointer<ByteBuffer>
        var count = 0
        init(limit: Int) { unsafe storage = .allocate(capacity: limit) }
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

    /// Takes a buffer back. One that grew beyond twice the pool's size is freed instead of kept.
    package mutating func give(_ buffer: consuming ByteBuffer) {
        reclaim(&buffer)
    }

    /// Takes back what a buffer holds and leaves one without storage in its place.
    package mutating func reclaim(_ buffer: inout ByteBuffer) {
        guard buffer.hasStorage else { return }
        inUse &-= 1
        let isKept =
            spares.count < limit && buffer.capacity >= bufferCapacity && buffer.capacity <= bufferCapacity &* 2
        if !isKept {
            buffer = ByteBuffer()
            return
        }
        let spare = unsafe spares.storage + spares.count
        unsafe spare.initialize(to: ByteBuffer())
        unsafe swap(&spare.pointee, &buffer)
        unsafe spare.pointee.clear()
        spares.count &+= 1
    }
}
