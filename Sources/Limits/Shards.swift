import Synchronization

/// A power of two of states, each behind its own lock, so that threads seldom meet.
@safe
package struct Shards<State: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let base: UnsafeMutablePointer<Mutex<State>>
    package let count: Int

    /// `count` must be a power of two.
    package init(count: Int, _ make: () -> sending State) {
        precondition(count > 0 && count & (count - 1) == 0)
        self.count = count
        unsafe base = .allocate(capacity: count)
        for index in 0..<count { unsafe (base + index).initialize(to: Mutex(make())) }
    }

    deinit {
        unsafe base.deinitialize(count: count)
        unsafe base.deallocate()
    }

    /// Runs `body` with the shard that the upper bits of `hash` choose; the lower ones are the shard's own to use.
    package func withShard<Result: Sendable>(_ hash: UInt64, _ body: (inout State) -> Result) -> Result {
        let index = Int(truncatingIfNeeded: (hash >> 48) & UInt64(count - 1))
        return unsafe base[index].withLock { body(&$0) }
    }

    /// Runs `body` with each shard in turn.
    package func forEach(_ body: (inout State) -> Void) {
        for index in 0..<count { unsafe base[index].withLock { body(&$0) } }
    }
}
