import Limits

/// The connections that clients have open, by address, over all loops; what a reload changes is the bound only.
final class ConnectionCounts: Sendable {
    /// More addresses than that are not counted: worker_connections bounds them together.
    let table = ConcurrencyTable(capacity: 1 << 17)
    /// Keeps the log from filling with what a flood brings.
    let reports = ReportThrottle()
}
