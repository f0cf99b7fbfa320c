package import Limits

/// The API key that one connection proved last: when it sends the same again, no SHA-256 has to be computed.
///
/// What it keeps is a keyed hash of the key, never the key, and which table had it: a file that was read anew is another
/// table. Whether the key has expired is still to be asked.
package struct ProvedKey: BitwiseCopyable, Sendable {
    private var fingerprint = LimitKey(high: 0, low: 0)
    /// No table has the number 0.
    private var table: UInt64 = 0
    private var index = APIKeyTable.Index(value: 0)

    package init() {}

    /// Where `key` stands in the table of that number, or nil when it is another one than last time, or the table is.
    package func matches(
        _ key: borrowing Span<UInt8>,
        table number: UInt64,
        _ hasher: SipHash128
    ) -> APIKeyTable.Index? {
        guard number == table, key.count <= APIKeyTable.longestKey else { return nil }
        let hash = hasher.hash(key)
        return (hash.low ^ fingerprint.low) | (hash.high ^ fingerprint.high) == 0 ? index : nil
    }

    /// Remembers that `key` is the one at `index` of `table`.
    package mutating func remember(
        _ key: borrowing Span<UInt8>,
        _ table: APIKeyTable,
        _ hasher: SipHash128,
        _ index: APIKeyTable.Index
    ) {
        fingerprint = hasher.hash(key)
        self.table = table.number
        self.index = index
    }

    /// Forgets it.
    package mutating func forget() { self = ProvedKey() }
}
