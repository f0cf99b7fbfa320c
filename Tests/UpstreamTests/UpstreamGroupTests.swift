import EventLoop
import Testing
import Upstream

@Suite struct UpstreamGroupTests {
    static func makeGroup(_ servers: [ServerConfiguration]) -> UpstreamGroup { group(servers) }

    static func named(_ name: String, port: UInt16 = 18789, isBackup: Bool = false) -> ServerConfiguration {
        ServerConfiguration(.name(name, port: port), isBackup: isBackup)
    }

    static func idle(_ slot: UInt32, _ peer: PeerIndex) -> IdleConnection {
        IdleConnection(slot: slot, generation: 1, peer: peer, requestsServed: 1, openedAt: 0)
    }

    static func bare(_ last: Int) -> SocketAddress { address(last, port: 0) }

    @Test func keptConnectionsAreReused() {
        var group = group([literal(1)])
        guard let (peer, _) = group.choose() else { return #expect(Bool(false)) }
        group.succeeded(peer)
        #expect(group.release(Self.idle(7, peer), now: 0) == .keep)
        var tried = TriedSet()
        #expect(group.acquire(now: 1, tried: &tried) == .reuse(Self.idle(7, peer)))
        #expect(group.replaceStale(peer) == address(1))
        group.abandon(peer)
        let statistics = group.report(now: 1)[0].statistics
        #expect(statistics == PeerStatistics(connects: 2, reuses: 1, stale: 1, successes: 1))
    }

    @Test func namesAreAwaited() {
        var group = group([Self.named("gateway")])
        var tried = TriedSet()
        #expect(group.acquire(now: 0, tried: &tried) == .unresolved)
        #expect(group.unresolvedName == "gateway")
        #expect(group.isReady(now: 0) == false)
        let orphans = group.apply(ResolvedNames(version: 1, entries: [("gateway", [Self.bare(5)])]))
        #expect(orphans.isEmpty)
        #expect(group.unresolvedName == nil)
        #expect(group.isReady(now: 0) == true)
        #expect(group.acquire(now: 0, tried: &tried) == .connect(PeerIndex(0), address(5, port: 18789)))
        #expect(group.name(of: PeerIndex(0)) == "gateway")
        #expect(group.acquire(now: 0, tried: &tried) == .noLivePeers, "tried, which isn't unresolved")
    }

    @Test func aLiteralServesWhileANameIsAwaited() {
        var group = group([Self.named("gateway"), literal(1)])
        #expect(group.serve() == 1)
        group.fail()
        #expect(group.serve() == 1, "alone so far")
        #expect(group.unresolvedName == "gateway")
    }

    @Test func vanishedAddressesGiveUpTheirConnections() {
        var group = group([Self.named("gateway")])
        _ = group.apply(addresses: [Self.bare(1), Self.bare(2)], forServer: 0)
        guard let first = group.choose(), let second = group.choose(), let third = group.choose() else {
            return #expect(Bool(false))
        }
        #expect([first.last, second.last, third.last] == [1, 2, 1])
        _ = group.release(Self.idle(11, first.peer), now: 0)
        _ = group.release(Self.idle(12, second.peer), now: 0)

        let orphans = group.apply(addresses: [Self.bare(2), Self.bare(3)], forServer: 0)
        #expect(orphans.map(\.slot) == [11])
        #expect(group.idleCount == 1)
        #expect(group.release(Self.idle(13, third.peer), now: 0) == .close(.peerVanished))
        #expect(Set([group.serve(), group.serve()]) == [2, 3])
        #expect(group.report(now: 0).map(\.address) == [address(2, port: 18789), address(3, port: 18789)])
    }

    @Test func healthOutlivesAChangeOfAddresses() {
        var group = group([Self.named("gateway")])
        _ = group.apply(addresses: [Self.bare(1), Self.bare(2)], forServer: 0)
        #expect(group.fail() == 1)
        _ = group.apply(addresses: [Self.bare(3), Self.bare(1), Self.bare(2)], forServer: 0)
        let served = Set((0..<6).map { _ in group.serve(seconds(1)) })
        #expect(served == [2, 3])
    }

    @Test func placesOfVanishedPeersAreUsedAgainOnceTheirRequestsEnd() {
        var group = group([Self.named("gateway")])
        _ = group.apply(addresses: [Self.bare(1)], forServer: 0)
        guard let old = group.choose() else { return #expect(Bool(false)) }
        _ = group.apply(addresses: [Self.bare(2)], forServer: 0)
        guard let new = group.choose() else { return #expect(Bool(false)) }
        #expect(new.last == 2)
        #expect(new.peer != old.peer)
        group.abandon(old.peer)
        _ = group.apply(addresses: [Self.bare(3), Self.bare(2)], forServer: 0)
        #expect(Set([group.choose()?.peer, group.choose()?.peer]) == [old.peer, new.peer])
    }

    @Test func addressesThatFindNoRoomAreCounted() {
        var group = group((0..<5).map { Self.named("host\($0)") })
        let names = (0..<5).map { host in ("host\(host)", (0..<32).map { address(host * 32 + $0, port: 0) }) }
        _ = group.apply(ResolvedNames(version: 1, entries: names.map { (name: $0.0, addresses: $0.1) }))
        #expect(group.report(now: 0).count == PeerSet.capacity)
        #expect(group.leftOutAddresses == 32)
        var tried = TriedSet()
        var count = 0
        while group.choose(0, &tried) != nil { count += 1 }
        #expect(count == PeerSet.capacity)
    }

    @Test func addressesComeAndGoForever() {
        var numbers = Numbers(state: 3)
        var group = group([Self.named("gateway"), literal(200)])
        var inFlight: [(peer: PeerIndex, last: Int)] = []
        var idle: [UInt32: Int] = [:]
        for round in 0..<2000 {
            let found = (0..<4).map { _ in Self.bare(Int.random(in: 1...10, using: &numbers)) }
            let orphans = group.apply(addresses: found, forServer: 0)
            let vanished = idle.filter { $0.value != 200 && !found.contains(Self.bare($0.value)) }
            #expect(Set(orphans.map(\.slot)) == Set(vanished.keys))
            for slot in vanished.keys { idle[slot] = nil }
            var tried = TriedSet()
            switch group.acquire(now: UInt64(round), tried: &tried) {
            case .connect(let peer, let address): inFlight.append((peer, Int(address.ipBytes.low & 0xFF)))
            case .reuse(let connection):
                let last = idle.removeValue(forKey: connection.slot)
                #expect(last == Int(group.address(of: connection.peer).ipBytes.low & 0xFF))
                inFlight.append((connection.peer, last ?? 0))
            case .noLivePeers, .unresolved: Issue.record("a peer is always there")
            }
            for slot in idle.keys.filter({ Int($0) + 5 < round }) {
                idle[slot] = nil
                #expect(group.idleClosed(slot: slot) == true)
            }
            if inFlight.count > 20 {
                let ended = inFlight.remove(at: Int.random(in: inFlight.indices, using: &numbers))
                #expect(Int(group.address(of: ended.peer).ipBytes.low & 0xFF) == ended.last, "a place was given away")
                let isListed = ended.last == 200 || found.contains(Self.bare(ended.last))
                let result = group.release(Self.idle(UInt32(round), ended.peer), now: UInt64(round))
                #expect(result == (isListed ? .keep : .close(.peerVanished)))
                if isListed { idle[UInt32(round)] = ended.last }
            }
            let listed = group.report(now: UInt64(round)).map { $0.address.with(port: 0) }
            #expect(Set(listed) == Set(found + [Self.bare(200)]))
        }
    }

    @Test func readinessFollowsTheLatestAttempt() {
        var group = group([literal(1)])
        #expect(group.isReady(now: 0) == true)
        group.fail(seconds(1))
        #expect(group.isReady(now: seconds(2)) == false, "alone it never rests, yet it can't be reached")
        #expect(group.serve(seconds(3)) == 1)
        #expect(group.isReady(now: seconds(3)) == true)
        group.fail(seconds(4))
        #expect(group.isReady(now: seconds(14)) == false)
        #expect(group.isReady(now: seconds(14.1)) == true)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("::1", true), ("[::1]", true), ("gateway", false), ("10.0.0", false),
        ("1.2.3.4.5", false),
        ("[gateway]", false), ("", false), ("[", false),
    ])
    func literalsAreToldFromNames(host: String, isLiteral: Bool) {
        switch ServerConfiguration.Endpoint(host: host, port: 80) {
        case .address(let address):
            #expect(isLiteral)
            #expect(address.port == 80)
        case .name(let name, let port):
            #expect(!isLiteral)
            #expect(name == host)
            #expect(port == 80)
        }
    }

    @Test func drainingKeepsNothing() {
        var group = group([literal(1)])
        guard let first = group.choose(), let second = group.choose() else { return #expect(Bool(false)) }
        _ = group.release(Self.idle(1, first.peer), now: 0)
        #expect(group.nextDrained() == nil)
        group.beginDraining()
        #expect(group.nextDrained()?.slot == 1)
        #expect(group.nextDrained() == nil)
        #expect(group.release(Self.idle(2, second.peer), now: 0) == .close(.draining))
    }
}
