import EventLoop
import Upstream

/// What other threads tell a loop.
enum Message: Sendable {
    /// Run under this configuration from now on. `sockets` holds, for each of its listeners, a new socket, or -1 where the
    /// one in use stays.
    case adopt(Runtime, sockets: [Int32])
    case resolved(ResolvedNames)
    /// A file of users or keys was read, for the exchange that the token names.
    case fileRead(Token)
    /// A password was checked for the exchange that the token names.
    case hashed(Token, HashVerdict)
    case readiness(Token, Bool)
    /// A page of metrics was made, for the exchange that the token names.
    case metrics(Token, MetricsPage)
    /// Say how things stand.
    case report(ReportRound)
    /// Accept nothing more, finish what runs, then end.
    case drain
    /// End at once.
    case stop
}
