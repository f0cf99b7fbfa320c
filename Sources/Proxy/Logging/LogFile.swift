import EventLoop
import Glibc
import Synchronization

/// Where the lines of a log go: a file, which is opened anew when it was rotated, or a stream that is open anyway.
final class LogFile: Sendable {
    enum Target: Sendable, Equatable {
        case file(String)
        case stream(Int32)
        case nothing
    }

    /// What is written to at present. Who writes holds on to it, so that the lock isn't held while the disk is slow.
    private final class Open: Sendable {
        let target: Target
        /// -1 for nothing.
        let descriptor: Int32

        init(_ target: Target) throws(SystemError) {
            descriptor = try LogFile.open(target)
            self.target = target
        }

        deinit {
            if case .file = target { _ = Glibc.close(descriptor) }
        }
    }

    private let state: Mutex<Open>

    init(_ target: Target) throws(SystemError) {
        state = Mutex(try Open(target))
    }

    /// Runs `body` with the descriptor, -1 for nothing, and the file's path, if it is one.
    ///
    /// The descriptor stays open meanwhile; another may replace it for those who ask later.
    func withDescriptor<Result>(_ body: (Int32, String?) -> Result) -> Result {
        let open = state.withLock { $0 }
        defer { extendLifetime(open) }
        if case .file(let path) = open.target { return body(open.descriptor, path) }
        return body(open.descriptor, nil)
    }

    /// Whether lines go there.
    func leads(to target: Target) -> Bool { state.withLock { $0.target } == target }

    /// Opens the file anew, after it was rotated. With an error, the old one stays in use.
    func reopen() -> SystemError? {
        let target = state.withLock { $0.target }
        do throws(SystemError) {
            if case .file = target { try replace(with: target) }
            return nil
        } catch {
            return error
        }
    }

    /// Goes elsewhere from now on. Throws when that can't be opened; the old one stays in use then.
    func move(to target: Target) throws(SystemError) {
        if !leads(to: target) { try replace(with: target) }
    }

    private func replace(with target: Target) throws(SystemError) {
        let fresh = try Open(target)
        // The old one is closed outside the lock: that can take a disk's time.
        let old = state.withLock { state in
            let old = state
            state = fresh
            return old
        }
        extendLifetime(old)
    }

    private static func open(_ target: Target) throws(SystemError) -> Int32 {
        switch target {
        case .nothing: return -1
        case .stream(let descriptor): return descriptor
        case .file(let path):
            let descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
            guard descriptor >= 0 else { throw SystemError("open", code: errno) }
            return descriptor
        }
    }
}
