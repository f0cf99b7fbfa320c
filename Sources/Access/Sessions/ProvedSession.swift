package import Limits

/// The session that one connection proved last: when it sends the same cookie again, nothing has to be looked up.
///
/// What it keeps is a keyed hash of the token, never the token. Whether the session still lives is the table's to say.
package struct ProvedSession: BitwiseCopyable, Sendable {
    private var fingerprint = LimitKey(high: 0, low: 0)
    private var handle = SessionHandle.none

    package init() {}

    /// The session that `cookie` was proved to be, or nil when it is another one than last time.
    package func matches(_ cookie: borrowing Span<UInt8>, _ hasher: SipHash128) -> SessionHandle? {
        if handle == .none { return nil }
        let hash = hasher.hash(cookie)
        return (hash.low ^ fingerprint.low) | (hash.high ^ fingerprint.high) == 0 ? handle : nil
    }

    /// Remembers that `cookie` is the token of `handle`.
    package mutating func remember(_ cookie: borrowing Span<UInt8>, _ hasher: SipHash128, _ handle: SessionHandle) {
        fingerprint = hasher.hash(cookie)
        self.handle = handle
    }

    /// Forgets it.
    package mutating func forget() { self = ProvedSession() }
}
