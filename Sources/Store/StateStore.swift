import EventLoop
import Glibc

/// Keeps what must outlive the process, beside the loops: memory is the truth while it runs, and the file follows.
///
/// ```
///   record ──▶ queue ──within 50 ms──▶ one transaction ──▶ file
///   commit ──▶ queue ──────at once────────────┘   └──▶ deliver: it is on the disk, or why it isn't
///
///   kept ◀──▶ failing     reading or writing failed: tried again each second, then with all that memory holds
/// ```
///
/// Whoever records never waits. When the file can't be written, changes are dropped, and once it can be again, it is made to
/// hold what memory holds then; entries of the audit log wait, as many as fit.
package final class StateStore: Sendable {
    /// What to do, beside keeping: called on the store's thread.
    package struct Callbacks: Sendable {
        /// What the file holds, to be added to what memory holds. Called once: before `open` returns when the file is good,
        /// else as soon as it is. Must not call the store.
        package var loaded: @Sendable (StoreContents) -> Void
        /// All that the file should hold, once `loaded` was called. Must not call the store.
        package var snapshot: @Sendable () -> StoreContents
        /// State can't be kept, and why; nil: it can again.
        package var report: @Sendable (StoreError?) -> Void

        package init(
            loaded: @escaping @Sendable (StoreContents) -> Void,
            snapshot: @escaping @Sendable () -> StoreContents,
            report: @escaping @Sendable (StoreError?) -> Void
        ) {
            self.loaded = loaded
            self.snapshot = snapshot
            self.report = report
        }
    }

    struct Commit {
        let changes: [StoreChange]
        let deliver: @Sendable (Result<Void, StoreError>) -> Void
    }

    struct Query {
        let limit: Int
        let deliver: @Sendable (Result<[AuditRow], StoreError>) -> Void
    }

    struct State {
        var changes: [StoreChange] = []
        var commits: [Commit] = []
        var queries: [Query] = []
        /// When the oldest of `changes` came, in nanoseconds of the monotonic clock.
        var since: UInt64 = 0
        /// Changes were dropped: the file is to be made anew from memory.
        var isBehind = false
        /// Writing failed: when to try again, in nanoseconds of the monotonic clock; else 0.
        var retryAt: UInt64 = 0
        var failure: StoreError?
        var isClosing = false
        var hasEnded = false
    }

    /// Changes that wait at the most.
    static var changeLimit: Int { 65_536 }
    /// Commits, and queries, that wait at the most.
    static var commitLimit: Int { 1024 }

    private let monitor = Monitor(State())

    /// What is in the way of keeping state; nil when nothing is.
    package var failure: StoreError? { monitor.withLock { $0.failure } }

    /// Changes that wait to be written.
    package var waitingChanges: Int { monitor.withLock { $0.changes.count } }

    /// Takes the directory over and opens the file in it.
    ///
    /// A file that can't be read is left as it is: `report` says so, what is decided meanwhile waits, as far as there is room,
    /// and the file is tried again each second, so that one put right, or moved away, is taken up without a restart.
    /// `now`: milliseconds since 1970, UTC. Throws when the directory can't be had at all, or no thread be started.
    package static func open(
        directory path: String,
        now: Int64,
        callbacks: Callbacks
    ) throws(StoreError) -> StateStore {
        let store = StateStore()
        let writer = StoreWriter(directory: try StateDirectory(path: path), now: now, callbacks: callbacks)
        let thread = StoreThread(monitor: store.monitor, writer: writer)
        thread.begin()
        do throws(SystemError) {
            _ = try WorkerThread(name: "postern-store") { thread.run() }
        } catch {
            throw .system(operation: "\(error.operation)", path: "postern-store", code: error.code)
        }
        return store
    }

    // MARK: From any thread

    /// Has a change kept within 100 ms. Never waits.
    package func record(_ change: StoreChange) {
        let wakes = monitor.withLock { state -> Bool in
            if state.changes.count >= Self.changeLimit {
                state.changes.removeAll { !$0.isAudit }
                state.isBehind = true
                if state.changes.count >= Self.changeLimit { return false }
            }
            if state.changes.isEmpty { state.since = Clock.monotonic() }
            state.changes.append(change)
            return state.changes.count == 1
        }
        if wakes { monitor.notifyAll() }
    }

    /// Has changes kept now. `deliver` is called once, on the store's thread, when they are on the disk or can't be; it must only
    /// pass the word on. Changes that couldn't be kept are not made later, but for removals while the file can't be read.
    package func commit(
        _ changes: [StoreChange],
        deliver: @escaping @Sendable (Result<Void, StoreError>) -> Void
    ) {
        let refusal = monitor.withLock { state -> StoreError? in
            if state.isClosing { return .closed }
            if state.commits.count >= Self.commitLimit { return .busy }
            state.commits.append(Commit(changes: changes, deliver: deliver))
            return nil
        }
        if let refusal { return deliver(.failure(refusal)) }
        monitor.notifyAll()
    }

    /// Reads the newest entries of the audit log. `deliver` is called once, on the store's thread.
    package func audit(limit: Int, deliver: @escaping @Sendable (Result<[AuditRow], StoreError>) -> Void) {
        let refusal = monitor.withLock { state -> StoreError? in
            if state.isClosing { return .closed }
            if state.queries.count >= Self.commitLimit { return .busy }
            state.queries.append(Query(limit: limit, deliver: deliver))
            return nil
        }
        if let refusal { return deliver(.failure(refusal)) }
        monitor.notifyAll()
    }

    /// As `commit(_:deliver:)`, for a thread that may wait for the disk.
    package func commit(_ changes: [StoreChange]) throws(StoreError) {
        let answer = Monitor<Result<Void, StoreError>?>(nil)
        commit(changes) { result in
            answer.withLock { $0 = result }
            answer.notifyAll()
        }
        try answer.wait { $0 }.get()
    }

    /// As `audit(limit:deliver:)`, for a thread that may wait for the disk.
    package func audit(limit: Int) throws(StoreError) -> [AuditRow] {
        let answer = Monitor<Result<[AuditRow], StoreError>?>(nil)
        audit(limit: limit) { result in
            answer.withLock { $0 = result }
            answer.notifyAll()
        }
        return try answer.wait { $0 }.get()
    }

    /// Writes what waits, and ends. Blocks until that is done and the directory is free for another.
    package func close() {
        monitor.withLock { $0.isClosing = true }
        monitor.notifyAll()
        monitor.wait { $0.hasEnded ? () : nil }
    }
}
