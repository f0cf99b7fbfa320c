import Access
import Bytes
import EventLoop
import Glibc
import Limits
import Store
import Synchronization

/// Who is logged in, on which devices, and who guesses: what all loops know of callers. Memory is the truth; the store follows.
///
/// Called from any thread. What loops call takes short locks or none.
final class IdentityService: Sendable {
    let sessions = SessionTable()
    let devices = DeviceTable()
    let failures = FailureTable()
    /// What each API key has used of its rate, by its id.
    let keyRates = LimitTable(capacity: 1 << 17)
    /// What users may do: everything there is.
    let everything = PermissionSet(rawValue: .max)
    let log: OperatorLog
    /// Milliseconds since 1970 at the monotonic clock's zero: a clock that never steps.
    private let origin: Int64
    private let key = Mutex((value: DeviceKey.random(), isStored: false))
    private let keyNumber = Atomic<UInt64>(1)
    let state = Mutex<StateStore?>(nil)
    private let watched = Mutex(Watched())
    private let stopping = Atomic<Bool>(false)
    private let sweptAt = Atomic<Int64>(0)

    /// Files that are looked at beside the requests, so that what is taken out of them ends what is open.
    private struct Watched {
        var passwords: [PasswordSource] = []
        var keys: [KeySource] = []
        /// How often each key was used before, by its id.
        var keyUses: [String: KeyUseRow] = [:]
        var realms: [Int32: String] = [:]
    }

    init(log: OperatorLog) {
        self.log = log
        origin = Int64(Clock.realtimeMilliseconds()) - Int64(Clock.monotonic() / 1_000_000)
    }

    /// Milliseconds since 1970, for an instant of the monotonic clock in nanoseconds.
    func date(_ monotonic: UInt64) -> Int64 { origin + Int64(monotonic / 1_000_000) }

    /// Now, in milliseconds since 1970.
    var date: Int64 { date(Clock.monotonic()) }

    /// What device cookies are signed with.
    var deviceKey: DeviceKey { key.withLock { $0.value } }
    /// It comes out of the store.
    var hasStoredKey: Bool { key.withLock { $0.isStored } }

    /// Which key that is, from 1. Read it before the key: nothing that an older key signed is then remembered as a newer one's.
    var deviceKeyNumber: UInt64 { keyNumber.load(ordering: .acquiring) }

    func setDeviceKey(_ bytes: [UInt8]) {
        guard let key = DeviceKey(bytes) else { return }
        self.key.withLock { $0 = (key, true) }
        keyNumber.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    // MARK: Realms

    /// The number of a password file, as sessions know it.
    func realm(of path: String) -> Int32 {
        let number = sessions.realmID(of: path)
        watched.withLock { $0.realms[number] = path }
        return number
    }

    func realm(_ number: Int32) -> String { watched.withLock { $0.realms[number] ?? "" } }

    // MARK: What happens

    func began(_ handle: SessionHandle) {
        guard let record = sessions.record(handle) else { return }
        keep(.putSession(SessionRow(record)))
        audit("login", actor: record.user, subject: record.id, address: record.address, detail: record.agent)
    }

    func ended(_ records: [SessionRecord], because reason: String) {
        for record in records {
            keep(.removeSession(digest: record.digest))
            audit("session ended", actor: record.user, subject: record.id, address: "", detail: reason)
        }
    }

    /// A device waits to be let in.
    func waits(_ device: PendingDevice) {
        log.notice(
            "a device of user \"\(LogText.escape(device.user.span))\" at \(device.address) waits to be let in: \(device.code)"
        )
        audit("device waits", actor: device.user, subject: device.code, address: device.address, detail: device.agent)
    }

    /// Devices wait no more.
    func refused(_ devices: [PendingDevice], because reason: String) {
        for device in devices {
            audit("device refused", actor: device.user, subject: device.code, address: device.address, detail: reason)
        }
    }

    /// A device is let in by itself.
    func approved(_ record: DeviceRecord) {
        keep(.putDevice(DeviceRow(record)))
        audit(
            "device approved",
            actor: record.user,
            subject: record.id.hexadecimal,
            address: record.address,
            detail: "auto_approve"
        )
    }

    /// Somebody guessed too often.
    func locked(_ locks: NewLocks, _ exchange: Ref<Exchange>, _ policy: FailurePolicy) {
        var address = ByteBuffer()
        exchange.value.remote.appendAddress(to: &address)
        let place = address.readable.string
        let user = exchange.value.user.readable
        let seconds = policy.lock / 1000
        if locks.place {
            log.warning("address \(place) is locked for \(seconds) s: \(policy.count) wrong credentials")
            audit("address locked", actor: [], subject: place, address: place, detail: "\(policy.count) failures")
        }
        if locks.user {
            let name = LogText.escape(user)
            log.warning("user \"\(name)\" is locked for \(seconds) s: \(policy.count) wrong credentials")
            audit("user locked", actor: [], subject: user.string, address: place, detail: "\(policy.count) failures")
        }
    }

    // MARK: Store

    func keep(_ change: StoreChange) { state.withLock { $0 }?.record(change) }

    func audit(_ event: String, actor: [UInt8], subject: String, address: String, detail: String) {
        keep(
            .audit(
                AuditRow(
                    time: date,
                    event: event,
                    actor: String(decoding: actor, as: UTF8.self),
                    subject: subject,
                    address: address,
                    detail: detail
                )
            )
        )
    }

    // MARK: Beside the requests

    /// Looks after the files and tables of this configuration from now on.
    func follow(_ runtime: Runtime) {
        watched.withLock { watched in
            watched.passwords = runtime.passwordFiles
            watched.keys = runtime.keyFiles
        }
        // Who logged in by a file that isn't named any more is nobody.
        let kept = Set(runtime.model.passwordFiles)
        let realms = watched.withLock { $0.realms }
        for (number, path) in realms where !kept.contains(path) {
            ended(sessions.retain(realm: number) { _, _ in false }, because: "configuration changed")
        }
    }

    /// Begins to look after files and tables, on a thread of its own.
    func start() throws(SystemError) {
        _ = try WorkerThread(name: "identity") { [self] in
            while !stopping.load(ordering: .acquiring) {
                look()
                usleep(250_000)
            }
        }
    }

    func stop() { stopping.store(true, ordering: .releasing) }

    /// Waits until every file was read once, or the time (nanoseconds) is over: whoever was taken out of one while nothing
    /// ran must not be let in by what was kept of a session. Before the loops run.
    func waitUntilRead(atMost limit: UInt64) {
        let deadline = Clock.monotonic() &+ limit
        look()
        while Clock.monotonic() < deadline {
            let isRead = watched.withLock { watched in
                watched.passwords.allSatisfy(\.isRead) && watched.keys.allSatisfy(\.isRead)
            }
            if isRead { return }
            usleep(1000)
        }
    }

    /// Lets go of the files, which tell this service of each reading: neither would ever be freed.
    func forgetFiles() {
        watched.withLock { watched in
            watched.passwords = []
            watched.keys = []
        }
    }

    /// Has files read that have changed. Four times a second.
    func look() {
        let (passwords, keys) = watched.withLock { ($0.passwords, $0.keys) }
        let now = Clock.monotonic()
        for source in passwords {
            if case .changed = source.current(now: now) { _ = source.read(log: log) {} }
        }
        for source in keys {
            if case .changed = source.current(now: now) { _ = source.read(log: log) {} }
        }
        for source in keys { source.latest?.takeUses { noteKey($0, $1, $2) } }
        let date = date(now)
        if sessions.count > 0 { lookAfterSessions(date) }
        if !devices.isEmpty { lookAfterDevices(date) }
    }

    private func lookAfterSessions(_ date: Int64) {
        // Who looks for a session's time goes by its clocks: that its place is free again has time.
        if date &- sweptAt.load(ordering: .relaxed) >= 1000 {
            sweptAt.store(date, ordering: .relaxed)
            ended(sessions.sweep(now: date), because: "expired")
        }
        for use in sessions.takeUsed() { keep(.sessionUsed(digest: use.digest, at: use.usedAt)) }
    }

    private func lookAfterDevices(_ date: Int64) {
        refused(devices.sweep(now: date), because: "expired")
        for device in devices.takeUsed() {
            keep(.deviceUsed(id: device.id.hexadecimal, at: device.usedAt, address: device.address))
        }
    }

    private func noteKey(_ id: String, _ usedAt: Int64, _ count: Int64) {
        let row = watched.withLock { watched in
            var row = watched.keyUses[id] ?? KeyUseRow(id: id, usedAt: usedAt, count: 0)
            row.usedAt = usedAt
            row.count += count
            watched.keyUses[id] = row
            return row
        }
        keep(.keyUsed(row))
    }

    /// How often each key was used, and when last.
    var keyUses: [KeyUseRow] { watched.withLock { $0.keyUses.values.sorted { $0.id < $1.id } } }

    func restoreKeyUses(_ rows: [KeyUseRow]) {
        watched.withLock { watched in
            for row in rows where watched.keyUses[row.id] == nil { watched.keyUses[row.id] = row }
        }
    }

    /// A password file was read anew: whoever is gone from it, or has another password there, is logged in no more.
    func passwordsRead(_ path: String, _ table: PasswordTable?) {
        let realm = realm(of: path)
        let gone = sessions.retain(realm: realm) { user, stamp in
            guard let table else { return false }
            return table.stamp(of: user) == stamp
        }
        ended(gone, because: "user removed, or another password")
    }
}
