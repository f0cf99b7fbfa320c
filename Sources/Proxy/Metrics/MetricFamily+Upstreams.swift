import Upstream

/// Upstreams: what is sent to them, what comes of it, and how their servers are.
extension MetricFamily {
    /// Servers listed at the most, over all upstreams: it bounds the page.
    static let serverLimit = 1024

    static let upstreams: [MetricFamily] = [
        .upstream(
            "postern_upstream_requests_total",
            "Attempts to send a request to an upstream's server, repeated ones included."
        ) {
            $0[Counter.attempts.index]
        },
        .upstream(
            "postern_upstream_retries_total",
            "Attempts that followed one of the same request that brought no reply."
        ) {
            $0[Counter.retries.index]
        },
        .upstream("postern_upstream_connects_total", "Connections that were asked for.") { $0[Counter.connects.index] },
        MetricFamily(
            "postern_upstream_failures_total",
            .counter,
            "Attempts that failed: connection refused, timed out, reset, another error of the system, closed too early, a "
                + "reply that can't be forwarded, no address for the name, no live server, TLS.",
            labels: ["upstream", "cause"]
        ) { snapshot in
            snapshot.upstreams.flatMap { upstream in
                labelled(Counter.Failure.self).map { cause, text in
                    Sample([upstream.name, text], upstream.sums[Counter.failed(cause).index])
                }
            }
        },
        .one(
            "postern_upstream_connections_refused_total",
            .counter,
            "Requests for which a loop had no room for another connection to an upstream."
        ) { $0.sum(.crowdedUpstreams) },
        .one("postern_upstream_connections_open", .gauge, "Connections to upstreams, idle ones among them.") {
            snapshot in
            snapshot.loops.reduce(0) { $0 + UInt64($1.upstreamConnections) }
        },
        MetricFamily(
            "postern_upstream_connections_idle",
            .gauge,
            "Connections kept for later requests.",
            labels: ["upstream"]
        ) { snapshot in
            summed(snapshot.loops.flatMap(\.groups).map { ([$0.name], $0.idle) })
        },
        MetricFamily(
            "postern_upstream_server_requests_open",
            .gauge,
            "Requests under way with a server, open WebSockets among them.",
            labels: ["upstream", "server"]
        ) { snapshot in
            summed(servers(snapshot) { $0.inFlight })
        },
        MetricFamily(
            "postern_upstream_server_up",
            .gauge,
            "1 when a server takes requests on every loop; 0 when it is marked down, or rests after failures on some.",
            labels: ["upstream", "server"]
        ) { snapshot in
            let unwell = summed(servers(snapshot) { $0.state == .available ? 0 : 1 })
            return unwell.map { Sample($0.labels, $0.value == "0" ? 1 : 0) }
        },
        .one(
            "postern_upstream_addresses_left_out",
            .gauge,
            "Addresses of upstreams that found no room: a loop knows up to 128 of one upstream."
        ) { snapshot in
            UInt64(snapshot.loops.map { $0.groups.reduce(0) { $0 + $1.leftOut } }.max() ?? 0)
        },
    ]

    private static func upstream(
        _ name: String,
        _ help: String,
        _ value: @escaping @Sendable ([UInt64]) -> UInt64
    ) -> MetricFamily {
        MetricFamily(name, .counter, help, labels: ["upstream"]) { snapshot in
            snapshot.upstreams.map { Sample([$0.name], value($0.sums)) }
        }
    }

    private static func servers(
        _ snapshot: MetricsSnapshot,
        _ value: (PeerReport) -> Int
    ) -> [([String], Int)] {
        snapshot.loops.flatMap(\.groups).flatMap { group in
            group.peers.map { ([group.name, "\($0.address)"], value($0)) }
        }
    }

    /// One sample for each set of labels, in the order in which they come.
    private static func summed(_ values: [([String], Int)]) -> [Sample] {
        var order: [[String]] = []
        var sums: [[String]: Int] = [:]
        for (labels, value) in values {
            if sums[labels] == nil {
                if order.count == serverLimit { continue }
                order.append(labels)
            }
            sums[labels, default: 0] += value
        }
        return order.map { Sample($0, UInt64(max(sums[$0] ?? 0, 0))) }
    }
}
