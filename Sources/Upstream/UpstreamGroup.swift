package import EventLoop

/// An upstream as one loop sees it: peers, their health, idle connections. Does no I/O: the loop carries out the answers.
///
/// ```
/// acquire ─▶ connect, reuse ──▶ succeeded (head came) ─▶ release   the connection may be kept
///    │             │      │                           └▶ abandon   the connection is closed, nobody is to blame
///    │             │      └───▶ failed                             the connection is closed, counts against the peer
///    │             └─▶ replaceStale ─▶ connect (the same attempt goes on)
///    └─▶ unresolved, noLivePeers                                   nothing was begun
/// ```
/// Each `connect` or `reuse` is ended by exactly one of `release`, `abandon` and `failed`.
package struct UpstreamGroup: ~Copyable {
    package let configuration: UpstreamConfiguration
    private var peers: PeerSet
    private var idle: IdlePool
    private var awaited: [Bool]
    /// Addresses that found no room among the peers at the last change.
    package private(set) var leftOutAddresses = 0
    /// Set when the group is to keep no more connections: its configuration has been replaced.
    package private(set) var isDraining = false

    /// A group whose literal addresses are ready and whose names await `apply`.
    package init(_ configuration: UpstreamConfiguration) {
        self.configuration = configuration
        peers = PeerSet(balancing: configuration.balancing)
        idle = IdlePool(configuration: configuration.keepalive)
        awaited = Array(repeating: false, count: configuration.servers.count)
        for (index, server) in configuration.servers.enumerated() {
            switch server.endpoint {
            case .address(let address):
                leftOutAddresses += peers.replace(server: index, configuration: server, addresses: [address]).leftOut
            case .name:
                awaited[index] = !server.isDown
            }
        }
        peers.hasUnresolved = awaited.contains(true)
    }

    // MARK: An attempt

    /// Chooses a peer outside `tried`, adds it there, and answers with a kept connection to it or the address to connect to.
    package mutating func acquire(now: UInt64, tried: inout TriedSet) -> AcquireResult {
        switch peers.choose(now: now, excluding: tried) {
        case .peer(let peer):
            tried.insert(peer)
            if let connection = idle.checkOut(peer, now: now) {
                peers.noteReuse(peer)
                return .reuse(connection)
            }
            peers.noteConnect(peer)
            return .connect(peer, peers.address(of: peer))
        case .noneAvailable: return .noLivePeers
        case .unresolved: return .unresolved
        }
    }

    /// A reused connection was closed before it gave a byte: the attempt goes on over a new one to the returned address.
    package mutating func replaceStale(_ peer: PeerIndex) -> SocketAddress {
        peers.noteStale(peer)
        peers.noteConnect(peer)
        return peers.address(of: peer)
    }

    /// The reply's head has come: the peer is well. The attempt goes on.
    package mutating func succeeded(_ peer: PeerIndex) {
        peers.reportSuccess(peer)
    }

    /// Ends an attempt whose connection can carry another request. `requestsServed` counts the one that ended.
    package mutating func release(_ connection: IdleConnection, now: UInt64) -> CheckInResult {
        peers.end(connection.peer)
        if isDraining { return .close(.draining) }
        if peers.isVanished(connection.peer) { return .close(.peerVanished) }
        return idle.checkIn(connection, now: now)
    }

    /// Ends an attempt whose connection is closed without blame: the client left, or the reply asked for it.
    package mutating func abandon(_ peer: PeerIndex) {
        peers.end(peer)
    }

    /// Ends an attempt that failed. Answers whether the peer rests from now on, which is worth a line in the log.
    @discardableResult
    package mutating func failed(_ peer: PeerIndex, _ failure: UpstreamFailure, now: UInt64) -> Bool {
        peers.end(peer)
        return failure.countsAgainstPeer && peers.reportFailure(peer, now: now)
    }

    /// Ends an attempt whose reply had a status that `proxy_next_upstream` sends elsewhere. As in Nginx, 403 and 404 don't
    /// count against the peer.
    @discardableResult
    package mutating func failed(_ peer: PeerIndex, status: Int, now: UInt64) -> Bool {
        peers.end(peer)
        return status != 403 && status != 404 && peers.reportFailure(peer, now: now)
    }

    /// Whether the request could go to another peer than those it has tried.
    package func hasOther(than tried: TriedSet, now: UInt64) -> Bool { peers.hasOther(than: tried, now: now) }

    /// Whether a peer outside `tried` is listed, though it may rest or be full.
    package func hasUntried(_ tried: TriedSet) -> Bool { peers.hasUntried(tried) }

    // MARK: Idle connections

    package var idleCount: Int { idle.count }

    /// An idle connection was closed by its peer. Answers whether it was in the pool.
    @discardableResult
    package mutating func idleClosed(slot: UInt32) -> Bool { idle.remove(slot: slot) }

    /// When to call `nextExpired`, or nil while nothing idles.
    package var nextExpiry: UInt64? { idle.nextExpiry }

    /// Takes one connection that has idled too long and must be closed. Call until nil.
    package mutating func nextExpired(now: UInt64) -> IdleConnection? { idle.nextExpired(now: now) }

    /// When to call `nextSurplus`, or nil while no more connections idle than are to be kept.
    package var surplusExpiry: UInt64? { idle.surplusExpiry }

    /// Takes one connection beyond those to be kept that must be closed. Call until nil.
    package mutating func nextSurplus(now: UInt64) -> IdleConnection? { idle.nextSurplus(now: now) }

    /// Keeps no connections from now on. Close what `nextDrained` yields, until nil.
    package mutating func beginDraining() { isDraining = true }

    package mutating func nextDrained() -> IdleConnection? { isDraining ? idle.drainNext() : nil }

    // MARK: Addresses

    /// Lists the addresses of every server that goes by a name in `names`. Allocates.
    ///
    /// Peers whose address stays keep their health and idle connections.
    /// - Returns: idle connections to addresses that vanished: close them.
    package mutating func apply(_ names: ResolvedNames) -> [IdleConnection] {
        var orphans: [IdleConnection] = []
        leftOutAddresses = 0
        for (index, server) in configuration.servers.enumerated() {
            guard case .name(let name, _) = server.endpoint, let addresses = names.addresses(of: name) else { continue }
            orphans += apply(addresses: addresses, forServer: index)
        }
        return orphans
    }

    /// Lists the addresses of one server, whose port stands in for theirs.
    package mutating func apply(addresses: [SocketAddress], forServer index: Int) -> [IdleConnection] {
        let server = configuration.servers[index]
        guard case .name(_, let port) = server.endpoint, !addresses.isEmpty else { return [] }
        let change = peers.replace(
            server: index,
            configuration: server,
            addresses: addresses.map { $0.with(port: port) }
        )
        leftOutAddresses += change.leftOut
        awaited[index] = false
        peers.hasUnresolved = awaited.contains(true)
        var orphans: [IdleConnection] = []
        for peer in change.vanished {
            while let connection = idle.drainNext(of: peer) { orphans.append(connection) }
        }
        return orphans
    }

    /// The name that `peer` came from, to look it up anew after a failed connect; nil for a literal address.
    package func name(of peer: PeerIndex) -> String? {
        guard case .name(let name, _) = configuration.servers[peers.server(of: peer)].endpoint else { return nil }
        return name
    }

    /// The first name that still awaits addresses: the reason of `unresolved`.
    package var unresolvedName: String? {
        for (index, server) in configuration.servers.enumerated() where awaited[index] {
            if case .name(let name, _) = server.endpoint { return name }
        }
        return nil
    }

    // MARK: State

    package func address(of peer: PeerIndex) -> SocketAddress { peers.address(of: peer) }

    /// Whether a new request would find a peer that isn't known to be broken: what readiness asks.
    ///
    /// Without traffic a broken peer gets the benefit of the doubt once its `fail_timeout` is over.
    package func isReady(now: UInt64) -> Bool { peers.hasReachable(now: now) }

    /// The peers as they stand. Allocates.
    package func report(now: UInt64) -> [PeerReport] { peers.report(now: now) }
}

/// What `UpstreamGroup.acquire` answers.
package enum AcquireResult: Sendable, Equatable {
    /// Send over this kept connection.
    case reuse(IdleConnection)
    /// Open a connection.
    case connect(PeerIndex, SocketAddress)
    /// No address is known yet: 502 with `unresolvedName` as the reason.
    case unresolved
    /// 502, or the status of the failure before.
    case noLivePeers
}
