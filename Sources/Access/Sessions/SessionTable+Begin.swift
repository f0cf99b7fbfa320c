import Bytes
import Crypto
import Limits
import Synchronization

extension SessionTable {
    /// Begins a session for a login that was proved.
    ///
    /// When the user has as many live sessions of the realm as the policy allows, those used least recently end, or the login
    /// is refused.
    package func begin(_ login: SessionLogin, _ policy: SessionPolicy, now: Int64) -> SessionStart {
        guard login.user.count <= Self.maximumUser else { return .refused(.longName) }
        var secret = Random.bytes(32)
        let token = Base64.encode(secret.span, alphabet: .url)
        wipe(&secret)
        let record = SessionRecord(
            digest: [],
            user: login.user,
            realm: login.realm,
            stamp: login.stamp,
            device: login.device,
            createdAt: now,
            expiresAt: later(now, policy.timeout),
            idle: policy.idle,
            usedAt: now,
            address: login.address.cut(64),
            agent: login.agent.cut(128)
        )
        let realm = realmID(of: login.realm)
        let user = key(login.user.span, realm: realm)
        let digest = SHA256.hash(token.span)
        return ledger.withLock { ledger in
            var ended: [SessionRecord] = []
            if policy.maxConcurrent > 0, ledger.count(user) >= policy.maxConcurrent {
                let surplus = surplus(ledger.sessions(user, slots), policy.maxConcurrent, now)
                if !surplus.isEmpty, !policy.evictsOldest { return .refused(.tooMany) }
                for number in surplus { ended.append(remove(number, &ledger)) }
            }
            guard ledger.count < capacity else { return .refused(.full) }
            let handle = insert(record, digest, realm, user, &ledger)
            return .began(token: token, handle: handle, ended: ended)
        }
    }

    /// Takes up sessions that were kept when the process ended: those whose time isn't over, as many as there is room for.
    package func restore(_ records: [SessionRecord], now: Int64) {
        for var record in records {
            guard let digest = Digest32(record.digest.span), record.user.count <= Self.maximumUser else { continue }
            guard now < record.expiresAt, record.idle <= 0 || now < later(record.usedAt, record.idle) else { continue }
            record.address = record.address.cut(64)
            record.agent = record.agent.cut(128)
            let realm = realmID(of: record.realm)
            let user = key(record.user.span, realm: realm)
            ledger.withLock { ledger in
                let isKnown = shards.withShard(digest.words.0) { $0.find(digest, slots) != nil }
                if isKnown || ledger.count >= capacity { return }
                _ = insert(record, digest, realm, user, &ledger)
            }
        }
    }

    /// Those of a user's sessions, the one begun last first, that must end for one more to begin.
    private func surplus(_ numbers: [UInt32], _ maximum: Int, _ now: Int64) -> [UInt32] {
        var live: [(usedAt: Int64, order: Int, number: UInt32)] = []
        for (order, number) in numbers.reversed().enumerated() {
            guard let slot = slots[number], slot.isCurrent(now: now) else { continue }
            live.append((slot.usedAt, order, number))
        }
        let count = live.count - (maximum - 1)
        if count <= 0 { return [] }
        live.sort { ($0.usedAt, $0.order) < ($1.usedAt, $1.order) }
        return live.prefix(count).map(\.number)
    }

    /// Under the ledger's lock, with room for it.
    private func insert(
        _ record: SessionRecord,
        _ digest: Digest32,
        _ realm: Int32,
        _ user: LimitKey,
        _ ledger: inout SessionLedger
    ) -> SessionHandle {
        let facts = SessionSlot.Facts(
            digest: digest,
            stamp: record.stamp,
            device: record.device,
            createdAt: record.createdAt,
            realm: realm
        )
        let handle = shards.withShard(digest.words.0) { index in
            let number = index.insert(record, facts, slots)
            return SessionHandle(slot: number, generation: slots[number]?.generation ?? 0)
        }
        ledger.insert(handle.slot, user, slots)
        return handle
    }

    private func later(_ time: Int64, _ span: Int64) -> Int64 {
        let (sum, overflow) = time.addingReportingOverflow(max(span, 1))
        return overflow ? .max : sum
    }
}

extension String {
    /// Its start: whole characters (Unicode scalars) of at most so many bytes of UTF-8.
    func cut(_ maximum: Int) -> String {
        if utf8.count <= maximum { return self }
        let bytes = utf8
        var end = bytes.index(bytes.startIndex, offsetBy: maximum)
        while bytes[end] & 0xC0 == 0x80 { bytes.formIndex(before: &end) }
        return String(self[..<end])
    }
}
