extension StoreFile {
    /// Forgets sessions that ended before `time` (milliseconds since 1970, UTC): nobody removes what was over before the
    /// process began.
    func removeSessions(endedBefore time: Int64) throws(StoreError) {
        let statement = try database.prepare("DELETE FROM sessions WHERE expires_at < ?")
        statement.bind(1, time)
        try statement.run(database)
    }

    /// What SQLite finds wrong with the file: nothing, mostly. Reads all of it.
    func flaws() throws(StoreError) -> [String] {
        let statement = try database.prepare("PRAGMA integrity_check")
        var flaws: [String] = []
        while try statement.step(database) { flaws.append(statement.text(0)) }
        return flaws == ["ok"] ? [] : flaws
    }

    /// All that is kept, but for sessions that ended before `now` (milliseconds since 1970, UTC).
    func contents(now: Int64) throws(StoreError) -> StoreContents {
        var contents = StoreContents()
        let sessions = try database.prepare(
            """
            SELECT digest, user, realm, stamp, device, created_at, expires_at, idle, used_at, address, agent
            FROM sessions WHERE expires_at > ?
            """
        )
        sessions.bind(1, now)
        while try sessions.step(database) {
            contents.sessions.append(
                SessionRow(
                    digest: sessions.bytes(0),
                    user: sessions.bytes(1),
                    realm: sessions.text(2),
                    stamp: UInt64(bitPattern: sessions.integer(3)),
                    device: sessions.text(4),
                    createdAt: sessions.integer(5),
                    expiresAt: sessions.integer(6),
                    idle: sessions.integer(7),
                    usedAt: sessions.integer(8),
                    address: sessions.text(9),
                    agent: sessions.text(10)
                )
            )
        }
        let devices = try database.prepare(
            "SELECT id, user, agent, approved_at, approved_by, used_at, address FROM devices ORDER BY id"
        )
        while try devices.step(database) {
            contents.devices.append(
                DeviceRow(
                    id: devices.text(0),
                    user: devices.bytes(1),
                    agent: devices.text(2),
                    approvedAt: devices.integer(3),
                    approvedBy: devices.text(4),
                    usedAt: devices.integer(5),
                    address: devices.text(6)
                )
            )
        }
        let uses = try database.prepare("SELECT id, used_at, count FROM key_uses ORDER BY id")
        while try uses.step(database) {
            contents.keyUses.append(KeyUseRow(id: uses.text(0), usedAt: uses.integer(1), count: uses.integer(2)))
        }
        let meta = try database.prepare("SELECT value FROM meta WHERE name = ?")
        meta.bind(1, Self.deviceKeyName)
        while try meta.step(database) { contents.deviceKey = meta.bytes(0) }
        return contents
    }

    /// Entries of the audit log, the newest first.
    func audit(limit: Int) throws(StoreError) -> [AuditRow] {
        let statement = try database.prepare(
            "SELECT time, event, actor, subject, address, detail FROM audit ORDER BY number DESC LIMIT ?"
        )
        statement.bind(1, Int64(limit))
        var rows: [AuditRow] = []
        while try statement.step(database) {
            rows.append(
                AuditRow(
                    time: statement.integer(0),
                    event: statement.text(1),
                    actor: statement.text(2),
                    subject: statement.text(3),
                    address: statement.text(4),
                    detail: statement.text(5)
                )
            )
        }
        return rows
    }
}
