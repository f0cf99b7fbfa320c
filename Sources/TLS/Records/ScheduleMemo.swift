internal import COpenSSL

/// The schedules of the secrets that one step of a handshake derives from, up to four of them: each is derived from several
/// times in a row, and taking the key in is half of the work. Whoever opens it closes it, which wipes them.
@safe
struct ScheduleMemo: ~Copyable {
    private struct Entry: ~Copyable {
        let hash: RecordHash
        var secret: Derived
        var schedule: KeySchedule
    }

    private static let capacity = 4

    private let entries = UnsafeMutablePointer<Entry>.allocate(capacity: Self.capacity)
    private var count = 0
    /// Which one gives way to the next.
    private var next = 0
    private var isOpen = false

    deinit { unsafe entries.deallocate() }

    /// From now on schedules are kept.
    mutating func open() { isOpen = true }

    /// Forgets all of them, and keeps none from now on.
    mutating func close() {
        for index in 0..<count { Self.wipe(&(unsafe entries[index])) }
        unsafe entries.deinitialize(count: count)
        (count, next) = (0, 0)
        isOpen = false
    }

    private static func wipe(_ entry: inout Entry) {
        TLS.wipe(&entry.secret)
        entry.schedule.wipe()
    }

    /// Runs `body` with the schedule of `secret`.
    mutating func withSchedule(
        _ hash: RecordHash,
        _ secret: borrowing Span<UInt8>,
        _ body: (borrowing KeySchedule) -> Bool
    ) -> Bool {
        // Only a whole secret is sure not to be another one with zeros behind it.
        guard isOpen, secret.count == hash.length else {
            var schedule = KeySchedule(hash, secret: secret)
            let result = body(schedule)
            schedule.wipe()
            return result
        }
        for index in 0..<count where unsafe entries[index].hash == hash {
            if Self.equals(unsafe entries[index].secret, secret) { return body(unsafe entries[index].schedule) }
        }
        let index = next
        next = (next + 1) % Self.capacity
        if index < count {
            Self.wipe(&(unsafe entries[index]))
            unsafe (entries + index).deinitialize(count: 1)
        } else {
            count += 1
        }
        var copy = Derived(repeating: 0)
        for position in secret.indices { copy[position] = secret[position] }
        let entry = Entry(hash: hash, secret: copy, schedule: KeySchedule(hash, secret: secret))
        unsafe (entries + index).initialize(to: entry)
        TLS.wipe(&copy)
        return body(unsafe entries[index].schedule)
    }

    /// In a time that doesn't tell where they differ.
    private static func equals(_ kept: borrowing Derived, _ secret: borrowing Span<UInt8>) -> Bool {
        unsafe kept.span.withUnsafeBytes { kept in
            unsafe secret.withUnsafeBytes { secret in
                unsafe CRYPTO_memcmp(kept.baseAddress, secret.baseAddress, secret.count) == 0
            }
        }
    }
}
