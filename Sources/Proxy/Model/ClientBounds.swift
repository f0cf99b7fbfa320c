/// `client_max_connections COUNT`: connections that one address may have open.
package struct ClientConnectionLimit: Sendable, Equatable {
    package var count: UInt32
    /// Bits of an IPv6 address that tell clients apart.
    package var ipv6PrefixLength: Int

    package init(count: UInt32, ipv6PrefixLength: Int = 64) {
        self.count = count
        self.ipv6PrefixLength = ipv6PrefixLength
    }
}

/// `limit_conn_zone`: what requests under way are counted by, and how many keys there may be.
package struct ConnectionZone: Sendable, Equatable {
    package var name: String
    package var key: LimitZone.Key
    /// Keys counted at the most; a request with one more is refused.
    package var capacity: Int

    package init(name: String, key: LimitZone.Key, capacity: Int) {
        self.name = name
        self.key = key
        self.capacity = capacity
    }
}

/// `limit_conn`: a zone applied to a location.
package struct ConnectionLimitUse: Sendable, Equatable {
    /// Uses that a location may have.
    package static let maximumCount = 8

    /// Index into `ProxyConfiguration.connectionZones`.
    package var zone: Int
    /// Requests under way at the most.
    package var count: UInt32

    package init(zone: Int, count: UInt32) {
        self.zone = zone
        self.count = count
    }
}

/// `client_min_rate` and `send_min_rate`: the least progress that a client who is waited for must make.
package struct MinimumRate: Sendable, BitwiseCopyable, Equatable {
    /// Bytes each second; zero for no bound.
    package var bytesPerSecond: UInt64 = 0
    /// Nanoseconds of waiting after which it is looked at.
    package var window: UInt64 = 30_000_000_000

    package init(bytesPerSecond: UInt64 = 0, window: UInt64 = 30_000_000_000) {
        self.bytesPerSecond = bytesPerSecond
        self.window = window
    }

    package var isOn: Bool { bytesPerSecond > 0 }

    /// Whether `bytes` are too few for a wait of so many nanoseconds.
    package func isMissed(bytes: UInt64, in wait: UInt64) -> Bool {
        let (product, overflow) = bytesPerSecond.multipliedReportingOverflow(by: wait / 1_000_000)
        return overflow || bytes < product / 1000
    }
}
