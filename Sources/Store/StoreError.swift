import CSQLite
import Glibc

/// Why state can't be read or kept.
package enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call on a path failed with an `errno`.
    case system(operation: String, path: String, code: Int32)
    /// What is at the path is no directory.
    case notDirectory(path: String)
    /// The directory belongs to another user.
    case foreignOwner(path: String, owner: UInt32)
    /// Another process has the directory.
    case inUse(path: String)
    /// SQLite's extended result code, and its message.
    case database(path: String, code: Int32, message: String)
    /// The file's layout is of a later version of this program.
    case newer(path: String, version: Int)
    /// As many as may wait for the disk wait already.
    case busy
    /// The store is being closed.
    case closed

    /// What to tell the operator.
    package var description: String {
        switch self {
        case .system(let operation, let path, let code):
            "\(operation) \(path): \(unsafe String(cString: strerror(code)))"
        case .notDirectory(let path): "\(path) is not a directory"
        case .foreignOwner(let path, let owner):
            "\(path) belongs to user \(owner): it must belong to the user that Postern runs as"
        case .inUse(let path): "\(path) is in use by another process: each needs a state_dir of its own"
        case .database(let path, let code, let message):
            "\(path): \(message) (SQLite code \(code)): \(Self.remedy(code))"
        case .newer(let path, let version):
            "\(path) was written by a later version of Postern (layout \(version), this one knows \(Schema.version)): "
                + "run that version, or move the file away"
        case .busy: "too much waits for the disk"
        case .closed: "the store is closed"
        }
    }

    /// What an operator can do about an error of SQLite (its result codes' documentation, rescode.html).
    private static func remedy(_ code: Int32) -> String {
        switch code & 0xFF {
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            "move the file away, and Postern makes a new one by itself, or put a good copy in its place"
        case SQLITE_FULL: "make room on the disk, and Postern goes on by itself"
        case SQLITE_BUSY, SQLITE_LOCKED: "end the other program that has it open"
        default: "see that the disk works and lets Postern write there; it tries again each second"
        }
    }

    /// Whether the open file is no use any more: it must be opened anew.
    var spoilsFile: Bool {
        guard case .database(_, let code, _) = self else { return true }
        return switch code & 0xFF {
        case SQLITE_FULL, SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_NOMEM: false
        default: true
        }
    }
}
