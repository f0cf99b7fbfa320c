import EventLoop
import Upstream

/// Seconds of the manual clock in nanoseconds.
func seconds(_ count: Double) -> UInt64 { UInt64(count * 1_000_000_000) }

/// 10.0.0.`last`, port `port`.
func address(_ last: Int, port: UInt16 = 80) -> SocketAddress {
    SocketAddress(ipv4: 0x0A00_0000 | UInt32(last), port: port)
}

func literal(
    _ last: Int,
    weight: Int = 1,
    maxFails: Int = 1,
    failTimeout: UInt64 = seconds(10),
    isBackup: Bool = false,
    isDown: Bool = false,
    maxConnections: Int = 0
) -> ServerConfiguration {
    ServerConfiguration(
        .address(address(last)),
        weight: weight,
        maxFails: maxFails,
        failTimeout: failTimeout,
        isBackup: isBackup,
        isDown: isDown,
        maxConnections: maxConnections
    )
}

func group(
    _ servers: [ServerConfiguration],
    _ balancing: Balancing = .roundRobin,
    keepalive: KeepaliveConfiguration = KeepaliveConfiguration()
) -> UpstreamGroup {
    UpstreamGroup(UpstreamConfiguration(name: "gateway", servers: servers, balancing: balancing, keepalive: keepalive))
}

let broken = UpstreamFailure(.refused, at: .connecting)

extension UpstreamGroup {
    /// The last byte of the address that is chosen, or nil when none is. The attempt stays in flight.
    mutating func choose(_ now: UInt64 = 0, _ tried: inout TriedSet) -> (peer: PeerIndex, last: Int)? {
        let peer: PeerIndex
        switch acquire(now: now, tried: &tried) {
        case .connect(let chosen, _): peer = chosen
        case .reuse(let connection): peer = connection.peer
        case .noLivePeers, .unresolved: return nil
        }
        return (peer, Int(address(of: peer).ipBytes.low & 0xFF))
    }

    mutating func choose(_ now: UInt64 = 0) -> (peer: PeerIndex, last: Int)? {
        var tried = TriedSet()
        return choose(now, &tried)
    }

    /// One whole request that goes well; answers who served it.
    mutating func serve(_ now: UInt64 = 0) -> Int? {
        guard let (peer, last) = choose(now) else { return nil }
        succeeded(peer)
        abandon(peer)
        return last
    }

    /// One whole attempt that fails; answers whose.
    @discardableResult
    mutating func fail(_ now: UInt64 = 0) -> Int? {
        guard let (peer, last) = choose(now) else { return nil }
        failed(peer, broken, now: now)
        return last
    }
}

/// A repeatable source of numbers (SplitMix64), so that a failing run can be run again.
struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
