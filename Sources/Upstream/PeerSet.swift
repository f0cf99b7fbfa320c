package import EventLoop

/// The peers of an upstream and the choice among them.
///
/// Choosing follows Nginx: smooth weighted round robin, or fewest requests in flight; a peer with `max_fails` failures rests
/// for `fail_timeout`, then gets one request as a probe; backups come in only when no primary can take a request. A peer
/// that is alone never rests. When nobody is left the answer is `noneAvailable`; nobody is woken early.
package struct PeerSet: ~Copyable {
    /// The most peers of one upstream; further addresses are left out.
    package static let capacity = 128

    private let balancing: Balancing
    private var peers: [Peer] = []
    /// Positions of the listed peers, in the order of the configuration.
    private var primaries: [Int] = []
    private var backups: [Int] = []
    /// Whether a server that isn't down still waits for its first addresses.
    var hasUnresolved = false

    package init(balancing: Balancing) { self.balancing = balancing }

    /// Listed peers.
    package var count: Int { primaries.count + backups.count }

    private var isSingle: Bool { primaries.count == 1 && backups.isEmpty }

    // MARK: Choosing

    /// Picks a peer outside `tried`. The caller adds it to `tried`, and ends the attempt with `end`.
    package mutating func choose(now: UInt64, excluding tried: TriedSet) -> ChooseResult {
        if isSingle {
            let position = primaries[0]
            if !peers[position].isDown && !peers[position].isFull && !tried.contains(PeerIndex(position)) {
                return begin(position, now)
            }
        } else {
            if let position = pick(backup: false, now, tried) { return begin(position, now) }
            if let position = pick(backup: true, now, tried) { return begin(position, now) }
        }
        return hasUnresolved && !hasServing ? .unresolved : .noneAvailable
    }

    /// Whether a request could be chosen a peer whose latest attempt, within its `fail_timeout`, didn't fail.
    package func hasReachable(now: UInt64) -> Bool {
        for position in primaries where isReachable(position, now) { return true }
        for position in backups where isReachable(position, now) { return true }
        return false
    }

    /// Whether a peer outside `tried` could be chosen now.
    package func hasOther(than tried: TriedSet, now: UInt64) -> Bool {
        for position in primaries where canTake(position, now, tried) { return true }
        for position in backups where canTake(position, now, tried) { return true }
        return false
    }

    /// Whether a listed peer that isn't `down` is outside `tried`, whether or not it can take a request.
    package func hasUntried(_ tried: TriedSet) -> Bool {
        for position in primaries where isUntried(position, tried) { return true }
        for position in backups where isUntried(position, tried) { return true }
        return false
    }

    private func isUntried(_ position: Int, _ tried: TriedSet) -> Bool {
        !peers[position].isDown && !tried.contains(PeerIndex(position))
    }

    private func isReachable(_ position: Int, _ now: UInt64) -> Bool {
        guard canTake(position, now, TriedSet()) else { return false }
        guard let since = peers[position].brokenSince else { return true }
        return elapsed(since: since, now) > peers[position].failTimeout
    }

    /// Whether any listed peer isn't `down`.
    private var hasServing: Bool {
        for position in primaries where !peers[position].isDown { return true }
        for position in backups where !peers[position].isDown { return true }
        return false
    }

    private func canTake(_ position: Int, _ now: UInt64, _ tried: TriedSet) -> Bool {
        if tried.contains(PeerIndex(position)) || peers[position].isDown || peers[position].isFull { return false }
        return isSingle || !peers[position].isResting(now: now)
    }

    private mutating func begin(_ position: Int, _ now: UInt64) -> ChooseResult {
        peers[position].noteChosen(now: now)
        peers[position].connections += 1
        return .peer(PeerIndex(position))
    }

    private mutating func pick(backup: Bool, _ now: UInt64, _ tried: TriedSet) -> Int? {
        let size = backup ? backups.count : primaries.count
        let leastLoaded = balancing == .leastConnections ? leastLoaded(backup: backup, now, tried) : nil
        if balancing == .leastConnections && leastLoaded == nil { return nil }
        var best: Int?
        var total = 0
        for index in 0..<size {
            let position = backup ? backups[index] : primaries[index]
            if !canTake(position, now, tried) { continue }
            if let leastLoaded, compareLoad(position, leastLoaded) != 0 { continue }
            let credit = peers[position].effectiveWeight
            total += credit
            peers[position].currentWeight += credit
            if credit < peers[position].weight { peers[position].effectiveWeight += 1 }
            if let current = best, peers[position].currentWeight <= peers[current].currentWeight { continue }
            best = position
        }
        if let best { peers[best].currentWeight -= total }
        return best
    }

    private func leastLoaded(backup: Bool, _ now: UInt64, _ tried: TriedSet) -> Int? {
        let size = backup ? backups.count : primaries.count
        var best: Int?
        for index in 0..<size {
            let position = backup ? backups[index] : primaries[index]
            if !canTake(position, now, tried) { continue }
            if let current = best, compareLoad(position, current) >= 0 { continue }
            best = position
        }
        return best
    }

    /// Below zero when the first has fewer requests in flight for its weight than the second.
    private func compareLoad(_ left: Int, _ right: Int) -> Int {
        peers[left].connections * peers[right].weight - peers[right].connections * peers[left].weight
    }

    // MARK: Reporting

    /// A reply's head has come from `peer`.
    package mutating func reportSuccess(_ peer: PeerIndex) {
        peers[peer.position].noteSuccess()
        peers[peer.position].brokenSince = nil
        peers[peer.position].statistics.successes += 1
    }

    /// The attempt failed by the peer's doing. Answers whether it rests from now on.
    @discardableResult
    package mutating func reportFailure(_ peer: PeerIndex, now: UInt64) -> Bool {
        peers[peer.position].statistics.failures += 1
        peers[peer.position].brokenSince = now
        // Alone, it is asked whatever it did.
        if isSingle { return false }
        let rests = peers[peer.position].noteFailure(now: now)
        if rests { peers[peer.position].statistics.rests += 1 }
        return rests
    }

    /// The request on `peer` is over: it counts no longer as in flight.
    package mutating func end(_ peer: PeerIndex) {
        precondition(peers[peer.position].connections > 0, "An attempt ends once.")
        peers[peer.position].connections -= 1
    }

    package mutating func noteConnect(_ peer: PeerIndex) { peers[peer.position].statistics.connects += 1 }
    package mutating func noteReuse(_ peer: PeerIndex) { peers[peer.position].statistics.reuses += 1 }
    package mutating func noteStale(_ peer: PeerIndex) { peers[peer.position].statistics.stale += 1 }

    // MARK: Reading

    package func address(of peer: PeerIndex) -> SocketAddress { peers[peer.position].address }
    package func server(of peer: PeerIndex) -> Int { peers[peer.position].server }
    package func isVanished(_ peer: PeerIndex) -> Bool { peers[peer.position].isVanished }

    /// The peers as they stand, for metrics and the status page. Allocates.
    package func report(now: UInt64) -> [PeerReport] {
        let alone = isSingle
        return (primaries + backups).map { position in
            let peer = peers[position]
            return PeerReport(
                address: peer.address,
                isBackup: peer.isBackup,
                state: peer.isDown ? .down : (!alone && peer.isResting(now: now)) ? .resting : .available,
                inFlight: peer.connections,
                fails: peer.fails,
                statistics: peer.statistics
            )
        }
    }

    // MARK: Listing

    /// Lists the addresses of one server in place of those it had. Peers whose address stays keep health and counts.
    ///
    /// - Returns: the peers that vanished, and how many addresses found no room.
    mutating func replace(
        server: Int,
        configuration: ServerConfiguration,
        addresses: [SocketAddress]
    ) -> (vanished: [PeerIndex], leftOut: Int) {
        var vanished: [PeerIndex] = []
        for position in peers.indices where peers[position].server == server && !peers[position].isVanished {
            if addresses.contains(peers[position].address) { continue }
            peers[position].isVanished = true
            vanished.append(PeerIndex(position))
        }
        var leftOut = 0
        for address in addresses where !list(address, server, configuration) { leftOut += 1 }
        relist()
        return (vanished, leftOut)
    }

    private mutating func list(_ address: SocketAddress, _ server: Int, _ configuration: ServerConfiguration) -> Bool {
        if let known = peers.firstIndex(where: { $0.server == server && $0.address == address }) {
            peers[known].isVanished = false
            return true
        }
        let peer = Peer(address: address, server: server, configuration: configuration)
        if let free = peers.firstIndex(where: { $0.isVanished && $0.connections == 0 }) {
            peers[free] = peer
        } else if peers.count < Self.capacity {
            peers.append(peer)
        } else {
            return false
        }
        return true
    }

    private mutating func relist() {
        let listed = peers.indices.filter { !peers[$0].isVanished }.sorted { left, right in
            (peers[left].server, left) < (peers[right].server, right)
        }
        primaries = listed.filter { !peers[$0].isBackup }
        backups = listed.filter { peers[$0].isBackup }
    }
}

/// What choosing a peer brought.
package enum ChooseResult: Sendable, Equatable {
    case peer(PeerIndex)
    /// Every peer is down, resting, full or tried.
    case noneAvailable
    /// No peer is known yet, because a name still awaits its addresses.
    case unresolved
}

/// A peer as it stands.
package struct PeerReport: Sendable, Equatable {
    package enum State: Sendable, Equatable { case available, resting, down }

    package let address: SocketAddress
    package let isBackup: Bool
    package let state: State
    /// Requests in flight on this loop.
    package let inFlight: Int
    package let fails: Int
    package let statistics: PeerStatistics
}
