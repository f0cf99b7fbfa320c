import Synchronization

/// Says of each key at most once a minute that something happened, so that a flood doesn't fill the log.
///
/// Remembers a bounded number of keys; while all of them are fresh, further ones are not spoken of.
package final class ReportThrottle: Sendable {
    private struct Entry: BitwiseCopyable {
        var reportedAt: UInt64
        /// Times it happened since.
        var silent: UInt32 = 0
    }

    private struct State: ~Copyable {
        var entries: BoundedTable<LimitKey, Entry>
    }

    private let state: Mutex<State>
    private let seed = TableSeed()
    private let interval: UInt64

    /// `interval` in nanoseconds.
    package init(capacity: Int = 1024, interval: UInt64 = 60_000_000_000) {
        self.interval = interval
        state = Mutex(State(entries: BoundedTable(capacity: capacity)))
    }

    /// Whether to say it now, at `now` in nanoseconds: how often it happened since it was last said, this time included. Nil to
    /// keep silent.
    package func report(_ key: LimitKey, now: UInt64) -> Int? {
        let hash = key.hash(seed)
        return state.withLock { state in
            if let slot = state.entries.find(key, hash: hash) {
                let entry = state.entries[slot]
                guard now >= entry.reportedAt &+ interval else {
                    if entry.silent < .max { state.entries[slot].silent += 1 }
                    return nil
                }
                // What was said last is the first to be forgotten.
                state.entries.touch(slot)
                state.entries[slot] = Entry(reportedAt: now)
                return Int(entry.silent) + 1
            }
            if state.entries.count == state.entries.capacity {
                guard let oldest = state.entries.oldestValue, now >= oldest.reportedAt &+ interval,
                    state.entries.evictOldest(seed)
                else { return nil }
            }
            _ = state.entries.insert(key, hash: hash, Entry(reportedAt: now))
            return 1
        }
    }
}
