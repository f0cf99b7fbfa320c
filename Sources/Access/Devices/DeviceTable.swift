import Bytes
package import Limits
import Synchronization

/// The devices that were let in, each for the users it was approved for, and those that wait.
///
/// Shared by all loops and the control socket. A request's check (`isApproved`) takes the lock of one shard; all else that of
/// the ledger, then of a shard. Times are milliseconds since 1970 of a clock that never steps back.
package final class DeviceTable: Sendable {
    /// Requests that can wait, whatever the policy says.
    package static let maximumPending = 1000
    /// Milliseconds between two uses of a device that are noted.
    private static let useGrain: Int64 = 60_000

    /// Approved devices it holds at the most; a device of two users counts twice.
    package let capacity: Int
    /// When each approved device was noted to be used last.
    private let approved: Shards<BoundedTable<LimitKey, Int64>>
    private let ledger = Mutex(DeviceLedger())
    private let seed = TableSeed()
    private let hasher = SipHash128()

    /// `capacity` from 1.
    package init(capacity: Int = 10_000) {
        self.capacity = capacity
        // Any shard could be the one that all devices fall into; memory is touched only as they come.
        approved = Shards(count: 8) { BoundedTable(capacity: capacity) }
    }

    // MARK: The request path

    /// Whether the device was let in for the user. Allocates nothing.
    package func isApproved(_ id: DeviceID, user: borrowing Span<UInt8>) -> Bool {
        let key = key(id, user)
        let hash = key.hash(seed)
        return approved.holds(key, hash: hash)
    }

    /// Notes that an approved device is used, and from which address: at most once a minute, and only then is that asked for.
    package func use(_ id: DeviceID, user: borrowing Span<UInt8>, now: Int64, address: () -> String) {
        let key = key(id, user)
        let hash = key.hash(seed)
        let isDue = approved.advance(key, hash: hash, to: now, by: Self.useGrain)
        guard isDue else { return }
        let name = DeviceLedger.Name(id: id, user: user.array)
        let address = address().cut(64)
        ledger.withLock { $0.use(name, address: address, now: now) }
    }

    /// What the device is to the user. A device that asks while it waits has kept its cookie: nobody who comes without one
    /// takes its place any more.
    package func state(_ id: DeviceID, user: borrowing Span<UInt8>, now: Int64) -> DeviceState {
        if isApproved(id, user: user) { return .approved }
        let user = user.array
        guard let device = ledger.withLock({ $0.asks(id, user, now: now) }) else { return .unknown }
        return .pending(code: device.code, until: device.until)
    }

    // MARK: Requests and decisions

    /// A device that isn't approved asks to be let in for a user whose login was proved.
    ///
    /// A device that waits already keeps its code. One more than the policy allows: the one that waits longest is refused. A
    /// client that came without a cookie takes the place of the one that came so before by the same name from the same network
    /// (`place`) as the same user: else one that never keeps cookies would push out all others. `ended` are those that no longer wait.
    package func request(
        _ id: DeviceID,
        user: [UInt8],
        agent: String,
        address: String,
        place: LimitKey,
        hadCookie: Bool,
        _ policy: DevicePolicy,
        now: Int64
    ) -> (result: DeviceRequest, ended: [PendingDevice]) {
        if isApproved(id, user: user.span) { return (.known, []) }
        let pending = PendingDevice(
            code: DeviceCode.random(),
            id: id,
            user: user,
            agent: agent.cut(128),
            address: address.cut(64),
            since: now,
            until: now + policy.timeout
        )
        return ledger.withLock { ledger in
            if policy.autoApproves {
                guard let record = approve(pending, by: "auto", now: now, &ledger) else { return (.full, []) }
                return (.approved(record), ledger.takePending { $0.id == id && $0.user == user })
            }
            let bound = min(max(policy.maxPending, 1), Self.maximumPending)
            let (waiting, ended) = ledger.request(pending, place, hadCookie: hadCookie, bound: bound)
            return (.pending(waiting), ended)
        }
    }

    /// Lets the device in that waits by this code, in either case and with or without the dash.
    package func approve(code: String, by approver: String, now: Int64) -> DeviceApproval {
        guard let code = DeviceCode.normalized(code) else { return .unknownCode }
        return ledger.withLock { ledger in
            guard let pending = ledger.pending(code, now: now) else { return .unknownCode }
            guard let record = approve(pending, by: approver, now: now, &ledger) else { return .full }
            _ = ledger.takePending { $0.code == code }
            return .approved(record)
        }
    }

    /// Refuses the device that waits by this code. Nil when none does.
    package func reject(code: String, now: Int64) -> PendingDevice? {
        guard let code = DeviceCode.normalized(code) else { return nil }
        return ledger.withLock { ledger in
            guard ledger.pending(code, now: now) != nil else { return nil }
            return ledger.refuse(now: now) { $0.code == code }.first
        }
    }

    /// Forgets an approved device, for whichever users it was approved.
    ///
    /// `text` is its id in hexadecimal, or the first eight digits or more. Empty when it is no such text, no device's, or that
    /// of several devices.
    package func remove(_ text: String) -> [DeviceRecord] {
        let prefix = text.lowercased()
        guard prefix.utf8.count >= 8, prefix.utf8.count <= 32 else { return [] }
        return ledger.withLock { ledger in
            let found = ledger.records.values.filter { $0.id.hexadecimal.hasPrefix(prefix) }
            guard let id = found.first?.id, found.allSatisfy({ $0.id == id }) else { return [] }
            for record in found { forget(record, &ledger) }
            return found.sorted { $0.approvedAt < $1.approvedAt }
        }
    }

    /// Takes an approval back that can't be kept; what the device was approved for otherwise stays.
    package func withdraw(_ record: DeviceRecord) { ledger.withLock { forget(record, &$0) } }

    /// Refuses all that wait.
    package func clearPending(now: Int64) -> [PendingDevice] { ledger.withLock { $0.refuse(now: now) { _ in true } } }

    /// Requests that have expired since the last sweep.
    package func sweep(now: Int64) -> [PendingDevice] { ledger.withLock { $0.refuse(now: now) { $0.until <= now } } }

    /// Whether the device waited and was not let in (rejected, pushed out, expired), which it learns herewith: true once.
    ///
    /// A browser that asks again by itself would otherwise wait anew as soon as it was refused, and two that have no room
    /// beside each other would push each other out for ever. Remembered for five minutes, of the last 1000.
    package func takeRefusal(_ id: DeviceID, user: borrowing Span<UInt8>, now: Int64) -> Bool {
        let name = DeviceLedger.Name(id: id, user: user.array)
        return ledger.withLock { $0.takeRefusal(name, now: now) }
    }

    // MARK: Lists

    /// Approved devices; one of two users counts twice.
    package var count: Int { ledger.withLock { $0.records.count } }

    /// Devices that wait at `now`.
    package func pendingCount(now: Int64) -> Int { listPending(now: now).count }

    /// The approved devices, the one approved first first.
    package func list() -> [DeviceRecord] {
        ledger.withLock { Array($0.records.values) }
            .sorted { ($0.approvedAt, $0.id.high, $0.id.low) < ($1.approvedAt, $1.id.high, $1.id.low) }
    }

    /// Those that wait, the one that waits longest first.
    package func listPending(now: Int64) -> [PendingDevice] {
        ledger.withLock { $0.waiting.map(\.device) }.filter { now < $0.until }
    }

    /// Whether no device is approved and none waits.
    package var isEmpty: Bool { ledger.withLock { $0.records.isEmpty && $0.waiting.isEmpty } }

    /// Approved devices whose use was noted since the last call: for the store.
    package func takeUsed() -> [DeviceRecord] { ledger.withLock { $0.takeUsed() } }

    /// Takes up devices that were kept when the process ended, as many as there is room for.
    package func restore(_ records: [DeviceRecord]) {
        ledger.withLock { ledger in
            for var record in records where ledger.records.count < capacity && record.id != .none {
                record.agent = record.agent.cut(128)
                record.address = record.address.cut(64)
                insert(record, &ledger)
            }
        }
    }

    // MARK: Inside

    private func approve(
        _ pending: PendingDevice,
        by approver: String,
        now: Int64,
        _ ledger: inout DeviceLedger
    ) -> DeviceRecord? {
        let isKnown = ledger.records[DeviceLedger.Name(id: pending.id, user: pending.user)] != nil
        guard isKnown || ledger.records.count < capacity else { return nil }
        let record = DeviceRecord(
            id: pending.id,
            user: pending.user,
            agent: pending.agent,
            approvedAt: now,
            approvedBy: approver,
            usedAt: now,
            address: pending.address
        )
        insert(record, &ledger)
        return record
    }

    private func insert(_ record: DeviceRecord, _ ledger: inout DeviceLedger) {
        ledger.insert(record)
        let key = key(record.id, record.user.span)
        let hash = key.hash(seed)
        approved.withShard(hash) { shard in
            if shard.find(key, hash: hash) == nil { _ = shard.insert(key, hash: hash, record.usedAt) }
        }
    }

    private func forget(_ record: DeviceRecord, _ ledger: inout DeviceLedger) {
        ledger.remove(record)
        let key = key(record.id, record.user.span)
        let hash = key.hash(seed)
        approved.withShard(hash) { shard in
            if let slot = shard.find(key, hash: hash) { shard.remove(slot, hash: hash) }
        }
    }

    private func key(_ id: DeviceID, _ user: borrowing Span<UInt8>) -> LimitKey {
        let hash = hasher.hash(user)
        return LimitKey(high: id.high ^ hash.high, low: id.low ^ hash.low)
    }
}
