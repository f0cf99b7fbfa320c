import Synchronization

/// What one loop has counted. Only that loop writes, so that a count is a load, an addition and a store; anybody reads.
///
/// Copying it costs nothing and counts no references: `Metrics` owns the memory, and outlives the loops.
@safe
struct LoopCounters: @unchecked Sendable {
    private let base: UnsafeMutablePointer<Atomic<UInt64>>

    /// Cells that start at zero, on cache lines of their own. Free them with `deallocate`.
    init(count: Int) {
        let size = (count * 8 + 63) & ~63
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        unsafe base = memory.bindMemory(to: Atomic<UInt64>.self, capacity: size / 8)
        for index in 0..<(size / 8) { unsafe (base + index).initialize(to: Atomic(0)) }
    }

    func deallocate() { unsafe base.deallocate() }

    /// Counts. On the owning loop only.
    @inline(__always)
    func add(_ counter: Counter, _ amount: UInt64 = 1) {
        let cell = unsafe base + counter.index
        unsafe cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Takes one back, of what tells how many there are at the moment. On the owning loop only.
    @inline(__always)
    func remove(_ counter: Counter) { add(counter, .max) }

    /// What was counted. From any thread.
    func value(at index: Int) -> UInt64 { unsafe (base + index).pointee.load(ordering: .relaxed) }

    func value(_ counter: Counter) -> UInt64 { value(at: counter.index) }
}
