/// The file's layout, and how an earlier one becomes this one.
enum Schema {
    /// The layout this program writes: SQLite's `user_version`.
    static let version = 1

    /// Brings the file to this layout, in one transaction. Throws when it is of a later one.
    static func prepare(_ database: borrowing Database) throws(StoreError) {
        let found = try number(database)
        guard found <= version else { throw .newer(path: database.path, version: found) }
        if found == version { return }
        try database.transaction { () throws(StoreError) in
            if found < 1 { try first(database) }
        }
    }

    private static func number(_ database: borrowing Database) throws(StoreError) -> Int {
        let statement = try database.prepare("PRAGMA user_version")
        let hasRow = try statement.step(database)
        return hasRow ? Int(statement.integer(0)) : 0
    }

    private static func first(_ database: borrowing Database) throws(StoreError) {
        try database.execute(
            """
            CREATE TABLE sessions (
                digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
                user BLOB NOT NULL,
                realm TEXT NOT NULL,
                stamp INTEGER NOT NULL,
                device TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                idle INTEGER NOT NULL,
                used_at INTEGER NOT NULL,
                address TEXT NOT NULL,
                agent TEXT NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE devices (
                id TEXT NOT NULL,
                user BLOB NOT NULL,
                agent TEXT NOT NULL,
                approved_at INTEGER NOT NULL,
                approved_by TEXT NOT NULL,
                used_at INTEGER NOT NULL,
                address TEXT NOT NULL,
                PRIMARY KEY (id, user)
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE key_uses (
                id TEXT PRIMARY KEY,
                used_at INTEGER NOT NULL,
                count INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE meta (
                name TEXT PRIMARY KEY,
                value BLOB NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE audit (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                time INTEGER NOT NULL,
                event TEXT NOT NULL,
                actor TEXT NOT NULL,
                subject TEXT NOT NULL,
                address TEXT NOT NULL,
                detail TEXT NOT NULL
            ) STRICT;
            PRAGMA user_version = 1;
            """
        )
    }
}
