import CSQLite

/// A connection to an SQLite file, for one thread at a time.
@safe
struct Database: ~Copyable {
    private let handle: OpaquePointer
    let path: String

    /// Milliseconds to wait for another connection, a backup's say.
    private static var busyTimeout: Int32 { 2000 }

    /// Opens the file; makes it where it isn't there.
    ///
    /// It writes ahead to a log that is on the disk when a transaction is confirmed (`journal_mode=WAL`, `synchronous=FULL`).
    static func open(path: String) throws(StoreError) -> Database {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW
        let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard let opened = unsafe opened else { throw .database(path: path, code: code, message: "out of memory") }
        let database = unsafe Database(opened, path)
        guard code == SQLITE_OK else { throw database.error() }
        try database.configure()
        return database
    }

    /// Takes an open connection over.
    @unsafe
    private init(_ handle: OpaquePointer, _ path: String) {
        unsafe self.handle = handle
        self.path = path
    }

    private func configure() throws(StoreError) {
        unsafe sqlite3_extended_result_codes(handle, 1)
        unsafe sqlite3_busy_timeout(handle, Self.busyTimeout)
        guard unsafe csqlite_harden(handle) == SQLITE_OK else { throw error() }
        try execute("PRAGMA journal_mode = WAL")
        try execute("PRAGMA synchronous = FULL")
        // What is deleted is overwritten.
        try execute("PRAGMA secure_delete = ON")
        // The log's file is cut back to this many bytes when it has been worked in.
        try execute("PRAGMA journal_size_limit = 4194304")
    }

    deinit { unsafe sqlite3_close_v2(handle) }

    /// Runs statements that need no values and give none that matter.
    func execute(_ text: StaticString) throws(StoreError) {
        let code = text.withUTF8Buffer { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) {
                unsafe sqlite3_exec(handle, $0.baseAddress!, nil, nil, nil)
            }
        }
        if code != SQLITE_OK { throw error() }
    }

    /// Makes a statement ready to be run many times.
    func prepare(_ text: StaticString) throws(StoreError) -> Statement {
        var statement: OpaquePointer?
        let code = text.withUTF8Buffer { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) {
                let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
                return unsafe sqlite3_prepare_v3(handle, $0.baseAddress!, Int32($0.count), flags, &statement, nil)
            }
        }
        guard code == SQLITE_OK, let statement = unsafe statement else { throw error() }
        return unsafe Statement(statement)
    }

    /// Runs `body` as one transaction: all of it is kept, or nothing.
    func transaction(_ body: () throws(StoreError) -> Void) throws(StoreError) {
        try execute("BEGIN IMMEDIATE")
        do throws(StoreError) {
            try body()
            try execute("COMMIT")
        } catch {
            // Some errors have rolled back already.
            try? execute("ROLLBACK")
            throw error
        }
    }

    /// What went wrong last.
    func error() -> StoreError {
        .database(
            path: path,
            code: unsafe sqlite3_extended_errcode(handle),
            message: unsafe String(cString: sqlite3_errmsg(handle))
        )
    }
}
