/// A login session, for people and scripts. In JSON, names are in snake case.
package struct ControlSession: Sendable, Equatable, Codable {
    /// The first 16 hexadecimal digits of the hash that the session is known by.
    package var id: String
    package var user: String
    /// What proved the user: the path of a password file.
    package var realm: String
    /// The device it was begun on; empty when devices aren't told apart.
    package var device: String
    package var createdAt: ControlTime
    package var usedAt: ControlTime
    /// When it ends though it be used.
    package var expiresAt: ControlTime
    /// When it ends if it isn't used again.
    package var idleUntil: ControlTime
    package var address: String
    package var agent: String

    package init(
        id: String,
        user: String,
        realm: String,
        device: String,
        createdAt: ControlTime,
        usedAt: ControlTime,
        expiresAt: ControlTime,
        idleUntil: ControlTime,
        address: String,
        agent: String
    ) {
        self.id = id
        self.user = user
        self.realm = realm
        self.device = device
        self.createdAt = createdAt
        self.usedAt = usedAt
        self.expiresAt = expiresAt
        self.idleUntil = idleUntil
        self.address = address
        self.agent = agent
    }
}

/// A device that was let in.
package struct ControlDevice: Sendable, Equatable, Codable {
    /// 32 hexadecimal digits.
    package var id: String
    package var user: String
    package var approvedAt: ControlTime
    package var approvedBy: String
    package var usedAt: ControlTime
    package var address: String
    package var agent: String

    package init(
        id: String,
        user: String,
        approvedAt: ControlTime,
        approvedBy: String,
        usedAt: ControlTime,
        address: String,
        agent: String
    ) {
        self.id = id
        self.user = user
        self.approvedAt = approvedAt
        self.approvedBy = approvedBy
        self.usedAt = usedAt
        self.address = address
        self.agent = agent
    }
}

/// A device that waits to be let in.
package struct ControlPendingDevice: Sendable, Equatable, Codable {
    /// What its page shows.
    package var code: String
    package var user: String
    package var since: ControlTime
    package var until: ControlTime
    package var address: String
    package var agent: String

    package init(
        code: String,
        user: String,
        since: ControlTime,
        until: ControlTime,
        address: String,
        agent: String
    ) {
        self.code = code
        self.user = user
        self.since = since
        self.until = until
        self.address = address
        self.agent = agent
    }
}

/// What an API key was used for so far. A key that never proved anybody has none.
package struct ControlKeyUse: Sendable, Equatable, Codable {
    /// The key's, as its file has it.
    package var id: String
    package var usedAt: ControlTime
    /// Requests that it proved, since its first.
    package var requests: Int64

    package init(id: String, usedAt: ControlTime, requests: Int64) {
        self.id = id
        self.usedAt = usedAt
        self.requests = requests
    }
}

/// Somebody who is locked out after wrong credentials.
package struct ControlLock: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable { case address, user }

    package var kind: Kind
    /// An address prefix, or a user's name as far as it is known.
    package var subject: String
    package var until: ControlTime
    package var failures: Int

    package init(kind: Kind, subject: String, until: ControlTime, failures: Int) {
        self.kind = kind
        self.subject = subject
        self.until = until
        self.failures = failures
    }
}

/// One decision in the audit log.
package struct ControlAuditEntry: Sendable, Equatable, Codable {
    package var time: ControlTime
    package var event: String
    package var actor: String
    package var subject: String
    /// Empty when from this machine.
    package var address: String
    package var detail: String

    package init(
        time: ControlTime,
        event: String,
        actor: String,
        subject: String,
        address: String,
        detail: String
    ) {
        self.time = time
        self.event = event
        self.actor = actor
        self.subject = subject
        self.address = address
        self.detail = detail
    }
}
