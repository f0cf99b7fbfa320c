/// The file that state is kept in, for one thread at a time. Blocks on the disk.
struct StoreFile: ~Copyable {
    // Statements go before the database they belong to.
    private let putSession: Statement
    private let removeSession: Statement
    private let removeSessions: Statement
    private let sessionUsed: Statement
    private let putDevice: Statement
    private let removeDevice: Statement
    private let deviceUsed: Statement
    private let putKeyUse: Statement
    private let putMeta: Statement
    private let addAudit: Statement
    private let trimAudit: Statement
    let database: Database

    /// Entries of the audit log that are kept: the oldest go.
    static var auditLimit: Int64 { 100_000 }
    /// The row of `meta` that holds the device key.
    static var deviceKeyName: String { "device key" }

    /// Opens the file, makes it where it isn't there, and brings it to today's layout.
    static func open(path: String) throws(StoreError) -> StoreFile {
        let database = try Database.open(path: path)
        try Schema.prepare(database)
        let putSession = try database.prepare(
            "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        let removeSession = try database.prepare("DELETE FROM sessions WHERE digest = ?")
        let removeSessions = try database.prepare("DELETE FROM sessions WHERE user = ?")
        let sessionUsed = try database.prepare("UPDATE sessions SET used_at = max(used_at, ?) WHERE digest = ?")
        let putDevice = try database.prepare("INSERT OR REPLACE INTO devices VALUES (?, ?, ?, ?, ?, ?, ?)")
        let removeDevice = try database.prepare("DELETE FROM devices WHERE id = ?")
        let deviceUsed = try database.prepare(
            "UPDATE devices SET used_at = max(used_at, ?), address = ? WHERE id = ?"
        )
        let putKeyUse = try database.prepare("INSERT OR REPLACE INTO key_uses VALUES (?, ?, ?)")
        let putMeta = try database.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)")
        let addAudit = try database.prepare(
            "INSERT INTO audit (time, event, actor, subject, address, detail) VALUES (?, ?, ?, ?, ?, ?)"
        )
        let trimAudit = try database.prepare("DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?")
        return StoreFile(
            putSession: putSession,
            removeSession: removeSession,
            removeSessions: removeSessions,
            sessionUsed: sessionUsed,
            putDevice: putDevice,
            removeDevice: removeDevice,
            deviceUsed: deviceUsed,
            putKeyUse: putKeyUse,
            putMeta: putMeta,
            addAudit: addAudit,
            trimAudit: trimAudit,
            database: database
        )
    }

    // MARK: Writing

    /// Makes all the changes in one transaction, which is on the disk when this returns.
    func apply(_ changes: [StoreChange]) throws(StoreError) {
        try database.transaction { () throws(StoreError) in
            for change in changes { try apply(change) }
            try trim()
        }
    }

    /// Makes the file hold just this, and `changes` made to it. The audit log stays, and so does the device key where
    /// `contents` has none.
    func replace(with contents: StoreContents, and changes: [StoreChange]) throws(StoreError) {
        try database.transaction { () throws(StoreError) in
            try database.execute("DELETE FROM sessions; DELETE FROM devices; DELETE FROM key_uses")
            for session in contents.sessions { try apply(.putSession(session)) }
            for device in contents.devices { try apply(.putDevice(device)) }
            for use in contents.keyUses { try apply(.keyUsed(use)) }
            if let key = contents.deviceKey { try apply(.putDeviceKey(key)) }
            for change in changes { try apply(change) }
            try trim()
        }
    }

    private func trim() throws(StoreError) {
        trimAudit.bind(1, Self.auditLimit)
        try trimAudit.run(database)
    }

    private func apply(_ change: StoreChange) throws(StoreError) {
        switch change {
        case .putSession(let row):
            putSession.bind(1, row.digest)
            putSession.bind(2, row.user)
            putSession.bind(3, row.realm)
            putSession.bind(4, Int64(bitPattern: row.stamp))
            putSession.bind(5, row.device)
            putSession.bind(6, row.createdAt)
            putSession.bind(7, row.expiresAt)
            putSession.bind(8, row.idle)
            putSession.bind(9, row.usedAt)
            putSession.bind(10, row.address)
            putSession.bind(11, row.agent)
            try putSession.run(database)
        case .removeSession(let digest):
            removeSession.bind(1, digest)
            try removeSession.run(database)
        case .removeSessions(let user):
            removeSessions.bind(1, user)
            try removeSessions.run(database)
        case .sessionUsed(let digest, let time):
            sessionUsed.bind(1, time)
            sessionUsed.bind(2, digest)
            try sessionUsed.run(database)
        case .putDevice(let row):
            putDevice.bind(1, row.id)
            putDevice.bind(2, row.user)
            putDevice.bind(3, row.agent)
            putDevice.bind(4, row.approvedAt)
            putDevice.bind(5, row.approvedBy)
            putDevice.bind(6, row.usedAt)
            putDevice.bind(7, row.address)
            try putDevice.run(database)
        case .removeDevice(let id):
            removeDevice.bind(1, id)
            try removeDevice.run(database)
        case .deviceUsed(let id, let time, let address):
            deviceUsed.bind(1, time)
            deviceUsed.bind(2, address)
            deviceUsed.bind(3, id)
            try deviceUsed.run(database)
        case .keyUsed(let row):
            putKeyUse.bind(1, row.id)
            putKeyUse.bind(2, row.usedAt)
            putKeyUse.bind(3, row.count)
            try putKeyUse.run(database)
        case .putDeviceKey(let key):
            putMeta.bind(1, Self.deviceKeyName)
            putMeta.bind(2, key)
            try putMeta.run(database)
        case .audit(let row):
            addAudit.bind(1, row.time)
            addAudit.bind(2, row.event)
            addAudit.bind(3, row.actor)
            addAudit.bind(4, row.subject)
            addAudit.bind(5, row.address)
            addAudit.bind(6, row.detail)
            try addAudit.run(database)
        }
    }
}
