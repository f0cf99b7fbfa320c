package import Bytes
import Crypto
import Limits
import Synchronization

/// The sessions of all users: begun by a login, found by a cookie's token, used by requests.
///
/// Shared by all loops and the control socket. A request's check takes no lock (`use`); a connection's first request takes
/// that of one shard (`find`); beginning and ending take the ledger's, then one shard's. Of tokens only SHA-256 is kept.
/// Times are milliseconds since 1970 of a clock that never steps back.
package final class SessionTable: Sendable {
    /// Bytes that a user's name may have.
    package static let maximumUser = 1024
    /// Characters of a token: base64url of 32 bytes.
    package static let tokenCount = 43

    /// Sessions it holds at the most.
    package let capacity: Int
    let slots: SessionSlots
    /// The lower bits of a slot's number choose the shard, and so do upper bits of a digest's first word.
    let shards: Shards<SessionIndex>
    let ledger: Mutex<SessionLedger>
    let realms = Mutex(SessionRealms())
    private let hasher = SipHash128()

    /// `capacity` from 1 to a hundred million; memory is taken as sessions come.
    package init(capacity: Int = 100_000) {
        precondition(capacity > 0 && capacity <= 100_000_000)
        let count = capacity >= 1024 ? 16 : 1
        self.capacity = capacity
        slots = SessionSlots(capacity: capacity, shards: count)
        var shard: UInt32 = 0
        shards = Shards(count: count) {
            defer { shard += 1 }
            return SessionIndex(shard: shard, expected: (capacity + count - 1) / count)
        }
        ledger = Mutex(SessionLedger(capacity: capacity))
    }

    // MARK: The request path

    /// The session whose token this is. Nil when there is none, or its time is over. One SHA-256 and one look-up; isn't a use.
    package func find(_ token: borrowing Span<UInt8>, now: Int64) -> SessionHandle? {
        guard token.count == Self.tokenCount else { return nil }
        let digest = SHA256.hash(token)
        return shards.withShard(digest.words.0) { index in
            guard let number = index.find(digest, slots), let slot = slots[number], slot.isCurrent(now: now) else {
                return nil
            }
            return SessionHandle(slot: number, generation: slot.generation)
        }
    }

    /// Whether the session still lives. Notes that it is used at `now`: at most once a second (or 32 times in a shorter idle
    /// time), so that idle time may count from a use that much earlier. Takes no lock, allocates nothing.
    package func use(_ handle: SessionHandle, now: Int64) -> Bool {
        guard let slot = slots[handle.slot] else { return false }
        let (isValid, isDue) = slot.check(handle.generation, now: now)
        if isDue {
            slot.note(now: now)
            slots.markUsed(handle.slot)
        }
        return isValid
    }

    /// Whether the session still lives, without using it.
    package func isValid(_ handle: SessionHandle, now: Int64) -> Bool {
        guard let slot = slots[handle.slot] else { return false }
        return slot.check(handle.generation, now: now).isValid
    }

    /// Appends the name of the session's user. False, with nothing appended, when the session has ended.
    package func appendUser(_ handle: SessionHandle, to buffer: inout ByteBuffer) -> Bool {
        withSlot(handle) { slot in
            slot.withUser { buffer.append($0) }
            return true
        } ?? false
    }

    /// The number of the realm that proved the login, the device, and what stands for the stored password. Nil when the
    /// session has ended.
    package func facts(_ handle: SessionHandle) -> (realm: Int32, device: DeviceID, stamp: UInt64)? {
        withSlot(handle) { ($0.facts.realm, $0.facts.device, $0.facts.stamp) }
    }

    // MARK: The rest

    /// The number of a password file's path: the same for the same path as long as the table lives.
    package func realmID(of realm: String) -> Int32 { realms.withLock { $0.number(of: realm) } }

    /// Sessions held, those among them whose time is over but who haven't been swept.
    package var count: Int { ledger.withLock { $0.count } }

    /// All that is known of a session. Nil when it has ended.
    package func record(_ handle: SessionHandle) -> SessionRecord? { withSlot(handle) { record($0) } }

    /// Bytes of memory that the table holds.
    package var footprint: Int {
        var bytes = slots.size
        shards.forEach { bytes += $0.size }
        slots.forEachChunk { chunk in
            bytes += onShard(of: chunk.first) { _ in
                chunk.indices.reduce(0) { $0 + (slots[chunk[$1]].map { $0.isFree ? 0 : $0.textSize } ?? 0) }
            }
        }
        return bytes + ledger.withLock { $0.size }
    }

    // MARK: Inside

    /// Runs `body` with the shard that a slot belongs to.
    func onShard<Result: Sendable>(of number: UInt32, _ body: (inout SessionIndex) -> Result) -> Result {
        shards.withShard(UInt64(slots.shard(of: number)) << 48, body)
    }

    /// Runs `body` with the slot of a session that hasn't ended, which can't end meanwhile.
    func withSlot<Result: Sendable>(_ handle: SessionHandle, _ body: (SessionSlot) -> Result) -> Result? {
        onShard(of: handle.slot) { _ in
            guard let slot = slots[handle.slot], slot.generation == handle.generation, !slot.isFree else { return nil }
            return body(slot)
        }
    }

    /// What stands for a user of a realm.
    func key(_ user: borrowing Span<UInt8>, realm: Int32) -> LimitKey {
        let hash = hasher.hash(user)
        // A realm's number turns one unpredictable key into another; equal ones of two users would be a collision of hashes.
        return LimitKey(high: hash.high, low: hash.low ^ UInt64(UInt32(bitPattern: realm)))
    }

    /// What is known of the session of a slot. Under the shard's lock or the ledger's.
    func record(_ slot: SessionSlot) -> SessionRecord {
        let facts = slot.facts
        let digest = facts.digest.bytes
        return SessionRecord(
            digest: digest.span.array,
            user: slot.user,
            realm: realms.withLock { $0.names[Int(facts.realm)] },
            stamp: facts.stamp,
            device: facts.device,
            createdAt: facts.createdAt,
            expiresAt: slot.expiresAt,
            idle: slot.idle,
            usedAt: slot.usedAt,
            address: slot.address,
            agent: slot.agent
        )
    }
}
