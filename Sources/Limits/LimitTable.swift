/// Buckets by key, shared by all loops, in memory that never grows beyond its bound.
///
/// When a shard is full, its least recently used bucket makes room; that key starts anew.
package final class LimitTable: Sendable {
    private struct Shard: ~Copyable {
        var buckets: BoundedTable<LimitKey, TokenBucket>
        var clock = SteadyClock()
        var evictions: UInt64 = 0
    }

    /// Buckets the table holds at the most.
    package let capacity: Int
    private let shards: Shards<Shard>
    private let seed = TableSeed()
    private let hasher = SipHash128()

    /// `capacity` is rounded up so that all shards are equal: by fewer than 16.
    package init(capacity: Int) {
        // Small tables have one shard, so that what is evicted is what was used least recently in the whole table.
        let count = capacity >= 1024 ? 16 : 1
        let each = (max(capacity, 1) + count - 1) / count
        self.capacity = each * count
        shards = Shards(count: count) { Shard(buckets: BoundedTable(capacity: each)) }
    }

    /// A table for a zone of Nginx's `limit_req_zone`: one bucket for each 128 bytes, as Nginx has on 64-bit machines.
    package convenience init(zoneBytes: Int) {
        self.init(capacity: min(max(zoneBytes / 128, 16), 1 << 26))
    }

    /// The key of any bytes: a name, a field's value. Keyed with this table's random seed.
    package func key(of bytes: borrowing Span<UInt8>) -> LimitKey { hasher.hash(bytes) }

    /// Takes one request of `key` into account at `now`, in nanoseconds.
    ///
    /// When several limits apply and a later one rejects, `refund` those that let it pass: Nginx counts a request only if
    /// all do. Should the clock step back, the buckets stand still for that instant and drain on from there.
    package func decide(_ key: LimitKey, _ rule: LimitRule, now: UInt64) -> LimitDecision {
        let hash = key.hash(seed)
        return shards.withShard(hash) { shard in
            let now = shard.clock.advance(to: now)
            if let slot = shard.buckets.find(key, hash: hash) {
                shard.buckets.touch(slot)
                return shard.buckets[slot].take(rule, now: now)
            }
            if shard.buckets.count == shard.buckets.capacity, shard.buckets.evictOldest(seed) { shard.evictions += 1 }
            var bucket = TokenBucket()
            let decision = bucket.take(rule, now: now)
            _ = shard.buckets.insert(key, hash: hash, bucket)
            return decision
        }
    }

    /// Takes back one request that `decide` has let pass or delayed.
    package func refund(_ key: LimitKey, _ rule: LimitRule) {
        let hash = key.hash(seed)
        shards.withShard(hash) { shard in
            if let slot = shard.buckets.find(key, hash: hash) { shard.buckets[slot].giveBack(rule) }
        }
    }

    /// Buckets held, and how many were evicted since the start.
    package var statistics: (entries: Int, evictions: UInt64) {
        var result = (entries: 0, evictions: UInt64(0))
        shards.forEach {
            result.entries += $0.buckets.count
            result.evictions += $0.evictions
        }
        return result
    }
}
