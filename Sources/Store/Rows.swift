/// A login session as it is kept. Times in milliseconds since 1970, UTC.
package struct SessionRow: Sendable, Equatable {
    /// SHA-256 of the token: the token itself is kept nowhere.
    package var digest: [UInt8]
    /// The name as bytes: a password file may hold any.
    package var user: [UInt8]
    /// What proved the user: the path of a password file.
    package var realm: String
    /// Tells the stored password that was proved from a later one.
    package var stamp: UInt64
    /// The device it was begun on; empty when devices aren't told apart.
    package var device: String
    package var createdAt: Int64
    package var expiresAt: Int64
    /// Milliseconds without use after which it ends.
    package var idle: Int64
    package var usedAt: Int64
    /// Where it was begun.
    package var address: String
    /// What the browser called itself.
    package var agent: String

    package init(
        digest: [UInt8],
        user: [UInt8],
        realm: String,
        stamp: UInt64,
        device: String,
        createdAt: Int64,
        expiresAt: Int64,
        idle: Int64,
        usedAt: Int64,
        address: String,
        agent: String
    ) {
        self.digest = digest
        self.user = user
        self.realm = realm
        self.stamp = stamp
        self.device = device
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.idle = idle
        self.usedAt = usedAt
        self.address = address
        self.agent = agent
    }
}

/// A device that was let in. Times in milliseconds since 1970, UTC.
package struct DeviceRow: Sendable, Equatable {
    package var id: String
    package var user: [UInt8]
    /// What the browser called itself.
    package var agent: String
    package var approvedAt: Int64
    /// Who let it in.
    package var approvedBy: String
    package var usedAt: Int64
    /// Where it was seen last.
    package var address: String

    package init(
        id: String,
        user: [UInt8],
        agent: String,
        approvedAt: Int64,
        approvedBy: String,
        usedAt: Int64,
        address: String
    ) {
        self.id = id
        self.user = user
        self.agent = agent
        self.approvedAt = approvedAt
        self.approvedBy = approvedBy
        self.usedAt = usedAt
        self.address = address
    }
}

/// When a key was used last, in milliseconds since 1970, UTC, and how often.
package struct KeyUseRow: Sendable, Equatable {
    package var id: String
    package var usedAt: Int64
    package var count: Int64

    package init(id: String, usedAt: Int64, count: Int64) {
        self.id = id
        self.usedAt = usedAt
        self.count = count
    }
}

/// One decision, for those who ask later.
package struct AuditRow: Sendable, Equatable {
    /// Milliseconds since 1970, UTC.
    package var time: Int64
    /// What was decided: `device approved`.
    package var event: String
    /// Who decided.
    package var actor: String
    /// About whom or what.
    package var subject: String
    /// From where; empty when from this machine.
    package var address: String
    package var detail: String

    package init(time: Int64, event: String, actor: String, subject: String, address: String, detail: String) {
        self.time = time
        self.event = event
        self.actor = actor
        self.subject = subject
        self.address = address
        self.detail = detail
    }
}

/// All that must outlive the process, but for the audit log.
package struct StoreContents: Sendable, Equatable {
    package var sessions: [SessionRow]
    package var devices: [DeviceRow]
    package var keyUses: [KeyUseRow]
    /// The secret that device cookies are signed with; nil where none was ever made.
    package var deviceKey: [UInt8]?

    package init(
        sessions: [SessionRow] = [],
        devices: [DeviceRow] = [],
        keyUses: [KeyUseRow] = [],
        deviceKey: [UInt8]? = nil
    ) {
        self.sessions = sessions
        self.devices = devices
        self.keyUses = keyUses
        self.deviceKey = deviceKey
    }
}

/// One thing to be kept, or to be kept no more.
package enum StoreChange: Sendable, Equatable {
    case putSession(SessionRow)
    case removeSession(digest: [UInt8])
    /// All of one user's, those that memory doesn't know among them.
    case removeSessions(user: [UInt8])
    /// Milliseconds since 1970, UTC.
    case sessionUsed(digest: [UInt8], at: Int64)
    case putDevice(DeviceRow)
    case removeDevice(id: String)
    case deviceUsed(id: String, at: Int64, address: String)
    case keyUsed(KeyUseRow)
    case putDeviceKey([UInt8])
    case audit(AuditRow)
}

extension StoreChange {
    var isAudit: Bool {
        if case .audit = self { true } else { false }
    }

    /// Whether it takes somebody's way in.
    var isRemoval: Bool {
        switch self {
        case .removeSession, .removeSessions, .removeDevice: true
        case .putSession, .sessionUsed, .putDevice, .deviceUsed, .keyUsed, .putDeviceKey, .audit: false
        }
    }
}
