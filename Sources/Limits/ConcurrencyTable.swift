/// How many requests or connections each key has at this moment (Nginx's `limit_conn`), shared by all loops.
package final class ConcurrencyTable: Sendable {
    /// What an attempt to acquire brought.
    package enum Outcome: Sendable, Equatable {
        /// It counts now, as one of so many. `release` it.
        case acquired(UInt32)
        /// The key has as many as it may. Nothing to release.
        case limited
        /// The table has no room for another key. Nothing to release.
        case full
    }

    private struct Shard: ~Copyable {
        var counts: BoundedTable<LimitKey, UInt32>
        var refusals: UInt64 = 0
    }

    /// Keys the table holds at the most.
    package let capacity: Int
    private let shards: Shards<Shard>
    private let seed = TableSeed()
    private let hasher = SipHash128()

    /// `capacity` is rounded up so that all shards are equal: by fewer than 16.
    package init(capacity: Int) {
        let count = capacity >= 1024 ? 16 : 1
        let each = (max(capacity, 1) + count - 1) / count
        self.capacity = each * count
        shards = Shards(count: count) { Shard(counts: BoundedTable(capacity: each)) }
    }

    /// The key of any bytes. Keyed with this table's random seed.
    package func key(of bytes: borrowing Span<UInt8>) -> LimitKey { hasher.hash(bytes) }

    /// Counts one more for `key`, unless it has `limit` already.
    package func acquire(_ key: LimitKey, limit: UInt32) -> Outcome {
        let hash = key.hash(seed)
        return shards.withShard(hash) { shard in
            if let slot = shard.counts.find(key, hash: hash) {
                guard shard.counts[slot] < limit else { return .limited }
                shard.counts[slot] += 1
                return .acquired(shard.counts[slot])
            }
            guard limit > 0 else { return .limited }
            guard shard.counts.insert(key, hash: hash, 1) != nil else {
                shard.refusals += 1
                return .full
            }
            return .acquired(1)
        }
    }

    /// Counts one less for `key`. Once for each `acquired`; more has no effect.
    package func release(_ key: LimitKey) {
        let hash = key.hash(seed)
        shards.withShard(hash) { shard in
            guard let slot = shard.counts.find(key, hash: hash) else { return }
            if shard.counts[slot] > 1 { shard.counts[slot] -= 1 } else { shard.counts.remove(slot, hash: hash) }
        }
    }

    /// Keys that count at least one, and how often the table was full.
    package var statistics: (entries: Int, refusals: UInt64) {
        var result = (entries: 0, refusals: UInt64(0))
        shards.forEach {
            result.entries += $0.counts.count
            result.refusals += $0.refusals
        }
        return result
    }
}
