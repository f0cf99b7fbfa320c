import EventLoop

/// What a store's thread does: gathers changes, writes them, and answers those who wait.
struct StoreThread: @unchecked Sendable {
    private struct Work {
        var changes: [StoreChange]
        var commits: [StateStore.Commit]
        var queries: [StateStore.Query]
        /// What memory holds is to be written, not only what changed.
        var isBehind: Bool
        /// What failed before is to be tried, though there may be nothing new.
        var isRetry: Bool
        var isLast: Bool
    }

    /// Nanoseconds that a change waits for others at the most.
    private static var gathering: UInt64 { 50_000_000 }
    /// Nanoseconds between attempts while writing fails.
    private static var rest: UInt64 { 1_000_000_000 }

    let monitor: Monitor<StateStore.State>
    /// Used by the thread alone.
    let writer: StoreWriter

    /// Opens and reads the file, before the thread runs.
    func begin() {
        write(Work(changes: [], commits: [], queries: [], isBehind: false, isRetry: true, isLast: false))
    }

    func run() {
        while true {
            let deadline = monitor.wait { Self.deadline($0) }
            _ = monitor.wait(until: deadline) { Self.isUrgent($0) ? () : nil }
            let work = monitor.withLock { Self.take(&$0) }
            write(work)
            for query in work.queries {
                do throws(StoreError) {
                    query.deliver(.success(try writer.audit(limit: query.limit)))
                } catch {
                    query.deliver(.failure(error))
                }
            }
            if work.isLast {
                writer.close()
                monitor.withLock { $0.hasEnded = true }
                monitor.notifyAll()
                return
            }
        }
    }

    private static func isUrgent(_ state: StateStore.State) -> Bool {
        state.isClosing || !state.commits.isEmpty || !state.queries.isEmpty
    }

    /// When there is something to do; nil when nothing is.
    private static func deadline(_ state: StateStore.State) -> UInt64? {
        if isUrgent(state) { return 0 }
        if state.retryAt > 0 { return state.retryAt }
        return state.changes.isEmpty && !state.isBehind ? nil : state.since &+ gathering
    }

    private static func take(_ state: inout StateStore.State) -> Work {
        let isDue =
            state.retryAt == 0 || state.isClosing || !state.commits.isEmpty || Clock.monotonic() >= state.retryAt
        let work = Work(
            changes: isDue ? state.changes : [],
            commits: state.commits,
            queries: state.queries,
            isBehind: isDue && state.isBehind,
            isRetry: isDue && state.retryAt > 0,
            isLast: state.isClosing
        )
        if isDue {
            state.changes = []
            state.isBehind = false
        }
        state.commits = []
        state.queries = []
        return work
    }

    private func write(_ work: Work) {
        if work.changes.isEmpty, work.commits.isEmpty, !work.isBehind, !work.isRetry { return }
        do throws(StoreError) {
            try writer.write(work.changes, commits: work.commits.flatMap(\.changes), isBehind: work.isBehind)
        } catch {
            return failed(work, error)
        }
        let hadFailed = monitor.withLock { state in
            defer {
                state.failure = nil
                state.retryAt = 0
            }
            return state.failure != nil
        }
        if hadFailed { writer.report(nil) }
        for commit in work.commits { commit.deliver(.success(())) }
    }

    private func failed(_ work: Work, _ error: StoreError) {
        let hasLoaded = writer.hasLoaded
        let isNews = monitor.withLock { state in
            if hasLoaded {
                // Memory knows all but the audit log.
                state.changes.insert(contentsOf: work.changes.filter(\.isAudit), at: 0)
                state.isBehind = true
            } else {
                // Memory doesn't know what it would have removed.
                let removals = work.commits.flatMap(\.changes).filter(\.isRemoval)
                state.changes.insert(contentsOf: work.changes + removals, at: 0)
                state.isBehind = state.isBehind || work.isBehind
            }
            state.changes.removeLast(max(state.changes.count - StateStore.changeLimit, 0))
            state.retryAt = Clock.monotonic() &+ Self.rest
            defer { state.failure = error }
            return state.failure == nil
        }
        if isNews { writer.report(error) }
        for commit in work.commits { commit.deliver(.failure(error)) }
    }
}
