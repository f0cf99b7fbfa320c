/// `GET /v1/sessions`
package struct ControlSessions: Sendable, Equatable, Codable {
    package var sessions: [ControlSession]
    /// How many there are, shown or not.
    package var total: Int

    package init(sessions: [ControlSession], total: Int) {
        self.sessions = sessions
        self.total = total
    }
}

/// `POST /v1/sessions/revoke` and `…/revoke-user`: what was ended.
package struct ControlEnded: Sendable, Equatable, Codable {
    package var ended: [ControlSession]

    package init(ended: [ControlSession]) { self.ended = ended }
}

/// `GET /v1/devices`
package struct ControlDevices: Sendable, Equatable, Codable {
    package var pending: [ControlPendingDevice]
    package var approved: [ControlDevice]

    package init(pending: [ControlPendingDevice], approved: [ControlDevice]) {
        self.pending = pending
        self.approved = approved
    }
}

/// `POST /v1/devices/approve`
package struct ControlApproved: Sendable, Equatable, Codable {
    package var approved: ControlDevice

    package init(approved: ControlDevice) { self.approved = approved }
}

/// `POST /v1/devices/reject` and `…/clear`: whose waiting is over.
package struct ControlRejected: Sendable, Equatable, Codable {
    package var rejected: [ControlPendingDevice]

    package init(rejected: [ControlPendingDevice]) { self.rejected = rejected }
}

/// `POST /v1/devices/remove`: the device, and the sessions on it.
package struct ControlRemoved: Sendable, Equatable, Codable {
    package var removed: ControlDevice
    package var ended: [ControlSession]

    package init(removed: ControlDevice, ended: [ControlSession]) {
        self.removed = removed
        self.ended = ended
    }
}

/// `GET /v1/keys/uses`: the key used last comes first.
package struct ControlKeyUses: Sendable, Equatable, Codable {
    package var uses: [ControlKeyUse]

    package init(uses: [ControlKeyUse]) { self.uses = uses }
}

/// `GET /v1/locked`
package struct ControlLocks: Sendable, Equatable, Codable {
    package var locked: [ControlLock]

    package init(locked: [ControlLock]) { self.locked = locked }
}

/// `POST /v1/locked/clear`: how many locks were taken off.
package struct ControlCleared: Sendable, Equatable, Codable {
    package var cleared: Int

    package init(cleared: Int) { self.cleared = cleared }
}

/// `GET /v1/audit`: the newest first.
package struct ControlAudit: Sendable, Equatable, Codable {
    package var entries: [ControlAuditEntry]

    package init(entries: [ControlAuditEntry]) { self.entries = entries }
}

/// `GET /v1/status`
package struct ControlStatus: Sendable, Equatable, Codable {
    package var version: String
    package var process: Int
    package var startedAt: ControlTime
    package var sessions: Int
    package var devices: Int
    package var pendingDevices: Int
    package var locked: Int
    /// Why state can't be kept; absent while it can.
    package var stateFailure: String?

    package init(
        version: String,
        process: Int,
        startedAt: ControlTime,
        sessions: Int,
        devices: Int,
        pendingDevices: Int,
        locked: Int,
        stateFailure: String?
    ) {
        self.version = version
        self.process = process
        self.startedAt = startedAt
        self.sessions = sessions
        self.devices = devices
        self.pendingDevices = pendingDevices
        self.locked = locked
        self.stateFailure = stateFailure
    }
}

/// Why a command wasn't carried out.
package struct ControlError: Sendable, Equatable, Codable {
    package var error: String

    package init(error: String) { self.error = error }
}
