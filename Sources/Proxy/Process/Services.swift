import Access
import EventLoop
import Glibc
import Synchronization
import Upstream

/// What the loops share. Each part of it may be called from any thread and never makes a loop wait.
final class Services: Sendable {
    let hostname: [UInt8]
    let processID: Int
    let log: OperatorLog
    let accessLogs: AccessLogs
    let connections = ConnectionCounts()
    let metrics = Metrics()
    let metricsPages = MetricsCollector()
    let credentials = CredentialCache()
    let hashing: HashingPool
    let resolver: NameService
    let readiness: ReadinessProbe
    let identity: IdentityService

    init(log: OperatorLog, writer: LogWriter, hashingThreads: Int?) throws(SystemError) {
        var name = [CChar](repeating: 0, count: 256)
        _ = unsafe gethostname(&name, 255)
        hostname = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        processID = Int(getpid())
        self.log = log
        accessLogs = AccessLogs(writer: writer)
        hashing = HashingPool(threads: hashingThreads)
        identity = IdentityService(log: log)
        resolver = try NameService(log: log)
        readiness = ReadinessProbe()
    }
}

/// The addresses of upstreams' names: resolved beside the loops, told to each of them.
final class NameService: Sendable {
    private struct State {
        var names: ResolvedNames
        var mailboxes: [Mailbox<Message>] = []
    }

    private let state: Shared
    private let resolver: Resolver

    private final class Shared: Sendable {
        let value = Mutex(State(names: ResolvedNames(version: 0, isComplete: false, entries: [])))
    }

    init(log: OperatorLog) throws(SystemError) {
        let state = Shared()
        self.state = state
        resolver = try Resolver { event in
            switch event {
            case .resolved(let names):
                let mailboxes = state.value.withLock { state in
                    state.names = names
                    return state.mailboxes
                }
                for mailbox in mailboxes { _ = mailbox.post(.resolved(names)) }
            case .failed(let failure):
                // The first of a row tells it all; requests that suffer from it are reported one by one.
                if failure.failures == 1 { log.error("\(failure)") }
            case .refused(let names):
                log.error("too many upstream names; not resolved: \(names.joined(separator: ", "))")
            }
        }
    }

    /// What is known at this moment.
    var names: ResolvedNames { state.value.withLock { $0.names } }

    /// Waits until every name was looked up once, or the time (nanoseconds) is over. Before the loops run.
    func waitUntilKnown(atMost limit: UInt64) {
        let deadline = Clock.monotonic() &+ limit
        while !names.isComplete, Clock.monotonic() < deadline { usleep(1000) }
    }

    /// Tells `mailboxes` of every change from now on.
    func subscribe(_ mailboxes: [Mailbox<Message>]) { state.value.withLock { $0.mailboxes = mailboxes } }

    /// Keeps the names of these upstreams resolved.
    func follow(_ upstreams: [UpstreamConfiguration]) {
        var names: Set<String> = []
        for upstream in upstreams {
            for server in upstream.servers {
                if case .name(let name, _) = server.endpoint, !server.isDown { names.insert(name) }
            }
        }
        _ = resolver.setNames(names.sorted())
    }

    func requestRefresh(_ name: String) { resolver.requestRefresh(name) }

    func stop() { resolver.stop() }
}
