import Access
import Bytes
import EventLoop
import Glibc
import Store
import Synchronization

/// What the command line can ask of a running proxy.
extension IdentityService {
    /// The actions of the control socket.
    func controlActions(startedAt: Int64) -> ControlActions {
        var actions = ControlActions()
        actions.sessions = { [self] filter, _ in list(filter) }
        actions.revokeSession = { [self] id, caller throws(ControlFailure) in try revoke(id, caller) }
        actions.revokeUser = { [self] user, caller throws(ControlFailure) in try revoke(user: user, caller) }
        actions.devices = { [self] _, _ in
            ControlDevices(
                pending: devices.listPending(now: date).map { ControlPendingDevice($0) },
                approved: devices.list().map { ControlDevice($0) }
            )
        }
        actions.approve = { [self] code, caller throws(ControlFailure) in try approve(code, caller) }
        actions.reject = { [self] code, caller throws(ControlFailure) in try reject(code, caller) }
        actions.remove = { [self] id, caller throws(ControlFailure) in try remove(id, caller) }
        actions.clear = { [self] _, caller in
            let devices = devices.clearPending(now: date)
            decided("device refused", devices, by: caller)
            return ControlRejected(rejected: devices.map { ControlPendingDevice($0) })
        }
        actions.keyUses = { [self] _, _ in
            ControlKeyUses(uses: keyUses.sorted { $0.usedAt > $1.usedAt }.map { ControlKeyUse($0) })
        }
        actions.locked = { [self] _, _ in ControlLocks(locked: failures.list(now: date).map { ControlLock($0) }) }
        actions.unlock = { [self] subject, caller throws(ControlFailure) in
            let cleared = failures.clear(subject, now: date)
            if cleared == 0, let subject { throw .notFound("\"\(subject)\" is not locked") }
            audit("unlocked", actor: Array(caller.name.utf8), subject: subject ?? "all", address: "", detail: "")
            return ControlCleared(cleared: cleared)
        }
        actions.audit = { [self] limit, _ throws(ControlFailure) in try readAudit(limit) }
        actions.status = { [self] _, _ in
            ControlStatus(
                version: Version.text,
                process: Int(getpid()),
                startedAt: ControlTime(startedAt),
                sessions: sessions.count,
                devices: devices.list().count,
                pendingDevices: devices.listPending(now: date).count,
                locked: failures.list(now: date).count,
                stateFailure: state.withLock { $0 }?.failure.map { "\($0)" }
            )
        }
        return actions
    }

    // MARK: Sessions

    private func list(_ filter: ControlSessionFilter) -> ControlSessions {
        let user = filter.user.map { Array($0.utf8) }
        let found = sessions.list(now: date).filter { user == nil || $0.user == user }
        return ControlSessions(sessions: found.prefix(filter.limit).map { ControlSession($0) }, total: found.count)
    }

    private func revoke(_ id: String, _ caller: ControlCaller) throws(ControlFailure) -> ControlEnded {
        guard let record = sessions.end(id: id) else { throw .notFound("there is no session \"\(id)\"") }
        try commit(revocations([record], by: caller))
        return ControlEnded(ended: [ControlSession(record)])
    }

    private func revoke(user: String, _ caller: ControlCaller) throws(ControlFailure) -> ControlEnded {
        let records = sessions.endAll(user: Array(user.utf8))
        // While what is kept can't be read, there may be sessions in it that memory doesn't know: the removal waits for them.
        if records.isEmpty, isKept { throw .notFound("\"\(user)\" has no session") }
        try commit([.removeSessions(user: Array(user.utf8))] + revocations(records, by: caller))
        return ControlEnded(ended: records.map { ControlSession($0) })
    }

    private func revocations(_ records: [SessionRecord], by caller: ControlCaller) -> [StoreChange] {
        records.flatMap { record in
            [
                .removeSession(digest: record.digest),
                entry(
                    "session revoked",
                    by: caller,
                    subject: record.id,
                    detail: String(decoding: record.user, as: UTF8.self)
                ),
            ]
        }
    }

    // MARK: Devices

    private func approve(_ code: String, _ caller: ControlCaller) throws(ControlFailure) -> ControlApproved {
        switch devices.approve(code: code, by: caller.name, now: date) {
        case .approved(let record):
            let detail = String(decoding: record.user, as: UTF8.self)
            let changes: [StoreChange] = [
                .putDevice(DeviceRow(record)),
                entry("device approved", by: caller, subject: record.id.hexadecimal, detail: detail),
            ]
            do throws(StoreError) {
                try keepNow(changes)
            } catch {
                // What can't be kept isn't granted: the device asks anew.
                devices.withdraw(record)
                throw .unavailable("the approval can't be kept, so the device is not let in: \(error)")
            }
            log.notice("device \(record.id.hexadecimal) was approved by \(caller.name)")
            return ControlApproved(approved: ControlDevice(record))
        case .unknownCode: throw .notFound("no device waits by the code \"\(code)\"")
        case .full: throw .unavailable("as many devices are approved as there is room for: remove one first")
        }
    }

    private func reject(_ code: String, _ caller: ControlCaller) throws(ControlFailure) -> ControlRejected {
        guard let device = devices.reject(code: code, now: date) else {
            throw .notFound("no device waits by the code \"\(code)\"")
        }
        decided("device refused", [device], by: caller)
        return ControlRejected(rejected: [ControlPendingDevice(device)])
    }

    private func remove(_ id: String, _ caller: ControlCaller) throws(ControlFailure) -> ControlRemoved {
        let records = devices.remove(id)
        guard let record = records.first else {
            throw .notFound("there is no device \"\(id)\", or several begin so: give 8 digits or more of its id")
        }
        let ended = sessions.endAll(device: record.id)
        var changes: [StoreChange] = records.map { .removeDevice(id: $0.id.hexadecimal) }
        changes += revocations(ended, by: caller)
        changes.append(
            entry(
                "device removed",
                by: caller,
                subject: record.id.hexadecimal,
                detail: String(decoding: record.user, as: UTF8.self)
            )
        )
        try commit(changes)
        return ControlRemoved(removed: ControlDevice(record), ended: ended.map { ControlSession($0) })
    }

    private func decided(_ event: String, _ devices: [PendingDevice], by caller: ControlCaller) {
        for device in devices { keep(entry(event, by: caller, subject: device.code, detail: device.address)) }
    }

    // MARK: Store

    private func entry(_ event: String, by caller: ControlCaller, subject: String, detail: String) -> StoreChange {
        .audit(AuditRow(time: date, event: event, actor: caller.name, subject: subject, address: "", detail: detail))
    }

    /// Returns once the changes are on the disk. What they say holds in memory already.
    private func commit(_ changes: [StoreChange]) throws(ControlFailure) {
        do throws(StoreError) {
            try keepNow(changes)
        } catch {
            throw .unavailable("done, but only until the next start: state can't be kept: \(error)")
        }
    }

    private func keepNow(_ changes: [StoreChange]) throws(StoreError) {
        guard let store = state.withLock({ $0 }) else { return }
        try store.commit(changes)
    }

    private func readAudit(_ limit: Int) throws(ControlFailure) -> ControlAudit {
        guard let store = state.withLock({ $0 }) else {
            throw .unavailable("nothing is kept here: the configuration has no state_dir")
        }
        do throws(StoreError) {
            return ControlAudit(entries: try store.audit(limit: limit).map { ControlAuditEntry($0) })
        } catch {
            throw .unavailable("the audit log can't be read: \(error)")
        }
    }
}

extension ControlSession {
    init(_ record: SessionRecord) {
        self.init(
            id: record.id,
            user: String(decoding: record.user, as: UTF8.self),
            realm: record.realm,
            device: record.device == .none ? "" : record.device.hexadecimal,
            createdAt: ControlTime(record.createdAt),
            usedAt: ControlTime(record.usedAt),
            expiresAt: ControlTime(record.expiresAt),
            idleUntil: ControlTime(record.idle > 0 ? record.usedAt + record.idle : record.expiresAt),
            address: record.address,
            agent: record.agent
        )
    }
}

extension ControlDevice {
    init(_ record: DeviceRecord) {
        self.init(
            id: record.id.hexadecimal,
            user: String(decoding: record.user, as: UTF8.self),
            approvedAt: ControlTime(record.approvedAt),
            approvedBy: record.approvedBy,
            usedAt: ControlTime(record.usedAt),
            address: record.address,
            agent: record.agent
        )
    }
}

extension ControlPendingDevice {
    init(_ device: PendingDevice) {
        self.init(
            code: device.code,
            user: String(decoding: device.user, as: UTF8.self),
            since: ControlTime(device.since),
            until: ControlTime(device.until),
            address: device.address,
            agent: device.agent
        )
    }
}

extension ControlKeyUse {
    init(_ row: KeyUseRow) {
        self.init(id: row.id, usedAt: ControlTime(row.usedAt), requests: row.count)
    }
}

extension ControlLock {
    init(_ record: LockRecord) {
        self.init(
            kind: record.kind == .address ? .address : .user,
            subject: record.subject,
            until: ControlTime(record.until),
            failures: Int(record.failures)
        )
    }
}

extension ControlAuditEntry {
    init(_ row: AuditRow) {
        self.init(
            time: ControlTime(row.time),
            event: row.event,
            actor: row.actor,
            subject: row.subject,
            address: row.address,
            detail: row.detail
        )
    }
}
