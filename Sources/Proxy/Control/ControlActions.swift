/// Who asks at the control socket: as the kernel knows it (SO_PEERCRED in unix(7)).
package struct ControlCaller: Sendable, Equatable {
    package var user: UInt32
    package var process: Int32

    package init(user: UInt32, process: Int32) {
        self.user = user
        self.process = process
    }

    /// For the audit log: `uid 0`.
    package var name: String { "uid \(user)" }
}

/// Which sessions to list.
package struct ControlSessionFilter: Sendable, Equatable {
    /// Only this user's.
    package var user: String?
    /// Sessions listed at the most.
    package var limit: Int

    package init(user: String? = nil, limit: Int = 1000) {
        self.user = user
        self.limit = limit
    }
}

/// Why a command isn't carried out, in a sentence for people.
package enum ControlFailure: Error, Sendable, Equatable {
    /// Nothing has that name: 404.
    case notFound(String)
    /// It isn't on, or can't be known now; or it was done in memory and can't be kept: 503.
    case unavailable(String)
}

/// What the control socket can have done. Called on threads of the socket's own, several at a time: an action may wait for the
/// disk, and answers only then.
///
/// A new value answers everything with "not on"; what is on is filled in.
package struct ControlActions: Sendable {
    package typealias Action<Input, Output> = @Sendable (Input, ControlCaller) throws(ControlFailure) -> Output

    package var sessions: Action<ControlSessionFilter, ControlSessions> = { _, _ throws(ControlFailure) in
        throw Self.sessionsAreOff
    }
    /// Ends the session with this identifier.
    package var revokeSession: Action<String, ControlEnded> = { _, _ throws(ControlFailure) in
        throw Self.sessionsAreOff
    }
    /// Ends all the sessions of this user.
    package var revokeUser: Action<String, ControlEnded> = { _, _ throws(ControlFailure) in
        throw Self.sessionsAreOff
    }
    package var devices: Action<Void, ControlDevices> = { _, _ throws(ControlFailure) in throw Self.devicesAreOff }
    /// Lets the device in that shows this code.
    package var approve: Action<String, ControlApproved> = { _, _ throws(ControlFailure) in
        throw Self.devicesAreOff
    }
    /// Turns the device away that shows this code.
    package var reject: Action<String, ControlRejected> = { _, _ throws(ControlFailure) in throw Self.devicesAreOff }
    /// Takes a device's approval back, by its identifier or the first 8 digits or more of it.
    package var remove: Action<String, ControlRemoved> = { _, _ throws(ControlFailure) in throw Self.devicesAreOff }
    /// Turns all away that wait.
    package var clear: Action<Void, ControlRejected> = { _, _ throws(ControlFailure) in throw Self.devicesAreOff }
    package var keyUses: Action<Void, ControlKeyUses> = { _, _ throws(ControlFailure) in throw Self.keysAreOff }
    package var locked: Action<Void, ControlLocks> = { _, _ throws(ControlFailure) in throw Self.locksAreOff }
    /// Takes the lock off this address or user, or off all for nil.
    package var unlock: Action<String?, ControlCleared> = { _, _ throws(ControlFailure) in throw Self.locksAreOff }
    /// So many of the newest entries.
    package var audit: Action<Int, ControlAudit> = { _, _ throws(ControlFailure) in
        throw .unavailable("nothing is kept here: the configuration has no state_dir")
    }
    package var status: Action<Void, ControlStatus> = { _, _ throws(ControlFailure) in
        throw .unavailable("the proxy has nothing to tell of itself")
    }

    package init() {}

    private static let sessionsAreOff = ControlFailure.unavailable(
        "sessions are not on: the configuration has no session directive"
    )
    private static let devicesAreOff = ControlFailure.unavailable(
        "device pairing is not on: the configuration has no device_pairing directive"
    )
    private static let keysAreOff = ControlFailure.unavailable(
        "no API keys are read: the configuration has no api_keys directive"
    )
    private static let locksAreOff = ControlFailure.unavailable("failures are not counted here")
}
