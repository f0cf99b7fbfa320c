import EventLoop
import Glibc

/// Waiting with a bound.
package enum Patience {
    /// How long tests wait for what must happen, in nanoseconds. Only a failing test ever waits so long.
    package static let limit: UInt64 = 30_000_000_000

    /// Waits until `condition` holds; false when it doesn't within the limit.
    ///
    /// For what has no descriptor to wait on, such as a counter of another thread. Prefer a descriptor.
    package static func until(limit: UInt64 = limit, _ condition: () -> Bool) -> Bool {
        let deadline = Clock.monotonic() + limit
        while !condition() {
            if Clock.monotonic() > deadline { return false }
            sched_yield()
        }
        return true
    }

    /// Waits until the descriptor is ready for `events` (poll(2)).
    static func wait(for descriptor: Int32, _ events: Int32, until deadline: UInt64) throws {
        while true {
            let now = Clock.monotonic()
            guard now < deadline else { throw TestError("timed out") }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let milliseconds = Int32(min((deadline - now) / 1_000_000 + 1, 60_000))
            let count = unsafe poll(&entry, 1, milliseconds)
            if count > 0 { return }
            if count < 0, errno != EINTR { throw SystemError("poll", code: errno) }
        }
    }
}
