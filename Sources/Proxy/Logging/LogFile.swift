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

    private struct State {
        var target: Target
        /// -1 for nothing.
        var descriptor: Int32
    }

    private let state: Mutex<State>

    init(_ target: Target) throws(SystemError) {
        state = Mutex(State(target: target, descriptor: try Self.open(target)))
    }

    deinit { state.withLock { Self.close($0) } }

    /// Runs `body` with the descriptor, -1 for nothing, and the file's path, if it is one. Nobody replaces it meanwhile.
    func withDescriptor<Result>(_ body: (Int32, String?) -> Result) -> Result {
        state.withLock { state in
            if case .file(let path) = state.target { return body(state.descriptor, path) }
            return body(state.descriptor, nil)
        }
    }

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
        if state.withLock({ $0.target }) != target { try replace(with: target) }
    }

    private func replace(with target: Target) throws(SystemError) {
        let fresh = State(target: target, descriptor: try Self.open(target))
        state.withLock { state in
            Self.close(state)
            state = fresh
        }
    }

    private static func close(_ state: State) {
        if case .file = state.target { _ = Glibc.close(state.descriptor) }
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
