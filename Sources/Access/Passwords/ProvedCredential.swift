package import Bytes
package import Limits

/// The credentials that one connection proved last: when it sends the same field again, nothing has to be taken apart or
/// looked up.
///
/// What it keeps is a keyed hash of the field's value, never the value. It holds for the very table of users that the
/// credentials were proved against: a changed file makes another table.
package struct ProvedCredential: ~Copyable {
    private var fingerprint = LimitKey(high: 0, low: 0)
    /// The table's number, or zero while nothing is proved.
    private var table: UInt64 = 0
    /// The user's name.
    package private(set) var user = ByteBuffer()
    /// What the caller of `remember` has stand for the stored password; it is nobody's secret.
    package private(set) var stamp: UInt64 = 0

    package init() {}

    /// Whether `value`, of an `Authorization` field, is what was proved against `table`.
    package func matches(_ value: borrowing Span<UInt8>, _ table: PasswordTable, _ hasher: SipHash128) -> Bool {
        // No table's number is zero.
        if self.table != table.number { return false }
        let hash = hasher.hash(value)
        return (hash.low ^ fingerprint.low) | (hash.high ^ fingerprint.high) == 0
    }

    /// Remembers that `value` was proved against `table` as `user`'s.
    package mutating func remember(
        _ value: borrowing Span<UInt8>,
        _ table: PasswordTable,
        _ hasher: SipHash128,
        user: borrowing Span<UInt8>,
        stamp: UInt64 = 0
    ) {
        fingerprint = hasher.hash(value)
        self.table = table.number
        self.stamp = stamp
        if self.user.capacity < user.count { self.user = ByteBuffer(capacity: max(user.count, 16)) }
        self.user.clear()
        self.user.append(user)
    }

    /// Forgets it, and gives its storage back.
    package mutating func forget() {
        if table == 0 { return }
        table = 0
        fingerprint = LimitKey(high: 0, low: 0)
        user = ByteBuffer()
    }
}
