import Bytes
import Crypto
import Limits
import Synchronization

extension SessionTable {
    /// Slots that are looked at under one lock: few enough that nobody waits long.
    private static let batch = 64

    /// Ends a session. Nil when it has ended before.
    package func end(_ handle: SessionHandle) -> SessionRecord? { end(handle) { _ in true } }

    /// Ends the session that people call by this id: 16 hexadecimal digits of either case. Nil when there is none.
    package func end(id: String) -> SessionRecord? {
        guard id.utf8.count == 16 else { return nil }
        let text = Array(id.utf8)
        guard let bytes = Hexadecimal.decode(text.span) else { return nil }
        let word = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let handle = shards.withShard(word) { index -> SessionHandle? in
            guard let number = index.find(word: word, slots), let slot = slots[number] else { return nil }
            return SessionHandle(slot: number, generation: slot.generation)
        }
        return handle.flatMap { end($0) }
    }

    /// Ends all sessions of a user, of whatever realm.
    package func endAll(user: [UInt8]) -> [SessionRecord] {
        var ended: [SessionRecord] = []
        for realm in 0..<Int32(realms.withLock { $0.names.count }) {
            let key = key(user.span, realm: realm)
            while true {
                let batch = ledger.withLock { ledger in
                    ledger.sessions(key, limit: Self.batch, slots).map { remove($0, &ledger) }
                }
                ended += batch
                if batch.count < Self.batch { break }
            }
        }
        return ended
    }

    /// Ends all sessions that were begun on a device.
    package func endAll(device: DeviceID) -> [SessionRecord] {
        if device == .none { return [] }
        return handles { $0.facts.device == device }.compactMap { end($0) }
    }

    /// Ends the sessions whose time is over at `now`.
    package func sweep(now: Int64) -> [SessionRecord] {
        var ended: [SessionRecord] = []
        slots.forEachChunk { chunk in
            for index in chunk.indices {
                let number = chunk[index]
                // Without a lock first: most sessions are current, and a wrong guess is found out below.
                guard let slot = slots[number], !slot.isFree, !slot.isCurrent(now: now) else { continue }
                let handle = SessionHandle(slot: number, generation: slot.generation)
                if let record = end(handle, if: { !$0.isCurrent(now: now) }) { ended.append(record) }
            }
        }
        return ended
    }

    /// Ends the sessions of a realm that `isStill` doesn't hold good any more: after the password file has changed.
    /// Holds no lock while it asks.
    package func retain(
        realm: Int32,
        _ isStill: (_ user: borrowing Span<UInt8>, _ stamp: UInt64) -> Bool
    ) -> [SessionRecord] {
        var ended: [SessionRecord] = []
        var user = ByteBuffer(capacity: 64)
        for handle in handles({ $0.facts.realm == realm }) {
            user.clear()
            guard appendUser(handle, to: &user), let stamp = facts(handle)?.stamp else { continue }
            if !isStill(user.readable, stamp), let record = end(handle) { ended.append(record) }
        }
        return ended
    }

    /// All sessions whose time isn't over, the one begun first first.
    package func list(now: Int64) -> [SessionRecord] {
        let records = handles { $0.isCurrent(now: now) }.compactMap { record($0) }
        return records.sorted { left, right in
            if left.createdAt != right.createdAt { return left.createdAt < right.createdAt }
            return left.digest.lexicographicallyPrecedes(right.digest)
        }
    }

    /// The sessions that were used since the last call, and when: for the store.
    package func takeUsed() -> [(digest: [UInt8], usedAt: Int64)] {
        var used: [(digest: [UInt8], usedAt: Int64)] = []
        slots.forEachChunk { chunk in
            guard slots.takeUsed(chunk.first) else { return }
            for index in chunk.indices {
                let number = chunk[index]
                // Without a lock first: most weren't used since.
                guard slots[number]?.hasUse ?? false else { continue }
                let use = onShard(of: number) { _ -> (digest: [UInt8], usedAt: Int64)? in
                    guard let slot = slots[number], !slot.isFree, let usedAt = slot.takeUse() else { return nil }
                    return (slot.facts.digest.bytes.span.array, usedAt)
                }
                if let use { used.append(use) }
            }
        }
        return used
    }

    /// Under the ledger's lock: ends the session of a slot that holds one.
    func remove(_ number: UInt32, _ ledger: inout SessionLedger) -> SessionRecord {
        let slot = slots[number]!
        let record = record(slot)
        let user = key(record.user.span, realm: slot.facts.realm)
        ledger.remove(number, user, slots)
        onShard(of: number) { $0.remove(number, slots) }
        return record
    }

    /// Ends a session if `condition` holds of it.
    private func end(_ handle: SessionHandle, if condition: (SessionSlot) -> Bool) -> SessionRecord? {
        ledger.withLock { ledger in
            guard let slot = slots[handle.slot], slot.generation == handle.generation, !slot.isFree else { return nil }
            return condition(slot) ? remove(handle.slot, &ledger) : nil
        }
    }

    /// The sessions of which `condition` holds.
    private func handles(_ condition: (SessionSlot) -> Bool) -> [SessionHandle] {
        var handles: [SessionHandle] = []
        slots.forEachChunk { chunk in
            for start in stride(from: 0, to: chunk.indices.upperBound, by: Self.batch) {
                handles += onShard(of: chunk.first) { _ in
                    (start..<start + Self.batch).compactMap { index -> SessionHandle? in
                        guard let slot = slots[chunk[index]], !slot.isFree, condition(slot) else { return nil }
                        return SessionHandle(slot: chunk[index], generation: slot.generation)
                    }
                }
            }
        }
        return handles
    }
}
