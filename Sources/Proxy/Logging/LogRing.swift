import Bytes
import Synchronization

/// A ring of whole log lines from one loop to the writing thread. One side writes, one reads, nobody waits.
@safe
final class LogRing: @unchecked Sendable {
    private let storage: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    /// Bytes ever written and ever read; their difference is what waits.
    private let written = Atomic<Int>(0)
    private let read = Atomic<Int>(0)
    private let dropped = Atomic<Int>(0)

    /// - Parameter capacity: bytes, a power of two.
    init(capacity: Int) {
        precondition(capacity & (capacity - 1) == 0)
        self.capacity = capacity
        unsafe storage = .allocate(capacity: capacity)
    }

    deinit { unsafe storage.deallocate() }

    /// Whether nothing waits.
    var isEmpty: Bool { read.load(ordering: .relaxed) == written.load(ordering: .acquiring) }

    /// Leaves a line, or counts it as dropped when the ring is full: when it hasn't room for the line and `spare` bytes.
    /// Answers whether the line was left.
    @discardableResult
    func append(_ line: borrowing Span<UInt8>, spare: Int = 0) -> Bool {
        let end = written.load(ordering: .relaxed)
        let start = read.load(ordering: .acquiring)
        guard line.count + spare <= capacity - (end - start) else {
            dropped.add(1, ordering: .relaxed)
            return false
        }
        let offset = end & (capacity - 1)
        let first = min(line.count, capacity - offset)
        unsafe line.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            unsafe (storage + offset).update(from: base, count: first)
            if first < line.count { unsafe storage.update(from: base + first, count: line.count - first) }
        }
        written.store(end + line.count, ordering: .releasing)
        return true
    }

    /// Hands what waits to `body`, which says how much of it is done with. False when nothing waited.
    func drain(_ body: (UnsafeRawBufferPointer) -> Int) -> Bool {
        let start = read.load(ordering: .relaxed)
        let end = written.load(ordering: .acquiring)
        guard end > start else { return false }
        let offset = start & (capacity - 1)
        let count = min(end - start, capacity - offset)
        let taken = unsafe body(UnsafeRawBufferPointer(start: storage + offset, count: count))
        read.store(start + taken, ordering: .releasing)
        return taken > 0
    }

    /// Lines dropped since the last call.
    func takeDropped() -> Int { dropped.exchange(0, ordering: .relaxed) }
}
