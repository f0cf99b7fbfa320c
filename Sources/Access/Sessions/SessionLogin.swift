/// A proved login, from which a session begins.
package struct SessionLogin: Sendable, Equatable {
    /// The user's name: at most `SessionTable.maximumUser` bytes.
    package var user: [UInt8]
    /// The path of the password file that proved it.
    package var realm: String
    /// What stands for the stored password: once another one is stored, the session is to end.
    package var stamp: UInt64
    /// The browser, or `.none` where devices aren't told apart.
    package var device: DeviceID
    /// Where the login came from; kept to 64 bytes.
    package var address: String
    /// What the client calls itself; kept to 128 bytes.
    package var agent: String

    package init(
        user: [UInt8],
        realm: String,
        stamp: UInt64,
        device: DeviceID = .none,
        address: String = "",
        agent: String = ""
    ) {
        self.user = user
        self.realm = realm
        self.stamp = stamp
        self.device = device
        self.address = address
        self.agent = agent
    }
}

/// What became of a login.
package enum SessionStart: Sendable, Equatable {
    /// A session began. `token` is for the client alone: 43 characters, kept nowhere. `ended` are the sessions that made room.
    case began(token: [UInt8], handle: SessionHandle, ended: [SessionRecord])
    case refused(SessionRefusal)
}

/// Why no session began.
package enum SessionRefusal: Sendable, Equatable {
    /// The user has as many sessions as the policy allows.
    case tooMany
    /// The table holds as many sessions as it can.
    case full
    /// The user's name is longer than `SessionTable.maximumUser` bytes.
    case longName
}
