import EventLoop
import Glibc

/// The file's side of a store, for one thread at a time.
///
/// ```
///   away ──open, read──▶ open ──write fails──▶ away, unless the file is as good as before (a full disk)
///                         └──another file stands in its place──▶ away
/// ```
///
/// What the file holds is given to memory once. Until then changes can't be dropped, as memory doesn't know all there is.
final class StoreWriter {
    private var directory: StateDirectory?
    private var file: StoreFile?
    /// Device and inode of the open file.
    private var place: FilePlace?
    private let callbacks: StateStore.Callbacks
    /// Milliseconds since 1970, UTC, less those of the monotonic clock.
    private let epoch: Int64
    /// Whether memory knows what the file held.
    private(set) var hasLoaded = false

    /// Sessions that ended so many milliseconds ago are removed when the file is read.
    private static var forgetting: Int64 { 86_400_000 }

    init(directory: consuming StateDirectory, now: Int64, callbacks: StateStore.Callbacks) {
        self.directory = .some(directory)
        self.callbacks = callbacks
        epoch = now - Int64(Clock.monotonic() / 1_000_000)
    }

    /// Writes `changes`, or all that memory holds when `isBehind`, and `commits` after them, in one transaction.
    ///
    /// Opens the file where it isn't open, and has memory filled from it where it wasn't.
    func write(_ changes: [StoreChange], commits: [StoreChange], isBehind: Bool) throws(StoreError) {
        do throws(StoreError) {
            let isOther = try attach()
            if hasLoaded {
                try put(changes, commits, isBehind: isBehind || isOther)
            } else {
                // What was decided meanwhile counts before what is read. Entries of the log have no second try.
                try put(changes.filter { !$0.isAudit }, [], isBehind: false)
                try load()
                try put(changes.filter(\.isAudit), commits, isBehind: isBehind)
            }
        } catch {
            if error.spoilsFile { file = nil }
            throw error
        }
    }

    func audit(limit: Int) throws(StoreError) -> [AuditRow] {
        _ = try attach()
        switch file {
        case .some(let file): return try file.audit(limit: limit)
        case .none: throw .closed
        }
    }

    func report(_ failure: StoreError?) { callbacks.report(failure) }

    /// Lets the file and the directory go.
    func close() {
        file = nil
        directory = nil
    }

    /// Sees that the file at the path is open; whether it is another one than before.
    private func attach() throws(StoreError) -> Bool {
        guard let path = path() else { throw .closed }
        let isOther = place != nil && place != FilePlace(path: path)
        if file != nil, !isOther { return false }
        // Looked at before: once it is closed, a file that was removed leaves its number to the next.
        file = nil
        switch directory {
        case .some(let directory): try directory.prepareDatabase()
        case .none: throw .closed
        }
        file = try StoreFile.open(path: path)
        place = FilePlace(path: path)
        return isOther
    }

    private func path() -> String? {
        switch directory {
        case .some(let directory): directory.databasePath
        case .none: nil
        }
    }

    private func load() throws(StoreError) {
        let now = epoch + Int64(Clock.monotonic() / 1_000_000)
        switch file {
        case .some(let file):
            try file.removeSessions(endedBefore: now - Self.forgetting)
            callbacks.loaded(try file.contents(now: now))
        case .none: throw .closed
        }
        hasLoaded = true
    }

    private func put(_ changes: [StoreChange], _ commits: [StoreChange], isBehind: Bool) throws(StoreError) {
        if changes.isEmpty, commits.isEmpty, !isBehind { return }
        switch file {
        case .some(let file):
            if isBehind {
                try file.replace(with: callbacks.snapshot(), and: changes.filter(\.isAudit) + commits)
            } else {
                try file.apply(changes + commits)
            }
        case .none: throw .closed
        }
    }
}

/// Which file it is that a path leads to.
private struct FilePlace: Equatable {
    let device: UInt64
    let inode: UInt64

    /// Nil when nothing is there.
    init?(path: String) {
        guard let stamp = FileStamp(path: path) else { return nil }
        device = stamp.device
        inode = stamp.inode
    }
}
