/// Who calls, and how that was proved.
extension MetricFamily {
    static let callers: [MetricFamily] = [
        MetricFamily(
            "postern_requests_by_proof_total",
            .counter,
            "Requests that have ended, by what proved their caller: address is satisfy any; none, that nothing did or had to.",
            labels: ["proof"]
        ) { snapshot in
            let proved = proofs.map { Sample(["\($0.text)"], snapshot.sum(.proved(by: $0))) }
            return proved + [Sample(["none"], unproved(snapshot))]
        },
        .one("postern_sessions", .gauge, "Sessions of users who are logged in.") { UInt64($0.callers.sessions) },
        .one("postern_sessions_limit", .gauge, "Sessions there may be; nobody else can log in then.") {
            UInt64($0.callers.sessionCapacity)
        },
        .one("postern_devices", .gauge, "Devices that were let in, counted for each of their users.") {
            UInt64($0.callers.devices)
        },
        .one("postern_devices_pending", .gauge, "Devices that wait for postern devices approve.") {
            UInt64($0.callers.pendingDevices)
        },
        MetricFamily(
            "postern_locks",
            .gauge,
            "Addresses and users that are locked out for wrong credentials.",
            labels: ["subject"]
        ) { [Sample(["address"], UInt64($0.callers.locks.places)), Sample(["user"], UInt64($0.callers.locks.users))] },
        .one(
            "postern_streams_evicted_total",
            .counter,
            "WebSockets and streams of server-sent events that were ended because their caller is let in no more."
        ) { $0.sum(.evictedStreams) },
        .one(
            "postern_state_failing",
            .gauge,
            "1 while state_dir can't be written and sessions are in memory only, else 0."
        ) { $0.callers.isStateFailing ? 1 : 0 },
    ]

    private static let proofs: [Principal.Proof] = [.password, .session, .key, .address]

    /// Requests that have ended, less those that something proved.
    private static func unproved(_ snapshot: MetricsSnapshot) -> UInt64 {
        var ended: UInt64 = 0
        for status in stride(from: 0, through: 500, by: 100) {
            ended &+= snapshot.sum(.ended(status: status, isStream: false))
            ended &+= snapshot.sum(.ended(status: status, isStream: true))
        }
        let proved = proofs.reduce(0) { $0 &+ snapshot.sum(.proved(by: $1)) }
        // Loops count on meanwhile.
        return ended > proved ? ended - proved : 0
    }
}
