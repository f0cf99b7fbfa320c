import Access
import EventLoop
import Synchronization

/// An htpasswd file that is read again when it changes: a removed user is out at the next request.
package final class PasswordSource: Sendable {
    enum Current {
        case table(PasswordTable)
        /// There is no such file.
        case missing
        /// The file is there and can't be read.
        case unreadable
    }

    private struct State {
        var stamp: FileStamp?
        var table: PasswordTable?
        var isMissing = false
        var checkedAt: UInt64 = 0
        var generation: UInt64 = 0
    }

    package let path: String
    private let state = Mutex(State())

    package init(path: String) { self.path = path }

    /// The users as the file has them now. The file's stamp is looked at once in each turn of a loop.
    func current(now: UInt64, log: OperatorLog) -> Current {
        let (current, news) = state.withLock { state -> (Current, String?) in
            if state.checkedAt == now { return (Self.answer(state), nil) }
            state.checkedAt = now
            let stamp = FileStamp(path: path)
            if let stamp, stamp == state.stamp, state.table != nil { return (Self.answer(state), nil) }
            let wasKnown = state.stamp == stamp && state.generation > 0
            state.stamp = stamp
            let news = load(&state)
            return (Self.answer(state), wasKnown ? nil : news)
        }
        if let news { log.error(news) }
        return current
    }

    /// Reads the file. What has to be said of it comes back.
    private func load(_ state: inout State) -> String? {
        state.generation += 1
        do throws(PasswordFileError) {
            let (table, problems) = try PasswordFile.load(path: path, generation: state.generation)
            state.table = table
            state.isMissing = false
            let errors = problems.filter(\.isError)
            if errors.isEmpty { return nil }
            return errors.prefix(10).map { "\(path):\($0.line): \($0)" }.joined(separator: "; ")
        } catch {
            // Nobody is let in by a file that can't be read any more.
            state.table = nil
            state.isMissing = state.stamp == nil
            return "password file \(path): \(error)"
        }
    }

    private static func answer(_ state: State) -> Current {
        if let table = state.table { return .table(table) }
        return state.isMissing ? .missing : .unreadable
    }
}
