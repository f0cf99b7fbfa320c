import Bytes
import Testing

struct BufferPoolTests {
    @Test func givesBackWhatItWasGiven() {
        var pool = BufferPool(bufferCapacity: 100, limit: 2)
        var first = pool.take()
        #expect(first.capacity >= 100)
        #expect(pool.inUse == 1)
        first.append("old")
        pool.give(first)
        #expect(pool.inUse == 0)
        #expect(pool.spareCount == 1)
        let again = pool.take()
        #expect(again.isEmpty == true)
        #expect(pool.spareCount == 0)
        pool.give(again)
    }

    @Test func keepsNoMoreThanItsLimit() {
        var pool = BufferPool(bufferCapacity: 16, limit: 2)
        let first = pool.take()
        let second = pool.take()
        let third = pool.take()
        #expect(pool.inUse == 3)
        pool.give(first)
        pool.give(second)
        pool.give(third)
        #expect(pool.spareCount == 2)
        #expect(pool.inUse == 0)
    }

    @Test(arguments: [(100, true), (200, true), (201, false)])
    func keepsNoBufferThatGrewTooLarge(capacity: Int, isKept: Bool) {
        var pool = BufferPool(bufferCapacity: 100, limit: 4)
        pool.give(pool.take())
        var taken = pool.take()
        taken = ByteBuffer(capacity: capacity)
        pool.give(taken)
        #expect(pool.spareCount == (isKept ? 1 : 0))
        #expect(pool.inUse == 0)
    }

    @Test func takesNoNoticeOfBuffersWithoutStorage() {
        var pool = BufferPool(bufferCapacity: 16, limit: 2)
        let taken = pool.take()
        pool.give(ByteBuffer())
        #expect(pool.inUse == 1)
        #expect(pool.spareCount == 0)
        pool.give(taken)
    }

    @Test func reclaimsWhatABufferHolds() {
        var pool = BufferPool(bufferCapacity: 100, limit: 2)
        var buffer = pool.take()
        buffer.append(1)
        pool.reclaim(&buffer)
        #expect(!buffer.hasStorage && buffer.isEmpty)
        #expect(pool.spareCount == 1 && pool.inUse == 0)
        // Nothing is taken from a buffer that has nothing.
        pool.reclaim(&buffer)
        #expect(pool.spareCount == 1 && pool.inUse == 0)
    }

    @Test(arguments: [0, 3, 10])
    func shrinksWhatIsKeptLong(_ read: Int) {
        var pool = BufferPool(bufferCapacity: 100, limit: 2)
        var buffer = pool.take()
        buffer.append("0123456789")
        buffer.skip(read)
        pool.shrink(&buffer)
        #expect(buffer.capacity == 10 && pool.spareCount == 1 && pool.inUse == 1)
        #expect(buffer.written.string == "0123456789" && buffer.readIndex == read)
        // What fits, or holds nothing, stays as it is.
        pool.shrink(&buffer)
        #expect(buffer.capacity == 10 && pool.spareCount == 1 && pool.inUse == 1)
        pool.reclaim(&buffer)
        #expect(pool.spareCount == 1 && pool.inUse == 0)
        var empty = pool.take()
        pool.shrink(&empty)
        #expect(empty.capacity == 100 && pool.inUse == 1)
        pool.give(empty)
    }

    @Test func keepsAFewWideOnesApart() {
        var pool = BufferPool(bufferCapacity: 100, limit: 2)
        for _ in 0..<2 {
            var wide = pool.takeWide()
            #expect(wide.capacity == BufferPool.wideCapacity && wide.isEmpty)
            wide.append("old")
            pool.give(wide)
            #expect(pool.spareCount == 0 && pool.inUse == 0)
        }
        let small = pool.take()
        #expect(small.capacity < BufferPool.wideCapacity)
        pool.give(small)
    }
}
