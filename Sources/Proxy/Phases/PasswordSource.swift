import Access
import EventLoop
import Synchronization

/// An htpasswd file that is read again when it changes: a removed user is out at the next request.
///
/// ```
///   current ── as it was read ──▶ its users, or why there are none
///      └────── changed ──▶ read ──a thread of its own──▶ deliver, and then current again
/// ```
///
/// A loop looks at the file's stamp and no more. Opening and reading, which a disk can hold up for any time, and parsing, are
/// a thread's work: one for a file at a time, and none while the file stays as it is. Whoever asks meanwhile waits for it.
package final class PasswordSource: Sendable {
    enum Current {
        case table(PasswordTable)
        /// There is no such file.
        case missing
        /// The file is there and can't be read.
        case unreadable
        /// The file isn't the one that was read last, if any was: it is to be read first.
        case changed
    }

    /// Reads the file at a path for a generation. Blocks.
    typealias Reader =
        @Sendable (String, UInt64) throws(PasswordFileError) -> (table: PasswordTable, problems: [PasswordFile.Problem])

    private struct State {
        /// What was read last: 0 before the first time.
        var generation: UInt64 = 0
        var stamp: FileStamp?
        var table: PasswordTable?
        var isMissing = false
        /// When the file was last found to be the one that was read.
        var checkedAt: UInt64 = 0
        /// When a file that couldn't be read is tried again, changed or not.
        var retryAt: UInt64?
        /// The file had changed shortly before it was read: an edit since may have left its stamp as it was.
        var isFresh = false
        /// When such a file is read once more.
        var rereadAt: UInt64?
        var isReading = false
        var waiting: [@Sendable () -> Void] = []
    }

    /// Requests that wait for a file at the most.
    private static var waitingLimit: Int { 16_384 }

    /// Seconds after which a change shows in a file's stamp: some file systems keep whole or even seconds only.
    private static var stampGranularity: Int64 { 2 }

    package let path: String
    private let load: Reader
    /// Seconds since 1970.
    private let wallClock: @Sendable () -> Int64
    private let state = Mutex(State())

    package convenience init(path: String) {
        self.init(path: path) { (path, generation) throws(PasswordFileError) in
            try PasswordFile.load(path: path, generation: generation)
        }
    }

    /// With another way to read it: for tests.
    init(
        path: String,
        wallClock: @escaping @Sendable () -> Int64 = { Int64(Clock.realtimeSeconds()) },
        load: @escaping Reader
    ) {
        self.path = path
        self.wallClock = wallClock
        self.load = load
    }

    /// The users as the file has them now (`now` in nanoseconds). Its stamp is looked at once in each turn of a loop.
    func current(now: UInt64) -> Current {
        if let known = state.withLock({ $0.checkedAt == now ? Self.answer($0) : nil }) { return known }
        let stamp = FileStamp(path: path)
        return state.withLock { state in
            guard Self.isCurrent(&state, stamp, now) else { return .changed }
            state.checkedAt = now
            return Self.answer(state)
        }
    }

    private static func isCurrent(_ state: inout State, _ stamp: FileStamp?, _ now: UInt64) -> Bool {
        guard state.generation > 0, state.stamp == stamp else { return false }
        if state.isFresh {
            let rereadAt = state.rereadAt ?? now &+ UInt64(stampGranularity) * 1_000_000_000
            state.rereadAt = rereadAt
            if now >= rereadAt { return false }
        }
        if state.table != nil || state.isMissing { return true }
        // What kept it from being read may be gone without a trace in its stamp. A second's rest, lest each request try.
        let retryAt = state.retryAt ?? now &+ 1_000_000_000
        state.retryAt = retryAt
        return now < retryAt
    }

    /// Has the file read. `deliver` is called once, on the reading thread, and must only pass the word on; ask `current`
    /// again then. False, and never called, when too many wait.
    func read(log: OperatorLog, deliver: @escaping @Sendable () -> Void) -> Bool {
        enum Step { case start, wait, refuse }
        let step = state.withLock { state -> Step in
            guard state.waiting.count < Self.waitingLimit else { return .refuse }
            state.waiting.append(deliver)
            if state.isReading { return .wait }
            state.isReading = true
            return .start
        }
        switch step {
        case .refuse: return false
        case .wait: break
        case .start:
            do throws(SystemError) {
                _ = try WorkerThread(name: "htpasswd") { self.run(log) }
            } catch {
                finish(
                    FileStamp(path: path),
                    .failure(.system(operation: "\(error.operation)", path: path, code: error.code)),
                    isFresh: false,
                    log
                )
            }
        }
        return true
    }

    private func run(_ log: OperatorLog) {
        // Looked at first: a change while it is read shows at the next request.
        let stamp = FileStamp(path: path)
        let isFresh = stamp.map { wallClock() - Int64($0.changed / 1_000_000_000) <= Self.stampGranularity } ?? false
        let generation = state.withLock { $0.generation } + 1
        do throws(PasswordFileError) {
            finish(stamp, .success(try load(path, generation)), isFresh: isFresh, log)
        } catch {
            finish(stamp, .failure(error), isFresh: false, log)
        }
    }

    /// Takes over what was read, tells the operator what has to be said of it, once for each state of the file, and all who
    /// wait that it is there.
    private func finish(
        _ stamp: FileStamp?,
        _ result: Result<(table: PasswordTable, problems: [PasswordFile.Problem]), PasswordFileError>,
        isFresh: Bool,
        _ log: OperatorLog
    ) {
        let news: String?
        let table: PasswordTable?
        switch result {
        case .success(let read):
            table = read.table
            let errors = read.problems.filter(\.isError).prefix(10).map { "\(path):\($0.line): \($0)" }
            news = errors.isEmpty ? nil : errors.joined(separator: "; ")
        case .failure(let error):
            // Nobody is let in by a file that can't be read any more.
            table = nil
            news = "password file \(path): \(error)"
        }
        let (waiting, wasKnown) = state.withLock { state in
            let wasKnown = state.generation > 0 && state.stamp == stamp
            // Read long enough after it had this stamp first: what left no trace in it is seen by now.
            let isSettled = state.rereadAt != nil && wasKnown
            state.isFresh = isFresh && !isSettled
            state.rereadAt = nil
            state.generation += 1
            state.stamp = stamp
            state.table = table
            state.isMissing = table == nil && stamp == nil
            state.checkedAt = 0
            state.retryAt = nil
            state.isReading = false
            defer { state.waiting = [] }
            return (state.waiting, wasKnown)
        }
        if let news, !wasKnown { log.error(news) }
        for deliver in waiting { deliver() }
    }

    private static func answer(_ state: State) -> Current {
        if let table = state.table { return .table(table) }
        return state.isMissing ? .missing : .unreadable
    }
}
