import Bytes

/// All that is known of a session. Times in milliseconds since 1970, UTC.
package struct SessionRecord: Sendable, Equatable {
    /// SHA-256 of the token; 32 bytes.
    package var digest: [UInt8]
    package var user: [UInt8]
    /// The path of the password file that proved the login.
    package var realm: String
    /// What stands for the stored password.
    package var stamp: UInt64
    package var device: DeviceID
    package var createdAt: Int64
    /// When it ends however much it is used.
    package var expiresAt: Int64
    /// Milliseconds without use after which it ends; 0 for no such limit.
    package var idle: Int64
    /// The last use that was noted.
    package var usedAt: Int64
    /// Where the login came from.
    package var address: String
    /// What the client called itself.
    package var agent: String

    package init(
        digest: [UInt8],
        user: [UInt8],
        realm: String,
        stamp: UInt64,
        device: DeviceID,
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

    /// What people call it by: the first 16 hexadecimal digits of the digest. Not a secret.
    package var id: String {
        String(decoding: Hexadecimal.encode(digest.span.extracting(first: 8)), as: UTF8.self)
    }
}
