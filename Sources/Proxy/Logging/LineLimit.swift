/// Lets so many lines of one sort pass in a span of time, and counts the others.
struct LineLimit {
    /// Lines that pass in a span.
    static var limit: Int { 20 }
    /// Nanoseconds.
    static var span: UInt64 { 10_000_000_000 }

    private var beganAt: UInt64 = 0
    private var passed = 0
    private(set) var leftOut = 0

    /// Whether a line may be written at `now`, in nanoseconds.
    mutating func admits(now: UInt64) -> Bool {
        if passed == 0 || now &- beganAt >= Self.span {
            beganAt = now
            passed = 0
        }
        if passed < Self.limit {
            passed += 1
            return true
        }
        leftOut += 1
        return false
    }

    /// The lines that were left out since the last call.
    mutating func takeLeftOut() -> Int {
        defer { leftOut = 0 }
        return leftOut
    }
}

/// The lines about one upstream's failures: each sort of failure has a limit of its own, so that none hides another.
struct FailureLines {
    private struct Sort {
        var limit = LineLimit()
        /// What was left out, in words.
        var text = ""
    }

    private var sorts: [Int: Sort] = [:]

    /// Whether a line for a failure may be written. `sort` is `UpstreamFailure.sort`; `text` its words.
    mutating func admits(sort: Int, _ text: @autoclosure () -> String, now: UInt64) -> Bool {
        if sorts[sort, default: Sort()].limit.admits(now: now) { return true }
        if sorts[sort]?.limit.leftOut == 1 { sorts[sort]?.text = text() }
        return false
    }

    /// What was left out: how often, and the words of the first.
    mutating func takeLeftOut() -> [(count: Int, text: String)] {
        var found: [(count: Int, text: String)] = []
        for sort in sorts.keys.sorted() {
            if let count = sorts[sort]?.limit.takeLeftOut(), count > 0 {
                found.append((count, sorts[sort]?.text ?? ""))
            }
        }
        return found
    }
}
