import Glibc

/// The directory that state lives in: only for its owner, and for one process at a time.
///
/// The lock is flock(2)'s on a file in it, so that it goes with the process however that ends.
package struct StateDirectory: ~Copyable, Sendable {
    package let path: String
    private let lock: Int32

    /// Takes the directory; makes it, with mode 0700, where it isn't there (its parent must be). An existing one that others
    /// can look into is closed to them.
    ///
    /// Throws what the system refuses, when it is another user's, or when another process has it.
    package init(path: String) throws(StoreError) {
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST {
            throw .system(operation: "mkdir", path: path, code: errno)
        }
        let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else {
            if errno == ENOTDIR { throw .notDirectory(path: path) }
            throw .system(operation: "open", path: path, code: errno)
        }
        defer { close(directory) }
        var status = stat()
        guard unsafe fstat(directory, &status) == 0 else {
            throw .system(operation: "fstat", path: path, code: errno)
        }
        guard status.st_uid == geteuid() else { throw .foreignOwner(path: path, owner: status.st_uid) }
        if status.st_mode & 0o077 != 0, fchmod(directory, 0o700) != 0 {
            throw .system(operation: "fchmod", path: path, code: errno)
        }
        let file = unsafe openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .system(operation: "open", path: path + "/lock", code: errno) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(file)
            if code == EWOULDBLOCK { throw .inUse(path: path) }
            throw .system(operation: "flock", path: path + "/lock", code: code)
        }
        // SQLite follows no link on the way to its file.
        guard let resolved = unsafe realpath(path, nil) else {
            let code = errno
            close(file)
            throw .system(operation: "realpath", path: path, code: code)
        }
        self.path = unsafe String(cString: resolved)
        unsafe free(resolved)
        lock = file
    }

    deinit { close(lock) }

    private static let databaseName = "state.db"

    /// Sees that there is a file for the database, for its owner alone: SQLite would let others read what it makes. What SQLite
    /// makes beside it has the same permissions.
    func prepareDatabase() throws(StoreError) {
        let file = unsafe open(databasePath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .system(operation: "open", path: databasePath, code: errno) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else {
            throw .system(operation: "fstat", path: databasePath, code: errno)
        }
        if status.st_mode & 0o077 != 0, fchmod(file, 0o600) != 0 {
            throw .system(operation: "fchmod", path: databasePath, code: errno)
        }
        if status.st_size == 0 { try sync() }
    }

    /// Puts the directory's entries on the disk: a file that is there after a crash of the machine needs its name too.
    private func sync() throws(StoreError) {
        let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw .system(operation: "fsync", path: path, code: errno) }
    }

    /// Where the database is.
    package var databasePath: String { path + "/" + Self.databaseName }
}
