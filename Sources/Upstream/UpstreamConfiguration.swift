package import EventLoop

/// One upstream as the configuration has it: its servers, how requests are spread over them, what is kept alive.
///
/// A `proxy_pass` that names a host is an upstream of one server. Immutable; every loop builds its `UpstreamGroup` from it.
package struct UpstreamConfiguration: Sendable, Equatable {
    /// The name in `upstream NAME { }`, or the host of an implicit one. For logs and metrics.
    package var name: String
    package var servers: [ServerConfiguration]
    package var balancing: Balancing
    package var keepalive: KeepaliveConfiguration

    package init(
        name: String,
        servers: [ServerConfiguration],
        balancing: Balancing = .roundRobin,
        keepalive: KeepaliveConfiguration = KeepaliveConfiguration()
    ) {
        self.name = name
        self.servers = servers
        self.balancing = balancing
        self.keepalive = keepalive
    }

    /// The host names that need a resolver.
    package var hostNames: [String] {
        servers.compactMap { server in
            guard case .name(let name, _) = server.endpoint, !server.isDown else { return nil }
            return name
        }
    }
}

/// How the next peer is chosen.
package enum Balancing: Sendable, Equatable {
    /// By weight, in turn.
    case roundRobin
    /// The fewest requests in flight relative to the weight; in turn among equals (`least_conn`).
    case leastConnections
}

/// Which connections to an upstream are kept for further requests. Durations in nanoseconds.
package struct KeepaliveConfiguration: Sendable, Equatable {
    /// Idle connections kept per loop, over all peers; 0 keeps none (`keepalive`).
    package var idleLimit: Int
    /// Requests after which a connection is closed (`keepalive_requests`).
    package var requestLimit: Int
    /// How long a connection may idle (`keepalive_timeout`).
    package var idleTimeout: UInt64
    /// The age at which a connection is closed rather than kept (`keepalive_time`).
    package var lifetime: UInt64
    /// Connections beyond `idleLimit` that may idle for `surplusTime`, so that a burst of requests doesn't close a connection
    /// that its next request has to open again. None when `idleLimit` is 0.
    package var surplusLimit: Int
    /// How long a surplus connection may idle.
    package var surplusTime: UInt64

    package init(
        idleLimit: Int = 32,
        requestLimit: Int = 1000,
        idleTimeout: UInt64 = 60 * Nanoseconds.second,
        lifetime: UInt64 = 3600 * Nanoseconds.second,
        surplusLimit: Int = 1024,
        surplusTime: UInt64 = Nanoseconds.second
    ) {
        self.idleLimit = idleLimit
        self.requestLimit = requestLimit
        self.idleTimeout = idleTimeout
        self.lifetime = lifetime
        self.surplusLimit = surplusLimit
        self.surplusTime = surplusTime
    }
}

/// One `server` line of an upstream.
package struct ServerConfiguration: Sendable, Equatable {
    /// Where a server is.
    package enum Endpoint: Sendable, Equatable {
        /// An address that needs no lookup: a literal IP address with its port, or a Unix socket's path.
        case address(SocketAddress)
        /// A host name to resolve, and the port.
        case name(String, port: UInt16)

        /// Tells a literal IP address, an IPv6 one with or without brackets, from a name.
        package init(host: String, port: UInt16) {
            var bytes = Array(host.utf8)
            if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") {
                bytes = Array(bytes[1..<(bytes.count - 1)])
            }
            if let ip = SocketAddress.parseIP(bytes.span) {
                self = .address(SocketAddress(ip: ip, port: port))
            } else {
                self = .name(host, port: port)
            }
        }
    }

    package var endpoint: Endpoint
    /// Its share of the requests relative to the other servers; at least 1.
    package var weight: Int
    /// Failures within `failTimeout` after which a peer rests; 0 turns the count off.
    package var maxFails: Int
    /// The window in which failures count, and how long a peer rests. Nanoseconds.
    package var failTimeout: UInt64
    /// Gets requests only when no other server can.
    package var isBackup: Bool
    /// Gets no requests.
    package var isDown: Bool
    /// Requests in flight per peer and loop; 0 is no limit (`max_conns`).
    package var maxConnections: Int

    package init(
        _ endpoint: Endpoint,
        weight: Int = 1,
        maxFails: Int = 1,
        failTimeout: UInt64 = 10 * Nanoseconds.second,
        isBackup: Bool = false,
        isDown: Bool = false,
        maxConnections: Int = 0
    ) {
        self.endpoint = endpoint
        self.weight = max(1, weight)
        self.maxFails = maxFails
        self.failTimeout = failTimeout
        self.isBackup = isBackup
        self.isDown = isDown
        self.maxConnections = maxConnections
    }
}

/// Durations in the unit of the monotonic clock.
package enum Nanoseconds {
    package static let millisecond: UInt64 = 1_000_000
    package static let second: UInt64 = 1_000_000_000
}
