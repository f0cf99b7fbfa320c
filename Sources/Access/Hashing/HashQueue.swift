package import Crypto
package import Limits

/// Who waits for which hash, and whose turn is next.
///
/// ```
///            enqueue                     next                       finished
///   caller ──────────▶ waiting ────────────────────▶ running ─────────────────▶ its waiters, each told
///      │                  ▲ equal digest: joins, waiting or running
///      ├▶ shed: too many hashes in all, or too many of this address
///      └▶ cancel: one who waits leaves; with the last of them a waiting job goes
/// ```
///
/// Addresses take turns; one that was just served, or whose hash just ended, goes to the end of the line. So with one address
/// that asks without pause, another's job waits for the hashes that run at that moment, and for no more. All work is linear in
/// the number of those who wait, which is small beside a password hash.
package struct HashQueue<Waiter> {
    /// What became of a request for a hash.
    package enum Admission: Sendable, Equatable {
        case queued
        /// Somebody waits for the very same hash already: one computation serves both.
        case joined
        case shed(Reason)
    }

    package enum Reason: Sendable, Equatable {
        /// As many hashes are asked for, or as many wait, as may be at all.
        case queueFull
        /// As many hashes are asked for, or as many wait, as may be from one address.
        case addressLimit
    }

    /// A job to run. Give `id` back with `finished`.
    package struct Assignment {
        package let id: UInt64
        package let job: HashJob
    }

    private struct Entry {
        let id: UInt64
        let job: HashJob
        /// Who asked first: the hash counts against this address until it has ended.
        let owner: LimitKey
        var isRunning = false
        var waiters: [(address: LimitKey, waiter: Waiter)]
    }

    private struct Line {
        let address: LimitKey
        /// Jobs by `id`; those that another address has started in the meantime are skipped.
        var jobs: [UInt64]
        /// Those who wait, for jobs that run as well.
        var waiters: Int
    }

    /// Waiting costs little beside hashing: a page's many connections with one password wait for one hash.
    private static var waitersPerHash: Int { 64 }

    package let capacity: Int
    package let perAddress: Int
    private var entries: [Entry] = []
    /// One for each address that waits for something; the first has the next turn.
    private var lines: [Line] = []
    private var nextID: UInt64 = 1
    /// Those who wait, for jobs that run as well.
    package private(set) var waiting = 0

    /// `capacity` hashes in all, `perAddress` from one address; 64 times as many may wait for them.
    package init(capacity: Int = 256, perAddress: Int = 16) {
        precondition(capacity > 0 && perAddress > 0)
        self.capacity = capacity
        self.perAddress = perAddress
    }

    /// Hashes that run.
    package var running: Int { entries.count { $0.isRunning } }

    /// Takes in a job for one who waits at `address`.
    package mutating func enqueue(_ job: HashJob, address: LimitKey, _ waiter: Waiter) -> Admission {
        let equal = entries.firstIndex { $0.job.digest == job.digest }
        let known = lines.firstIndex { $0.address == address }
        if let reason = refusal(address, isNew: equal == nil, waiters: known.map { lines[$0].waiters } ?? 0) {
            return .shed(reason)
        }
        let line = known ?? lines.count
        if known == nil { lines.append(Line(address: address, jobs: [], waiters: 0)) }
        lines[line].waiters += 1
        waiting += 1
        if let equal {
            entries[equal].waiters.append((address, waiter))
            // It must not wait for the other address's turn.
            if !entries[equal].isRunning, !lines[line].jobs.contains(entries[equal].id) {
                lines[line].jobs.append(entries[equal].id)
            }
            return .joined
        }
        entries.append(Entry(id: nextID, job: job, owner: address, waiters: [(address, waiter)]))
        lines[line].jobs.append(nextID)
        nextID += 1
        return .queued
    }

    /// Which bound one more would exceed, if any.
    private func refusal(_ address: LimitKey, isNew: Bool, waiters: Int) -> Reason? {
        if waiting >= capacity * Self.waitersPerHash { return .queueFull }
        if waiters >= perAddress * Self.waitersPerHash { return .addressLimit }
        guard isNew else { return nil }
        if entries.count >= capacity { return .queueFull }
        return entries.count { $0.owner == address } >= perAddress ? .addressLimit : nil
    }

    /// The job whose turn it is, or nil when none waits.
    package mutating func next() -> Assignment? {
        for index in lines.indices {
            while let id = lines[index].jobs.first {
                lines[index].jobs.removeFirst()
                guard let entry = entries.firstIndex(where: { $0.id == id }), !entries[entry].isRunning else {
                    continue
                }
                entries[entry].isRunning = true
                lines.append(lines.remove(at: index))
                return Assignment(id: id, job: entries[entry].job)
            }
        }
        return nil
    }

    /// Ends a job; answers all who waited for it.
    package mutating func finished(_ id: UInt64) -> [Waiter] {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return [] }
        let entry = entries.remove(at: index)
        for (address, _) in entry.waiters {
            waiting -= 1
            guard let line = lines.firstIndex(where: { $0.address == address }) else { continue }
            var moved = lines.remove(at: line)
            moved.waiters -= 1
            if moved.waiters > 0 { lines.append(moved) }
        }
        return entry.waiters.map(\.waiter)
    }

    /// Forgets one who waits at `address` for the job of `digest`; false when there is none. A job that nobody waits for any
    /// more is dropped, unless it runs: then it counts against its owner until it has ended.
    package mutating func cancel(_ digest: Digest32, address: LimitKey, _ isMeant: (Waiter) -> Bool) -> Bool {
        guard let index = entries.firstIndex(where: { $0.job.digest == digest }),
            let position = entries[index].waiters.firstIndex(where: { $0.address == address && isMeant($0.waiter) })
        else { return false }
        entries[index].waiters.remove(at: position)
        waiting -= 1
        if let line = lines.firstIndex(where: { $0.address == address }) {
            lines[line].waiters -= 1
            if !entries[index].waiters.contains(where: { $0.address == address }) {
                let id = entries[index].id
                lines[line].jobs.removeAll { $0 == id }
            }
            if lines[line].waiters == 0 { lines.remove(at: line) }
        }
        if entries[index].waiters.isEmpty, !entries[index].isRunning { entries.remove(at: index) }
        return true
    }

    /// Ends the queue: all who wait, for jobs that run as well.
    package mutating func removeAll() -> [Waiter] {
        let waiters = entries.flatMap { $0.waiters.map(\.waiter) }
        entries = []
        lines = []
        waiting = 0
        return waiters
    }
}
