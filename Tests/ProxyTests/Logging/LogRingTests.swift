import EventLoop
import Testing

@testable import Proxy

struct LogRingTests {
    /// Everything that waits, `part` bytes at a time at the most.
    private func drain(_ ring: LogRing, part: Int = .max) -> [UInt8] {
        var output: [UInt8] = []
        while unsafe ring.drain({ bytes in
            let count = min(bytes.count, part)
            unsafe output.append(contentsOf: bytes.prefix(count))
            return count
        }) {}
        return output
    }

    @Test func linesComeOutWholeAndInOrderAroundTheEnd() {
        let ring = LogRing(capacity: 64)
        var expected: [UInt8] = []
        var output: [UInt8] = []
        for number in 0..<200 {
            let line = Array("line \(number) \(String(repeating: "x", count: number % 23))\n".utf8)
            ring.append(line.span)
            expected += line
            // Sometimes two wait.
            if number % 3 != 0 || line.count > 20 { output += drain(ring, part: number % 7 + 1) }
        }
        output += drain(ring)
        #expect(output == expected)
        #expect(ring.takeDropped() == 0)
    }

    @Test func aFullRingDropsWholeLinesAndCounts() {
        let ring = LogRing(capacity: 16)
        let line = Array("1234567\n".utf8)
        for _ in 0..<5 { ring.append(line.span) }
        #expect(ring.takeDropped() == 3)
        #expect(ring.takeDropped() == 0)
        #expect(drain(ring) == line + line)
        ring.append(line.span)
        #expect(drain(ring) == line)
        #expect(ring.takeDropped() == 0)
    }

    @Test func aLineOfTheRingsSizeFitsAndALongerOneNever() {
        let ring = LogRing(capacity: 16)
        let line = [UInt8](repeating: 0x61, count: 16)
        ring.append([0x62].span)
        #expect(drain(ring) == [0x62])
        ring.append(line.span)
        #expect(drain(ring) == line)
        ring.append([UInt8](repeating: 0x61, count: 17).span)
        #expect(ring.takeDropped() == 1)
        #expect(drain(ring) == [])
    }

    @Test func oneThreadWritesWhileAnotherReads() throws {
        let ring = LogRing(capacity: 1024)
        let writer = try WorkerThread(name: "ring") {
            for number in 0..<20_000 { ring.append(Array("\(number)\n".utf8).span) }
        }
        var output: [UInt8] = []
        var dropped = 0
        func isDone() -> Bool {
            output += drain(ring)
            dropped += ring.takeDropped()
            return output.count { $0 == 0x0A } + dropped == 20_000
        }
        #expect(TestProxy.wait(isDone) == true)
        writer.join()
        let numbers = String(decoding: output, as: UTF8.self).split(separator: "\n").compactMap { Int($0) }
        #expect(numbers.count + dropped == 20_000)
        #expect(numbers == numbers.sorted())
    }
}
