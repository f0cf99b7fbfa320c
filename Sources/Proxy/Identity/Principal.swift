import Access

/// Who calls: decided once, in the access phase, before the gateway is told anything.
///
/// The name is in the exchange's `user`, so that this stays a plain value.
struct Principal: BitwiseCopyable {
    /// What proved it.
    enum Proof: UInt8 {
        /// Nobody is known: the location asks for no login, or the path is public.
        case none
        /// An address that the rules let in without a login (`satisfy any`).
        case address
        case password
        case session
        case key

        var text: StaticString {
            switch self {
            case .none: ""
            case .address: "address"
            case .password: "password"
            case .session: "session"
            case .key: "key"
            }
        }
    }

    var proof = Proof.none
    /// What it may do; the gateway is told their scopes.
    var permissions = PermissionSet()
    /// The session, where that is what proved it.
    var session = SessionHandle.none
    /// The browser, where it is known.
    var device = DeviceID.none
    /// Until when it holds, in milliseconds since 1970: a key's expiry.
    var expiresAt = Int64.max
    /// What stands for the password or key that proved it; 0 where neither did.
    var stamp: UInt64 = 0
}
