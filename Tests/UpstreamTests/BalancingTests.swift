import EventLoop
import Testing
import Upstream

@Suite struct BalancingTests {
    @Test(arguments: [
        ([5, 1, 1], [1, 1, 2, 1, 3, 1, 1]),
        ([1, 1, 1], [1, 2, 3, 1, 2, 3]),
        ([3, 1], [1, 1, 2, 1]),
        ([2, 3], [2, 1, 2, 1, 2]),
        ([1, 5, 1], [2, 2, 1, 2, 3, 2, 2]),
    ])
    func turnsAreSmooth(weights: [Int], expected: [Int]) {
        var group = group(weights.enumerated().map { literal($0.offset + 1, weight: $0.element) })
        for _ in 0..<3 {
            for last in expected { #expect(group.serve() == last) }
        }
    }

    @Test func anyWeightsGetTheirShareInEveryRound() {
        var numbers = Numbers(state: 1)
        for _ in 0..<50 {
            let weights = (0..<Int.random(in: 2...12, using: &numbers)).map { _ in
                Int.random(in: 1...20, using: &numbers)
            }
            var group = group(weights.enumerated().map { literal($0.offset, weight: $0.element) })
            for _ in 0..<3 {
                var counts = weights.map { _ in 0 }
                for _ in 0..<weights.reduce(0, +) {
                    if let last = group.serve() { counts[last] += 1 }
                }
                #expect(counts == weights)
            }
        }
    }

    @Test func fewestInFlightIsChosenByWeight() {
        var group = group([literal(1, weight: 2), literal(2), literal(3)], .leastConnections)
        var order: [Int] = []
        for _ in 0..<8 { if let last = group.choose()?.last { order.append(last) } }
        #expect(order.filter { $0 == 1 }.count == 4)
        #expect(order.filter { $0 == 2 }.count == 2)
        #expect(
            Set(order.prefix(3)) == [1, 2, 3],
            "every idle peer gets its first before any gets more than its share"
        )
    }

    @Test func fewestInFlightFollowsEnds() {
        var group = group([literal(1), literal(2)], .leastConnections)
        let first = group.choose()
        let second = group.choose()
        #expect(first?.last == 1)
        #expect(second?.last == 2)
        if let second { group.abandon(second.peer) }
        for _ in 0..<3 { #expect(group.serve() == 2) }
    }

    @Test func triedPeersAreLeftOut() {
        var group = group([literal(1), literal(2), literal(3)])
        var tried = TriedSet()
        var seen: Set<Int> = []
        while let (peer, last) = group.choose(0, &tried) {
            #expect(seen.insert(last).inserted)
            group.abandon(peer)
        }
        #expect(seen == [1, 2, 3])
        #expect(tried.count == 3)
    }

    @Test func fullPeersAreLeftOut() {
        var group = group([literal(1, maxConnections: 1), literal(2, maxConnections: 2)])
        let lasts = (0..<4).map { _ in group.choose()?.last }
        #expect(lasts[0] == 1)
        #expect(lasts[1] == 2)
        #expect(lasts[2] == 2)
        #expect(lasts[3] == nil)
    }

    @Test(arguments: [Balancing.roundRobin, .leastConnections])
    func backupsComeInWhenNoPrimaryCan(balancing: Balancing) {
        var group = group([literal(1), literal(2), literal(9, isBackup: true)], balancing)
        for _ in 0..<4 { #expect(group.serve() != 9) }
        group.fail()
        group.fail()
        #expect(group.serve(seconds(1)) == 9)
        #expect(group.serve(seconds(10.1)) != 9, "the primaries' rest is over")
    }

    @Test func downPeersNeverServe() {
        var group = group([literal(1, isDown: true), literal(2)])
        for _ in 0..<4 { #expect(group.serve() == 2) }
        var none = UpstreamGroupTests.makeGroup([literal(1, isDown: true)])
        var tried = TriedSet()
        #expect(none.acquire(now: 0, tried: &tried) == .noLivePeers)
        #expect(none.isReady(now: 0) == false)
    }

    /// The algorithm once more, as plainly as it can be written.
    struct Model {
        struct Peer {
            let weight: Int, maxFails: Int, failTimeout: UInt64, isBackup: Bool, maxConnections: Int
            var effective: Int, current = 0, fails = 0, accessed: UInt64 = 0, checked: UInt64 = 0, connections = 0
        }
        var peers: [Peer]

        mutating func choose(_ now: UInt64, _ tried: Set<Int>) -> Int? {
            for backup in [false, true] {
                let able = peers.indices.filter { index in
                    let peer = peers[index]
                    let rests =
                        peer.maxFails > 0 && peer.fails >= peer.maxFails && now - peer.checked <= peer.failTimeout
                    let isFull = peer.maxConnections > 0 && peer.connections >= peer.maxConnections
                    return peer.isBackup == backup && !tried.contains(index) && !rests && !isFull
                }
                if able.isEmpty { continue }
                let total = able.map { peers[$0].effective }.reduce(0, +)
                for index in able {
                    peers[index].current += peers[index].effective
                    peers[index].effective = min(peers[index].weight, peers[index].effective + 1)
                }
                let most = able.map { peers[$0].current }.max()
                let best = able.first { peers[$0].current == most } ?? able[0]
                peers[best].current -= total
                if now - peers[best].checked > peers[best].failTimeout { peers[best].checked = now }
                peers[best].connections += 1
                return best
            }
            return nil
        }

        mutating func end(_ index: Int, failed: Bool, _ now: UInt64) {
            peers[index].connections -= 1
            if failed {
                peers[index].fails += 1
                peers[index].accessed = now
                peers[index].checked = now
                if peers[index].maxFails > 0 {
                    let less = peers[index].effective - peers[index].weight / peers[index].maxFails
                    peers[index].effective = max(0, less)
                }
            } else if peers[index].accessed < peers[index].checked {
                peers[index].fails = 0
            }
        }
    }

    @Test(arguments: 1...20)
    func randomRunsMatchTheModel(seed: UInt64) {
        var numbers = Numbers(state: seed)
        let servers = (0..<Int.random(in: 2...9, using: &numbers)).map { index in
            literal(
                index,
                weight: Int.random(in: 1...6, using: &numbers),
                maxFails: Int.random(in: 0...3, using: &numbers),
                failTimeout: seconds(Double(Int.random(in: 1...5, using: &numbers))),
                isBackup: index > 1 && Int.random(in: 0..<4, using: &numbers) == 0,
                maxConnections: Int.random(in: 0...4, using: &numbers)
            )
        }
        var group = group(servers)
        var model = Model(
            peers: servers.map { server in
                Model.Peer(
                    weight: server.weight,
                    maxFails: server.maxFails,
                    failTimeout: server.failTimeout,
                    isBackup: server.isBackup,
                    maxConnections: server.maxConnections,
                    effective: server.weight
                )
            }
        )
        var now: UInt64 = 0
        var inFlight: [PeerIndex] = []
        for _ in 0..<3000 {
            now += UInt64.random(in: 0...seconds(0.5), using: &numbers)
            if Bool.random(using: &numbers) || inFlight.isEmpty {
                var tried = TriedSet()
                var modelTried: Set<Int> = []
                for index in servers.indices where Int.random(in: 0..<6, using: &numbers) == 0 {
                    tried.insert(PeerIndex(index))
                    modelTried.insert(index)
                }
                let chosen = group.choose(now, &tried)
                #expect(chosen?.last == model.choose(now, modelTried))
                if let chosen { inFlight.append(chosen.peer) }
            } else {
                let peer = inFlight.remove(at: Int.random(in: inFlight.indices, using: &numbers))
                let hasFailed = Int.random(in: 0..<3, using: &numbers) == 0
                if hasFailed {
                    group.failed(peer, broken, now: now)
                } else {
                    group.succeeded(peer)
                    group.abandon(peer)
                }
                model.end(Int(peer.rawValue), failed: hasFailed, now)
            }
        }
        #expect(group.report(now: now).count == servers.count)
    }
}
