import Bytes
import Testing

struct ByteBufferTests {
    @Test func holdsNothingWithoutStorage() {
        var buffer = ByteBuffer()
        #expect(buffer.isEmpty == true)
        #expect(buffer.hasStorage == false)
        #expect(buffer.readable.count == 0)
        #expect(buffer.written.count == 0)
        buffer.compact()
        buffer.clear()
        buffer.consume(0)
        buffer.wipe()
        #expect(buffer.capacity == 0)
        buffer.append(1)
        #expect(buffer.readable.array == [1])
    }

    @Test(arguments: [1, 63, 64, 65, 4095, 4096, 100_000])
    func growsAndKeepsItsContent(count: Int) {
        var buffer = ByteBuffer(capacity: 1)
        for index in 0..<count { buffer.append(UInt8(truncatingIfNeeded: index)) }
        #expect(buffer.readableCount == count)
        #expect(buffer.capacity >= count)
        #expect(buffer.capacity <= max(count * 2, 64))
        #expect(buffer.readable.array == (0..<count).map { UInt8(truncatingIfNeeded: $0) })
    }

    @Test func growingKeepsBothPositions() {
        var buffer = ByteBuffer(capacity: 8)
        buffer.append("abcdef")
        buffer.skip(2)
        buffer.append([UInt8](repeating: 0x78, count: 100))
        #expect(buffer.readIndex == 2)
        #expect(buffer.writeIndex == 106)
        #expect(buffer.readable.string.hasPrefix("cdefxxx") == true)
        #expect(buffer.written.string.hasPrefix("abcdef") == true)
    }

    @Test func consumingAllStartsAnew() {
        var buffer = ByteBuffer(Array("abcdef".utf8))
        buffer.consume(4)
        #expect(buffer.readIndex == 4)
        #expect(buffer.readable.string == "ef")
        buffer.consume(2)
        #expect(buffer.readIndex == 0)
        #expect(buffer.writeIndex == 0)
    }

    @Test func skippingAllKeepsThePositions() {
        var buffer = ByteBuffer(Array("abc".utf8))
        buffer.skip(3)
        #expect(buffer.isEmpty == true)
        #expect(buffer.written.string == "abc")
    }

    @Test func compactingMovesWhatIsLeftToTheStart() {
        // More is left than was read, so that source and target overlap.
        var buffer = ByteBuffer(Array("abcdefgh".utf8))
        buffer.consume(3)
        buffer.compact()
        #expect(buffer.readIndex == 0)
        #expect(buffer.written.string == "defgh")
        buffer.compact()
        #expect(buffer.readable.string == "defgh")
    }

    @Test func truncatesToACountOfWrittenBytes() {
        var buffer = ByteBuffer(Array("abcdef".utf8))
        buffer.consume(2)
        buffer.truncate(to: 4)
        #expect(buffer.readable.string == "cd")
        buffer.truncate(to: 2)
        #expect(buffer.isEmpty == true)
    }

    @Test func truncatingBeforeWhatWasReadTraps() async {
        await #expect(processExitsWith: .failure) {
            var buffer = ByteBuffer(Array("abcdef".utf8))
            buffer.consume(2)
            buffer.truncate(to: 1)
        }
    }

    @Test func consumingMoreThanThereIsTraps() async {
        await #expect(processExitsWith: .failure) {
            var buffer = ByteBuffer(Array("abc".utf8))
            buffer.consume(4)
        }
    }

    @Test(arguments: [
        (0, "0"), (9, "9"), (10, "10"), (99, "99"), (100, "100"), (12_345_678_901, "12345678901"),
        (UInt64.max, "18446744073709551615"),
    ])
    func writesDecimals(value: UInt64, text: String) {
        var buffer = ByteBuffer(capacity: 1)
        buffer.append(decimal: value)
        #expect(buffer.readable.string == text)
    }

    @Test(arguments: [
        (0, "0"), (-1, "-1"), (42, "42"), (Int.min, "-9223372036854775808"), (Int.max, "9223372036854775807"),
    ])
    func writesSignedDecimals(value: Int, text: String) {
        var buffer = ByteBuffer(capacity: 1)
        buffer.append(decimal: value)
        #expect(buffer.readable.string == text)
    }

    @Test(arguments: [
        (0, "0"), (0xF, "f"), (0x10, "10"), (0xABC, "abc"), (0xDEAD_BEEF, "deadbeef"), (UInt64.max, "ffffffffffffffff"),
        (0x1000_0000_0000_0000, "1000000000000000"),
    ])
    func writesHexadecimals(value: UInt64, text: String) {
        var buffer = ByteBuffer(capacity: 1)
        buffer.append(hexadecimal: value)
        #expect(buffer.readable.string == text)
    }

    @Test func fillsFreeStorageInPlace() {
        var buffer = ByteBuffer(Array("ab".utf8))
        let filled = unsafe buffer.withWritable(minimum: 10) { memory in
            unsafe memory[0] = 0x63
            return memory.count >= 10 ? 1 : 0
        }
        #expect(filled == 1)
        #expect(buffer.readable.string == "abc")
    }

    @Test func changesReadableBytesInPlace() {
        var buffer = ByteBuffer(Array("abcdef".utf8))
        buffer.consume(1)
        buffer.withMutableReadable(1..<3) { span in
            for index in 0..<span.count { span[index] -= 0x20 }
        }
        #expect(buffer.readable.string == "bCDef")
    }

    @Test func wipingLeavesNoByteBehind() {
        var buffer = ByteBuffer(Array("secret".utf8))
        buffer.consume(2)
        buffer.wipe()
        #expect(buffer.isEmpty == true)
        _ = unsafe buffer.withWritable(minimum: 6) { _ in 6 }
        #expect(buffer.readable.array == [0, 0, 0, 0, 0, 0])
    }
}
