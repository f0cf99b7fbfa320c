import EventLoop
import Synchronization

/// A file of users or of API keys that is read again when it changes: one that was removed is out at the next request.
///
/// ```
///   current ── as it was read ──▶ its table, or why there is none
///      └────── changed ──▶ read ──a thread of its own──▶ deliver, and then current again
/// ```
///
/// A loop looks at the file's stamp and no more. Opening and reading, which a disk can hold up for any time, and parsing, are
/// a thread's work: one for a file at a time, and none while the file stays as it is. Whoever asks meanwhile waits for it.
final class FileSource<Table: Sendable>: Sendable {
    enum Current {
        case table(Table)
        /// There is no such file.
        case missing
        /// The file is there and can't be read.
        case unreadable
        /// The file isn't the one that was read last, if any was: it is to be read first.
        case changed
    }

    /// What reading brought: a table with what is wrong in the file, or why there is none.
    enum Reading: Sendable {
        case table(Table, errors: [String])
        case failed(String)
    }

    /// Reads the file at a path for a generation. Blocks.
    typealias Load = @Sendable (String, UInt64) -> Reading

    private struct State {
        /// What was read last: 0 before the first time.
        var generation: UInt64 = 0
        var stamp: FileStamp?
        var table: Table?
        var isMissing = false
        /// When the file was last found to be the one that was read; 0 before.
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

    let path: String
    /// What it is, for people.
    private let title: String
    private let load: Load
    /// Seconds since 1970.
    private let wallClock: @Sendable () -> Int64
    private let state = Mutex(State())
    /// Told of each table that was read, and of each time that none could be; on the reading thread.
    private let changed: @Sendable (Table?, _ isMissing: Bool) -> Void

    init(
        path: String,
        title: String,
        wallClock: @escaping @Sendable () -> Int64 = { Int64(Clock.realtimeSeconds()) },
        changed: @escaping @Sendable (Table?, _ isMissing: Bool) -> Void = { _, _ in },
        load: @escaping Load
    ) {
        self.path = path
        self.title = title
        self.wallClock = wallClock
        self.changed = changed
        self.load = load
    }

    /// The table as the file has it now (`now` in nanoseconds). Its stamp is looked at once in each turn of a loop.
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

    /// What was read last, without a look at the file; nil before, or when there was none.
    var latest: Table? { state.withLock { $0.table } }

    /// Whether it was read, or tried to be.
    var isRead: Bool { state.withLock { $0.generation > 0 } }

    /// Whether there was no such file.
    var isMissing: Bool { state.withLock { $0.isMissing } }

    /// Has the file read. `deliver` is called once, on the reading thread, and must only pass the word on; ask `current`
    /// again then. False, and never called, when too many wait.
    func read(log: OperatorLog, deliver: @escaping @Sendable () -> Void) -> Bool {
        let step = state.withLock { state -> ReadStep in
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
                _ = try WorkerThread(name: "file-reader") { self.run(log) }
            } catch {
                finish(FileStamp(path: path), .failed("\(error)"), isFresh: false, log)
            }
        }
        return true
    }

    private func run(_ log: OperatorLog) {
        // Looked at first: a change while it is read shows at the next request.
        let stamp = FileStamp(path: path)
        let isFresh = stamp.map { wallClock() - Int64($0.changed / 1_000_000_000) <= Self.stampGranularity } ?? false
        let generation = state.withLock { $0.generation } + 1
        finish(stamp, load(path, generation), isFresh: isFresh, log)
    }

    /// Takes over what was read, tells the operator what has to be said of it, once for each state of the file, and all who
    /// wait that it is there.
    private func finish(
        _ stamp: FileStamp?,
        _ reading: Reading,
        isFresh: Bool,
        _ log: OperatorLog
    ) {
        let news: String?
        let table: Table?
        switch reading {
        case .table(let read, let errors):
            table = read
            news = errors.isEmpty ? nil : errors.prefix(10).joined(separator: "; ")
        case .failed(let reason):
            // Nobody is let in by a file that can't be read any more.
            table = nil
            // Some reasons begin with the path.
            news = reason.hasPrefix("\(path): ") ? "\(title) \(reason)" : "\(title) \(path): \(reason)"
        }
        let (waiting, wasKnown) = state.withLock { state in
            let wasKnown = state.generation > 0 && state.stamp == stamp
            // Read long enough after it had this stamp first: what left no trace in it is seen by now.
            let isSettled = state.rereadAt != nil && wasKnown
            state.isFresh = isFresh && !isSettled && table != nil
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
        changed(table, table == nil && stamp == nil)
        for deliver in waiting { deliver() }
    }

    private static func answer(_ state: State) -> Current {
        if let table = state.table { return .table(table) }
        return state.isMissing ? .missing : .unreadable
    }
}

/// What `read` does with one who asks.
private enum ReadStep { case start, wait, refuse }
