import Bytes
package import Limits

/// Wrong credentials, counted by address prefix and, apart from that, by user: who fails too often is locked for a while.
///
/// A locked address is locked for all users. A locked user is locked for strangers only: not for a device that has proved
/// itself for the user before, nor for the places from which the user did last. Users that don't exist count like those that
/// do. Shared by all loops; of bounded size, the least recently counted go first; allocates nothing per call.
/// Times are milliseconds since 1970 of a clock that never steps back.
package final class FailureTable: Sendable {
    private struct UserCount: BitwiseCopyable {
        var count = FailureCount()
        var name: SubjectName
    }

    /// Addresses, and apart from them users, that it holds at the most.
    package let capacity: Int
    private let places: Shards<BoundedTable<LimitKey, FailureCount>>
    private let users: Shards<BoundedTable<LimitKey, UserCount>>
    /// Only who proved themselves gets in here: no flood of made-up names pushes them out.
    private let known: Shards<BoundedTable<LimitKey, KnownPlaces>>
    private let seed = TableSeed()
    private let hasher = SipHash128()

    /// `capacity` is rounded up so that all shards are equal: by fewer than 16.
    package init(capacity: Int = 65_536) {
        let count = capacity >= 1024 ? 16 : 1
        let each = (max(capacity, 1) + count - 1) / count
        self.capacity = each * count
        places = Shards(count: count) { BoundedTable(capacity: each) }
        users = Shards(count: count) { BoundedTable(capacity: each) }
        known = Shards(count: count) { BoundedTable(capacity: each) }
    }

    // MARK: The request path

    /// Whether credentials of `user` from `place` (an address, of IPv6 its /64) are looked at.
    ///
    /// `user` is empty where credentials have none, as keys. `isKnownDevice`: the caller's cookie shows a device that proved
    /// itself for this very user before.
    package func check(
        place: LimitKey,
        user: borrowing Span<UInt8>,
        isKnownDevice: Bool,
        now: Int64
    ) -> LockState {
        let hash = place.hash(seed)
        let seconds = places.withShard(hash) { shard in
            shard.find(place, hash: hash).map { shard[$0].secondsLocked(now: now) } ?? 0
        }
        if seconds > 0 { return .locked(seconds: seconds) }
        if user.isEmpty || isKnownDevice { return .open }
        let key = hasher.hash(user)
        let userHash = key.hash(seed)
        let userSeconds = users.withShard(userHash) { shard in
            shard.find(key, hash: userHash).map { shard[$0].count.secondsLocked(now: now) } ?? 0
        }
        if userSeconds == 0 || isKnown(place, of: key, userHash) { return .open }
        return .locked(seconds: userSeconds)
    }

    /// Counts wrong credentials. Says what they have locked; what was locked already goes uncounted.
    package func failed(
        place: LimitKey,
        user: borrowing Span<UInt8>,
        _ policy: FailurePolicy,
        now: Int64
    ) -> NewLocks {
        var locks = NewLocks()
        let hash = place.hash(seed)
        locks.place = places.withShard(hash) { shard in
            let slot = shard.findOrInsert(place, hash: hash, seed, FailureCount())
            return shard[slot].fail(policy, now: now)
        }
        if user.isEmpty { return locks }
        let key = hasher.hash(user)
        let userHash = key.hash(seed)
        let name = SubjectName(user)
        locks.user = users.withShard(userHash) { shard in
            let slot = shard.findOrInsert(key, hash: userHash, seed, UserCount(name: name))
            return shard[slot].count.fail(policy, now: now)
        }
        return locks
    }

    /// Remembers that `user` proved themselves from `place`: for each login, not for each request of a session.
    ///
    /// No count goes back: else whoever has an account could guess at others' without end.
    package func succeeded(place: LimitKey, user: borrowing Span<UInt8>) {
        if user.isEmpty { return }
        let key = hasher.hash(user)
        let hash = key.hash(seed)
        known.withShard(hash) { shard in
            let slot = shard.findOrInsert(key, hash: hash, seed, KnownPlaces(place))
            shard[slot].note(place)
        }
    }

    private func isKnown(_ place: LimitKey, of user: LimitKey, _ hash: UInt64) -> Bool {
        known.withShard(hash) { shard in shard.find(user, hash: hash).map { shard[$0].contains(place) } ?? false }
    }

    // MARK: Control

    /// What is locked at `now`: addresses, then users; of each the one whose lock ends first first.
    package func list(now: Int64) -> [LockRecord] {
        var (addresses, names): ([LockRecord], [LockRecord]) = ([], [])
        places.forEach { shard in
            shard.forEach { key, count in
                guard let record = Self.record(.address, count, now, { PlaceText.text(of: key) }) else { return }
                addresses.append(record)
            }
        }
        users.forEach { shard in
            shard.forEach { _, user in
                guard let record = Self.record(.user, user.count, now, { user.name.text }) else { return }
                names.append(record)
            }
        }
        return Self.sorted(addresses) + Self.sorted(names)
    }

    /// How many addresses and how many users are locked at `now`.
    package func locked(now: Int64) -> (places: Int, users: Int) {
        var (addresses, names) = (0, 0)
        places.forEach { shard in shard.forEach { addresses += $1.secondsLocked(now: now) > 0 ? 1 : 0 } }
        users.forEach { shard in shard.forEach { names += $1.count.secondsLocked(now: now) > 0 ? 1 : 0 } }
        return (addresses, names)
    }

    /// Opens what is locked, and forgets the failures: of an address (any of the /64 that is locked, or the network as the list
    /// shows it) and of the user of that name; with nil all. Answers how many were locked.
    package func clear(_ subject: String?, now: Int64) -> Int {
        guard let subject else {
            var cleared = 0
            places.forEach { shard in
                shard.forEach { cleared += $1.secondsLocked(now: now) > 0 ? 1 : 0 }
                while shard.evictOldest(seed) {}
            }
            users.forEach { shard in
                shard.forEach { cleared += $1.count.secondsLocked(now: now) > 0 ? 1 : 0 }
                while shard.evictOldest(seed) {}
            }
            return cleared
        }
        var cleared = 0
        if let place = PlaceText.key(of: subject) {
            let hash = place.hash(seed)
            cleared += places.withShard(hash) { shard in
                guard let slot = shard.find(place, hash: hash) else { return 0 }
                defer { shard.remove(slot, hash: hash) }
                return shard[slot].secondsLocked(now: now) > 0 ? 1 : 0
            }
        }
        let bytes = Array(subject.utf8)
        let key = hasher.hash(bytes.span)
        let hash = key.hash(seed)
        cleared += users.withShard(hash) { shard in
            guard let slot = shard.find(key, hash: hash) else { return 0 }
            defer { shard.remove(slot, hash: hash) }
            return shard[slot].count.secondsLocked(now: now) > 0 ? 1 : 0
        }
        return cleared
    }

    private static func record(
        _ kind: LockRecord.Kind,
        _ count: FailureCount,
        _ now: Int64,
        _ subject: () -> String
    ) -> LockRecord? {
        guard count.secondsLocked(now: now) > 0 else { return nil }
        return LockRecord(kind: kind, subject: subject(), until: count.lockedUntil, failures: count.failures)
    }

    private static func sorted(_ records: [LockRecord]) -> [LockRecord] {
        records.sorted { ($0.until, $0.subject) < ($1.until, $1.subject) }
    }
}

extension BoundedTable where Key == LimitKey {
    /// The entry of a key, now the most recently used; a new one, in the place of the least recently used of a full table, if
    /// there was none.
    fileprivate mutating func findOrInsert(
        _ key: LimitKey,
        hash: UInt64,
        _ seed: TableSeed,
        _ value: @autoclosure () -> Value
    ) -> Slot {
        if let slot = find(key, hash: hash) {
            touch(slot)
            return slot
        }
        if count == capacity { _ = evictOldest(seed) }
        // There is room now.
        return insert(key, hash: hash, value())!
    }
}
