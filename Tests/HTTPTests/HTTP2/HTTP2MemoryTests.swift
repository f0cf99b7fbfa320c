import Bytes
import CNGHTTP2
import Testing

@testable import HTTP

@Suite struct HTTP2MemoryTests {
    @Test func spareBlockIsHandedOutAgain() throws {
        var memory = HTTP2Memory(limit: 4096)
        let first = unsafe try #require(memory.allocate(100))
        unsafe memory.free(first)
        #expect(memory.spareBytes == 128)
        let other = unsafe try #require(memory.allocate(300))
        #expect(memory.spareBytes == 128)
        let second = unsafe try #require(memory.allocate(128))
        #expect(unsafe second == first)
        #expect(memory.spareBytes == 0)
        unsafe memory.free(second)
        unsafe memory.free(other)
        #expect(memory.spareBytes == 128 + 320)
    }

    @Test func keepsNoMoreThanItsLimit() throws {
        var memory = HTTP2Memory(limit: 256)
        let blocks = unsafe try (0..<8).map { _ in unsafe try #require(memory.allocate(64)) }
        for index in unsafe blocks.indices { unsafe memory.free(blocks[index]) }
        #expect(memory.spareBytes == 256)
    }

    @Test(arguments: [0, 1, 64, 1023, 1024, 1025, 100_000])
    func blocksHoldWhatWasAskedFor(_ count: Int) throws {
        var memory = HTTP2Memory(limit: 1 << 20)
        for _ in 0..<2 {
            let block = unsafe try #require(memory.allocate(count))
            #expect(UInt(bitPattern: block) % 16 == 0)
            unsafe block.initializeMemory(as: UInt8.self, repeating: 0xA5, count: count)
            unsafe memory.free(block)
        }
        // A large block isn't kept.
        #expect(memory.spareBytes == (count > 1024 ? 0 : (max(count, 1) + 63) / 64 * 64))
    }

    @Test(arguments: [(10, 64), (64, 65), (500, 5000), (5000, 20_000), (5000, 10)])
    func resizedBlockKeepsItsBytes(_ from: Int, _ to: Int) throws {
        var memory = HTTP2Memory(limit: 1 << 20)
        let block = unsafe try #require(memory.allocate(from))
        for index in 0..<from { unsafe block.storeBytes(of: UInt8(index & 0xFF), toByteOffset: index, as: UInt8.self) }
        let resized = unsafe try #require(memory.resize(block, to))
        for index in 0..<min(from, to) {
            #expect(unsafe resized.load(fromByteOffset: index, as: UInt8.self) == UInt8(index & 0xFF))
        }
        unsafe memory.free(resized)
    }

    @Test func codecsBlocksAreZeroedWhereItAsksForThat() throws {
        let place = UnsafeMutablePointer<HTTP2Memory>.allocate(capacity: 1)
        unsafe place.initialize(to: HTTP2Memory(limit: 4096))
        defer {
            unsafe place.deinitialize(count: 1)
            unsafe place.deallocate()
        }
        let table = unsafe HTTP2Memory.table(place)
        let used = unsafe try #require(table.malloc(200, table.mem_user_data))
        unsafe used.initializeMemory(as: UInt8.self, repeating: 0xFF, count: 200)
        unsafe table.free(used, table.mem_user_data)
        let zeroed = unsafe try #require(table.calloc(25, 8, table.mem_user_data))
        #expect(unsafe zeroed == used)
        for index in 0..<200 { #expect(unsafe zeroed.load(fromByteOffset: index, as: UInt8.self) == 0) }
        #expect(unsafe table.calloc(.max, 2, table.mem_user_data) == nil)
        unsafe table.free(nil, table.mem_user_data)
        let grown = unsafe try #require(table.realloc(nil, 10, table.mem_user_data))
        unsafe table.free(grown, table.mem_user_data)
        unsafe table.free(zeroed, table.mem_user_data)
    }
}
