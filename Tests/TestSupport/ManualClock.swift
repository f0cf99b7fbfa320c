import Synchronization

/// A clock that moves only when a test tells it to.
package final class ManualClock: Sendable {
    private let time: Atomic<UInt64>

    /// A clock that shows `now` nanoseconds.
    package init(now: UInt64 = 1_000_000_000_000) { time = Atomic(now) }

    /// Nanoseconds, as of CLOCK_MONOTONIC.
    package var now: UInt64 { time.load(ordering: .sequentiallyConsistent) }

    /// Lets so many nanoseconds pass and answers what the clock shows then.
    @discardableResult
    package func advance(_ nanoseconds: UInt64) -> UInt64 {
        time.wrappingAdd(nanoseconds, ordering: .sequentiallyConsistent).newValue
    }

    @discardableResult
    package func advance(seconds: UInt64) -> UInt64 { advance(seconds * 1_000_000_000) }

    @discardableResult
    package func advance(milliseconds: UInt64) -> UInt64 { advance(milliseconds * 1_000_000) }
}
