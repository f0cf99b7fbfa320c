/// Times by key, for a request's path: here, not where they are used, because generic code is made concrete in its own module.
extension Shards where State == BoundedTable<LimitKey, Int64> {
    /// Whether there is a time for the key, whose hash is `hash`.
    package func holds(_ key: LimitKey, hash: UInt64) -> Bool {
        withShard(hash) { $0.find(key, hash: hash) != nil }
    }

    /// Makes `now` the key's time if that was `grain` or longer ago. False when it wasn't, or the key has none.
    package func advance(_ key: LimitKey, hash: UInt64, to now: Int64, by grain: Int64) -> Bool {
        withShard(hash) { shard in
            guard let slot = shard.find(key, hash: hash), now - shard[slot] >= grain else { return false }
            shard[slot] = now
            return true
        }
    }
}
