/// Who callers of a location may be, how they prove it, and what the gateway is told of them.
package struct IdentityRules: Sendable, Equatable {
    /// Index into `ProxyConfiguration.keyFiles` (`api_keys`).
    package var keyFile: Int?
    /// nil: a login mints no cookie.
    package var session: SessionRules?
    /// Browsers get a page to log in on instead of a prompt.
    package var hasLoginForm = false
    /// nil: any device will do.
    package var pairing: PairingRules?
    /// nil: wrong credentials are not limited.
    package var failures: FailureRules?
    package var gateway = GatewayAuth.pass
    /// Methods, in upper case, that need no login here (`public`); `*` for all. Empty: none.
    package var openMethods: [String] = []

    package init() {}
}

/// `session`: the cookie that a login mints.
package struct SessionRules: Sendable, Equatable {
    package enum SameSite: Sendable, Equatable { case strict, lax }

    /// From the login to its end, whatever is done; nanoseconds.
    package var timeout: UInt64 = 7_200_000_000_000
    /// Without a request and without an open stream; nanoseconds.
    package var idle: UInt64 = 1_800_000_000_000
    /// Sessions of one user at the same time.
    package var maxConcurrent = 10
    /// One more ends the one that was used least recently; else its login is refused.
    package var evictsOldest = true
    package var sameSite = SameSite.lax

    package init() {}
}

/// `device_pairing`
package struct PairingRules: Sendable, Equatable {
    /// How long a device waits for a decision; nanoseconds.
    package var timeout: UInt64 = 300_000_000_000
    /// Devices that wait at the same time; one more and the oldest is refused.
    package var maxPending = 5
    package var approvesAll = false

    package init() {}
}

/// `auth_failures`: wrong credentials of one address, or for one user.
package struct FailureRules: Sendable, Equatable {
    /// So many in `window` are borne.
    package var count = 10
    /// Nanoseconds.
    package var window: UInt64 = 60_000_000_000
    /// How long nobody is listened to after that; nanoseconds.
    package var lock: UInt64 = 300_000_000_000

    package init() {}
}

/// `gateway_auth`: how the gateway is told who calls.
package enum GatewayAuth: Sendable, Equatable {
    /// What the client sent, but for what is Postern's own.
    case pass
    /// The gateway's token in `Authorization`, for proved callers.
    case bearer(SecretReference)
    /// The caller's name and scopes, in fields that no client can set. Names in lower case.
    case trustedProxy(userField: [UInt8], scopesField: [UInt8])
}

/// Where a secret is kept.
package enum SecretReference: Sendable, Hashable {
    /// `env:NAME`
    case environment(String)
    /// `file:PATH`, an absolute path
    case file(String)
    /// `secret:NAME`, a line of the `secrets` file
    case named(String)
}

/// `secrets PATH identity=PATH`: lines of `NAME=VALUE`, encrypted by age.
package struct SecretFile: Sendable, Equatable {
    package var path: String
    /// The key that age decrypts it with; nil for a file in the clear.
    package var identity: String?

    package init(path: String, identity: String?) {
        self.path = path
        self.identity = identity
    }
}
