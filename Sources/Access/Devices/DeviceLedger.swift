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
    }

    private(set) var records: [Name: DeviceRecord] = [:]
    /// The one that waits longest first.
    private(set) var waiting: [Waiting] = []
    private var used: Set<Name> = []

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

    /// The code by which the device waits, which it asks for by its cookie.
    mutating func code(_ id: DeviceID, _ user: [UInt8], now: Int64) -> String? {
        guard let index = index(id, user), now < waiting[index].device.until else { return nil }
        waiting[index].hasCookie = true
        return waiting[index].device.code
    }

    /// Lets a device wait, or finds that it does. Answers with it and those that had to go.
    mutating func request(
        _ device: PendingDevice,
        _ place: LimitKey,
        hadCookie: Bool,
        bound: Int
    ) -> (PendingDevice, ended: [PendingDevice]) {
        var ended = takePending { $0.until <= device.since }
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
        while waiting.count >= bound { ended.append(waiting.removeFirst().device) }
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

    private func index(_ id: DeviceID, _ user: [UInt8]) -> Int? {
        waiting.firstIndex { $0.device.id == id && $0.device.user == user }
    }
}
