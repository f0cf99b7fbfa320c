package import Crypto
package import Limits

/// Remembers which credentials have been verified, so that a password hash is computed once and not for each request.
///
/// What it keeps is an HMAC, with a key that lives as long as the process, of the name, the stored password and the password.
/// A changed file changes the stored password and so the HMAC: nothing has to be invalidated. Only successes are kept.
/// Shared by all loops; of bounded size, the least recently used go first.
package final class CredentialCache: Sendable {
    private struct Shard: ~Copyable {
        /// When each entry expires.
        var entries: BoundedTable<Digest32, UInt64>
        var hits: UInt64 = 0
        var misses: UInt64 = 0
    }

    private let key = HMACSHA256.random()
    private let seed = TableSeed()
    private let shards: Shards<Shard>
    private let timeToLive: UInt64?
    /// Entries it holds at the most.
    package let capacity: Int

    /// `timeToLive` in nanoseconds from the last hash; nil keeps entries until they are pushed out.
    package init(capacity: Int = 10_000, timeToLive: UInt64? = nil) {
        let count = capacity >= 1024 ? 16 : 1
        let each = (max(capacity, 1) + count - 1) / count
        self.capacity = each * count
        self.timeToLive = timeToLive
        shards = Shards(count: count) { Shard(entries: BoundedTable(capacity: each)) }
    }

    /// What stands for these credentials.
    package func digest(
        user: borrowing Span<UInt8>,
        stored: borrowing Span<UInt8>,
        password: borrowing Span<UInt8>
    ) -> Digest32 {
        var message = key.message()
        message.update(lengthPrefixed: user)
        message.update(lengthPrefixed: stored)
        message.update(lengthPrefixed: password)
        return message.finish()
    }

    /// Whether the credentials have been verified, and not too long before `now` (nanoseconds).
    package func contains(_ digest: Digest32, now: UInt64) -> Bool {
        let hash = digest.hash(seed)
        return shards.withShard(hash) { shard in
            if let slot = shard.entries.find(digest, hash: hash) {
                if shard.entries[slot] > now {
                    shard.entries.touch(slot)
                    shard.hits += 1
                    return true
                }
                shard.entries.remove(slot, hash: hash)
            }
            shard.misses += 1
            return false
        }
    }

    /// Remembers that the credentials have been verified at `now` (nanoseconds).
    package func insert(_ digest: Digest32, now: UInt64) {
        let hash = digest.hash(seed)
        let expiry = timeToLive.map { now &+ min($0, 1 << 62) } ?? .max
        shards.withShard(hash) { shard in
            if let slot = shard.entries.find(digest, hash: hash) {
                shard.entries[slot] = expiry
                shard.entries.touch(slot)
                return
            }
            if shard.entries.count == shard.entries.capacity { _ = shard.entries.evictOldest(seed) }
            _ = shard.entries.insert(digest, hash: hash, expiry)
        }
    }

    /// Entries held, and how often they were asked for in vain or not.
    package var statistics: (entries: Int, hits: UInt64, misses: UInt64) {
        var result = (entries: 0, hits: UInt64(0), misses: UInt64(0))
        shards.forEach {
            result.entries += $0.entries.count
            result.hits += $0.hits
            result.misses += $0.misses
        }
        return result
    }
}

extension Digest32: BoundedTableKey {
    /// A digest is as random as it gets, and its key is secret: any of its words will do.
    package func hash(_ seed: TableSeed) -> UInt64 { words.0 }
}
