/// The idle connections of one upstream on one loop.
///
/// The youngest is taken first, so that the rest age and expire. More than `idleLimit` are kept for a moment only: the oldest
/// of them leave by `nextSurplus`. A full pool makes room by giving up its oldest. All storage is made at the start; every
/// operation takes constant time.
///
/// ```
///             checkIn                       checkOut
/// in flight ──────────▶ idle (kept) ─────────────────▶ in flight
///     │                  │    │   └─ evicted by a younger one ─▶ closed
///     └─▶ closed         │    └───── nextExpired, drain ───────▶ closed
///                        └──── remove (peer hung up), nextSurplus ▶ closed
/// ```
package struct IdlePool: ~Copyable {
    private struct Entry {
        var connection: IdleConnection
        var idleSince: UInt64
        /// Neighbours among all idle connections by age, and among those of the same peer. `none` ends a list.
        var older = none
        var younger = none
        var olderOfPeer = none
        var youngerOfPeer = none
    }

    private static let none: Int32 = -1

    private let configuration: KeepaliveConfiguration
    private var entries: [Entry] = []
    private var unused: [Int32] = []
    private var bySlot: SlotTable
    private var oldest = IdlePool.none
    private var youngest = IdlePool.none
    private var youngestOfPeer: [Int32]
    /// Idle connections.
    package private(set) var count = 0

    package init(configuration: KeepaliveConfiguration) {
        self.configuration = configuration
        let limit = configuration.idleLimit > 0 ? configuration.idleLimit + max(configuration.surplusLimit, 0) : 0
        let blank = IdleConnection(slot: 0, generation: 0, peer: PeerIndex(0), requestsServed: 0, openedAt: 0)
        entries = Array(repeating: Entry(connection: blank, idleSince: 0), count: limit)
        unused = (0..<limit).reversed().map { Int32($0) }
        bySlot = SlotTable(capacity: limit)
        youngestOfPeer = Array(repeating: IdlePool.none, count: PeerSet.capacity)
    }

    // MARK: In and out

    /// Takes the youngest idle connection to `peer` that hasn't expired.
    package mutating func checkOut(_ peer: PeerIndex, now: UInt64) -> IdleConnection? {
        let index = youngestOfPeer[peer.position]
        // Where the youngest has expired, so have the others; the timer collects them.
        if index == Self.none || hasExpired(index, now) { return nil }
        return take(index)
    }

    /// Offers a connection whose exchange has ended well, of which `requestsServed` counts the latest request.
    package mutating func checkIn(_ connection: IdleConnection, now: UInt64) -> CheckInResult {
        if entries.isEmpty { return .close(.keepaliveOff) }
        if connection.requestsServed >= configuration.requestLimit { return .close(.requestLimit) }
        if elapsed(since: connection.openedAt, now) >= configuration.lifetime { return .close(.lifetime) }
        // The same slot twice would be the caller's mistake; the older entry can only be stale.
        if let stale = bySlot.find(connection.slot) { _ = take(Int32(stale)) }
        let evicted = unused.isEmpty ? take(oldest) : nil
        put(connection, now)
        if let evicted { return .keepEvicting(evicted) }
        return .keep
    }

    /// Forgets a connection that ended while idle. Answers whether it was here.
    @discardableResult
    package mutating func remove(slot: UInt32) -> Bool {
        guard let index = bySlot.find(slot) else { return false }
        _ = take(Int32(index))
        return true
    }

    // MARK: Age

    /// Takes one connection that has idled too long, or answers nil. Call until nil.
    package mutating func nextExpired(now: UInt64) -> IdleConnection? {
        if oldest == Self.none || !hasExpired(oldest, now) { return nil }
        return take(oldest)
    }

    /// When the next one expires, or nil when there is none.
    package var nextExpiry: UInt64? {
        oldest == Self.none ? nil : entries[Int(oldest)].idleSince &+ configuration.idleTimeout
    }

    /// Takes one connection beyond `idleLimit` that has idled for the time of a surplus one, or answers nil. Call until nil.
    package mutating func nextSurplus(now: UInt64) -> IdleConnection? {
        guard let expiry = surplusExpiry, expiry <= now else { return nil }
        return take(oldest)
    }

    /// When the next surplus connection is to leave, or nil when there is none.
    package var surplusExpiry: UInt64? {
        count > configuration.idleLimit ? entries[Int(oldest)].idleSince &+ configuration.surplusTime : nil
    }

    private func hasExpired(_ index: Int32, _ now: UInt64) -> Bool {
        elapsed(since: entries[Int(index)].idleSince, now) >= configuration.idleTimeout
    }

    // MARK: Draining

    /// Takes the oldest connection to `peer`, or to any when nil. Call until nil to empty the pool.
    package mutating func drainNext(of peer: PeerIndex? = nil) -> IdleConnection? {
        let index = peer.map { youngestOfPeer[$0.position] } ?? oldest
        return index == Self.none ? nil : take(index)
    }

    // MARK: Lists

    private mutating func put(_ connection: IdleConnection, _ now: UInt64) {
        let index = unused.removeLast()
        let peer = connection.peer.position
        var entry = Entry(connection: connection, idleSince: now)
        entry.older = youngest
        entry.olderOfPeer = youngestOfPeer[peer]
        if youngest == Self.none { oldest = index } else { entries[Int(youngest)].younger = index }
        if entry.olderOfPeer != Self.none { entries[Int(entry.olderOfPeer)].youngerOfPeer = index }
        youngest = index
        youngestOfPeer[peer] = index
        entries[Int(index)] = entry
        bySlot.insert(connection.slot, entry: Int(index))
        count += 1
    }

    private mutating func take(_ index: Int32) -> IdleConnection {
        let entry = entries[Int(index)]
        if entry.older == Self.none {
            oldest = entry.younger
        } else {
            entries[Int(entry.older)].younger = entry.younger
        }
        if entry.younger == Self.none {
            youngest = entry.older
        } else {
            entries[Int(entry.younger)].older = entry.older
        }
        if entry.olderOfPeer != Self.none { entries[Int(entry.olderOfPeer)].youngerOfPeer = entry.youngerOfPeer }
        if entry.youngerOfPeer == Self.none {
            youngestOfPeer[entry.connection.peer.position] = entry.olderOfPeer
        } else {
            entries[Int(entry.youngerOfPeer)].olderOfPeer = entry.olderOfPeer
        }
        bySlot.remove(entry.connection.slot)
        unused.append(index)
        count -= 1
        return entry.connection
    }
}

/// A connection as the pool knows it: its place in the loop's slab and what it has done.
package struct IdleConnection: Sendable, Equatable {
    package var slot: UInt32
    package var generation: UInt32
    package var peer: PeerIndex
    /// Requests it has carried.
    package var requestsServed: Int
    /// When it was opened, in nanoseconds of the monotonic clock.
    package var openedAt: UInt64

    package init(slot: UInt32, generation: UInt32, peer: PeerIndex, requestsServed: Int, openedAt: UInt64) {
        self.slot = slot
        self.generation = generation
        self.peer = peer
        self.requestsServed = requestsServed
        self.openedAt = openedAt
    }
}

/// What becomes of a connection whose exchange has ended.
package enum CheckInResult: Sendable, Equatable {
    case keep
    /// It is kept; the other one, the oldest, must be closed.
    case keepEvicting(IdleConnection)
    case close(CloseReason)
}

/// Why a connection isn't kept.
package enum CloseReason: Sendable, Equatable {
    case keepaliveOff
    case requestLimit
    case lifetime
    /// Its peer is no longer listed.
    case peerVanished
    /// The group is shutting down.
    case draining
}
