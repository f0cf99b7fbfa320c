import Testing
import Upstream

@Suite struct IdlePoolTests {
    static func connection(
        _ slot: UInt32,
        peer: Int = 0,
        requests: Int = 1,
        openedAt: UInt64 = 0
    ) -> IdleConnection {
        IdleConnection(
            slot: slot,
            generation: slot &* 7,
            peer: PeerIndex(peer),
            requestsServed: requests,
            openedAt: openedAt
        )
    }

    @Test func theYoungestOfThePeerComesFirst() {
        var pool = IdlePool(configuration: KeepaliveConfiguration())
        for (slot, peer) in [(1, 0), (2, 1), (3, 0), (4, 1)] {
            #expect(pool.checkIn(Self.connection(UInt32(slot), peer: peer), now: 0) == .keep)
        }
        #expect(pool.checkOut(PeerIndex(0), now: 1) == Self.connection(3, peer: 0))
        #expect(pool.checkOut(PeerIndex(0), now: 1)?.slot == 1)
        #expect(pool.checkOut(PeerIndex(0), now: 1) == nil)
        #expect(pool.checkOut(PeerIndex(1), now: 1)?.slot == 4)
        #expect(pool.count == 1)
    }

    @Test(arguments: [
        (1, UInt64(0), CheckInResult.keep),
        (2, 0, .keep),
        (3, 0, .close(.requestLimit)),
        (4, 0, .close(.requestLimit)),
        (1, seconds(99), .keep),
        (1, seconds(100), .close(.lifetime)),
    ])
    func whatIsKept(requests: Int, age: UInt64, expected: CheckInResult) {
        var pool = IdlePool(configuration: KeepaliveConfiguration(requestLimit: 3, lifetime: seconds(100)))
        let connection = Self.connection(1, requests: requests, openedAt: seconds(5))
        #expect(pool.checkIn(connection, now: seconds(5) + age) == expected)
    }

    @Test func nothingIsKeptWithoutPlaces() {
        var pool = IdlePool(configuration: KeepaliveConfiguration(idleLimit: 0))
        #expect(pool.checkIn(Self.connection(1), now: 0) == .close(.keepaliveOff))
        #expect(pool.checkOut(PeerIndex(0), now: 0) == nil)
        #expect(pool.nextExpiry == nil)
    }

    @Test func aFullPoolGivesUpItsOldest() {
        var pool = IdlePool(configuration: KeepaliveConfiguration(idleLimit: 2, surplusLimit: 0))
        #expect(pool.checkIn(Self.connection(1, peer: 3), now: 1) == .keep)
        #expect(pool.checkIn(Self.connection(2), now: 2) == .keep)
        #expect(pool.checkIn(Self.connection(3), now: 3) == .keepEvicting(Self.connection(1, peer: 3)))
        #expect(pool.count == 2)
    }

    @Test func moreThanTheLimitIdleForAMoment() {
        var pool = IdlePool(
            configuration: KeepaliveConfiguration(idleLimit: 2, surplusLimit: 2, surplusTime: seconds(1))
        )
        for slot in 1...4 {
            #expect(pool.checkIn(Self.connection(UInt32(slot)), now: seconds(Double(slot)) / 10) == .keep)
        }
        #expect(pool.surplusExpiry == seconds(1) + seconds(1) / 10)
        #expect(pool.nextSurplus(now: seconds(1)) == nil)
        #expect(pool.nextSurplus(now: seconds(1) + seconds(1) / 10)?.slot == 1)
        #expect(pool.nextSurplus(now: seconds(1) + seconds(1) / 10) == nil)
        #expect(pool.nextSurplus(now: seconds(9))?.slot == 2)
        #expect(pool.nextSurplus(now: seconds(9)) == nil)
        #expect(pool.surplusExpiry == nil)
        #expect(pool.count == 2)
        // A full pool gives up its oldest at once.
        #expect(pool.checkIn(Self.connection(5), now: seconds(9)) == .keep)
        #expect(pool.checkIn(Self.connection(6), now: seconds(9)) == .keep)
        guard case .keepEvicting(let oldest) = pool.checkIn(Self.connection(7), now: seconds(9)) else {
            Issue.record("nothing was evicted")
            return
        }
        #expect(oldest.slot == 3)
    }

    @Test func idleTimeEnds() {
        var pool = IdlePool(configuration: KeepaliveConfiguration(idleTimeout: seconds(60)))
        _ = pool.checkIn(Self.connection(1), now: seconds(1))
        _ = pool.checkIn(Self.connection(2), now: seconds(2))
        #expect(pool.nextExpiry == seconds(61))
        #expect(pool.nextExpired(now: seconds(60.9)) == nil)
        #expect(pool.nextExpired(now: seconds(61))?.slot == 1)
        #expect(pool.nextExpired(now: seconds(61)) == nil)
        #expect(pool.checkOut(PeerIndex(0), now: seconds(62)) == nil, "an expired one is never handed out")
        #expect(pool.nextExpired(now: seconds(62))?.slot == 2)
        #expect(pool.count == 0)
    }

    /// The pool as a plain list, oldest first.
    struct Model {
        var list: [(connection: IdleConnection, since: UInt64)] = []
        let limit: Int
        let timeout: UInt64

        mutating func checkIn(_ connection: IdleConnection, _ now: UInt64) -> CheckInResult {
            let evicted = list.count == limit ? list.removeFirst().connection : nil
            list.append((connection, now))
            if let evicted { return .keepEvicting(evicted) }
            return .keep
        }

        mutating func checkOut(_ peer: PeerIndex, _ now: UInt64) -> IdleConnection? {
            guard let index = list.lastIndex(where: { $0.connection.peer == peer }), now - list[index].since < timeout
            else { return nil }
            return list.remove(at: index).connection
        }

        mutating func expire(_ now: UInt64) -> IdleConnection? {
            guard let first = list.first, now - first.since >= timeout else { return nil }
            return list.removeFirst().connection
        }
    }

    @Test(arguments: [1, 2, 3, 8, 32, 100])
    func randomRunsMatchTheModel(limit: Int) {
        var numbers = Numbers(state: UInt64(limit))
        var pool = IdlePool(
            configuration: KeepaliveConfiguration(idleLimit: limit, idleTimeout: seconds(5), surplusLimit: 0)
        )
        var model = Model(limit: limit, timeout: seconds(5))
        var now: UInt64 = 0
        for _ in 0..<20_000 {
            now += UInt64.random(in: 0...seconds(0.1), using: &numbers)
            let peer = PeerIndex(Int.random(in: 0..<5, using: &numbers))
            switch Int.random(in: 0..<10, using: &numbers) {
            case 0..<5:
                var slot: UInt32
                repeat {
                    // Strides of 64 collide in a table that only masks.
                    slot = UInt32.random(in: 0..<500, using: &numbers) &* 64
                } while model.list.contains { $0.connection.slot == slot }
                let connection = Self.connection(slot, peer: Int(peer.rawValue), openedAt: now)
                #expect(pool.checkIn(connection, now: now) == model.checkIn(connection, now))
            case 5..<8:
                #expect(pool.checkOut(peer, now: now) == model.checkOut(peer, now))
            case 8:
                let slot =
                    model.list.randomElement(using: &numbers)?.connection.slot
                    ?? UInt32.random(in: 0..<500, using: &numbers)
                #expect(pool.remove(slot: slot) == model.list.contains { $0.connection.slot == slot })
                model.list.removeAll { $0.connection.slot == slot }
                #expect(pool.remove(slot: slot) == false)
            default:
                #expect(pool.nextExpired(now: now) == model.expire(now))
            }
            #expect(pool.count == model.list.count)
        }
        #expect(pool.nextExpiry == model.list.first.map { $0.since + seconds(5) })
        var left: [UInt32] = []
        while let connection = pool.drainNext() { left.append(connection.slot) }
        #expect(left == model.list.map(\.connection.slot))
    }
}
