import Limits

/// What is known of the devices, behind the table's lock.
struct DeviceLedger {
    /// A device and the user it is approved for.
    struct Name: Hashable {
        let id: DeviceID
        let user: [UInt8]
    }

    /// A device that waits.
    struct Waiting {
        var device: PendingDevice
        let place: LimitKey
        /// Whether it has shown the cookie that it was given.
        var hasCookie: Bool
        /// Whether it has been told that its time is over, before anybody swept it away.
        var isTold = false
    }

    private(set) var records: [Name: DeviceRecord] = [:]
    /// The one that waits longest first.
    private(set) var waiting: [Waiting] = []
    private var used: Set<Name> = []
    /// Those that wait no more without having been let in, and haven't been told: the latest last.
    private var refused: [(name: Name, until: Int64)] = []

    /// Milliseconds that a refusal waits to be told.
    private static let memory: Int64 = 300_000

    // MARK: Approved

    mutating func insert(_ record: DeviceRecord) { records[Name(id: record.id, user: record.user)] = record }

    mutating func remove(_ record: DeviceRecord) {
        let name = Name(id: record.id, user: record.user)
        records[name] = nil
        used.remove(name)
    }

    mutating func use(_ name: Name, address: String, now: Int64) {
        guard records[name] != nil else { return }
        records[name]?.usedAt = now
        records[name]?.address = address
        used.insert(name)
    }

    mutating func takeUsed() -> [DeviceRecord] {
        defer { used.removeAll() }
        return used.compactMap { records[$0] }
    }

    // MARK: Waiting

    /// The device that waits by a code.
    func pending(_ code: String, now: Int64) -> PendingDevice? {
        waiting.first { $0.device.code == code && now < $0.device.until }?.device
    }

    /// The device that waits, and asks about that by its cookie.
    mutating func asks(_ id: DeviceID, _ user: [UInt8], now: Int64) -> PendingDevice? {
        guard let index = index(id, user), now < waiting[index].device.until else { return nil }
        waiting[index].hasCookie = true
        return waiting[index].device
    }

    /// Lets a device wait, or finds that it does. Answers with it and those that had to go.
    mutating func request(
        _ device: PendingDevice,
        _ place: LimitKey,
        hadCookie: Bool,
        bound: Int
    ) -> (PendingDevice, ended: [PendingDevice]) {
        var ended = refuse(now: device.since) { $0.until <= device.since }
        let name = Name(id: device.id, user: device.user)
        refused.removeAll { $0.name == name }
        if let index = index(device.id, device.user) {
            if hadCookie { waiting[index].hasCookie = true }
            return (waiting[index].device, ended)
        }
        if !hadCookie {
            let same = waiting.filter {
                !$0.hasCookie && $0.place == place && $0.device.user == device.user && $0.device.agent == device.agent
            }
            let codes = same.map(\.device.code)
            ended += takePending { codes.contains($0.code) }
        }
        while waiting.count >= bound, let first = waiting.first?.device {
            ended += refuse(now: device.since) { $0 == first }
        }
        var device = device
        // One in 2⁴⁰ for each that waits.
        while waiting.contains(where: { $0.device.code == device.code }) { device.code = DeviceCode.random() }
        waiting.append(Waiting(device: device, place: place, hasCookie: hadCookie))
        return (device, ended)
    }

    /// Takes out those that wait and fit.
    mutating func takePending(_ fits: (PendingDevice) -> Bool) -> [PendingDevice] {
        let taken = waiting.map(\.device).filter(fits)
        waiting.removeAll { fits($0.device) }
        return taken
    }

    /// Takes out those that wait and fit, and remembers to tell them.
    mutating func refuse(now: Int64, _ fits: (PendingDevice) -> Bool) -> [PendingDevice] {
        refused.removeAll { $0.until <= now }
        for one in waiting where fits(one.device) && !one.isTold {
            refused.append((Name(id: one.device.id, user: one.device.user), now + Self.memory))
        }
        refused.removeFirst(max(refused.count - DeviceTable.maximumPending, 0))
        return takePending(fits)
    }

    /// Whether the device was refused and hasn't been told, which it is herewith.
    mutating func takeRefusal(_ name: Name, now: Int64) -> Bool {
        if let index = index(name.id, name.user), waiting[index].device.until <= now, !waiting[index].isTold {
            waiting[index].isTold = true
            return true
        }
        guard let index = refused.firstIndex(where: { $0.name == name }) else { return false }
        return refused.remove(at: index).until > now
    }

    private func index(_ id: DeviceID, _ user: [UInt8]) -> Int? {
        waiting.firstIndex { $0.device.id == id && $0.device.user == user }
    }
}
