import Access
import Configuration
import EventLoop
import Glibc
import Limits
import Synchronization
import TLS
import TestSupport
import Testing

@testable import Proxy

/// Event loops that run a configuration in this process, as the supervisor runs them, but without its signals.
final class TestProxy: Sendable {
    /// How long a test waits for what must happen, in nanoseconds.
    static let patience: UInt64 = 5_000_000_000

    private struct State {
        var runtime: Runtime
        var isStopped = false
    }

    let services: Services
    private let writer: LogWriter
    private let mailboxes: [Mailbox<Message>]
    private let running = Counter()
    private let state: Mutex<State>
    private let directory: TemporaryDirectory
    private let keys = TicketKeys(now: Clock.monotonic())

    final class Counter: Sendable { let value = Atomic<Int>(0) }

    /// Serves `text`, every listener of it on a free port of the loopback address.
    /// Password files are read by `reader`, if one is given.
    init(_ text: String, workers: Int = 1, reader: PasswordSource.Reader? = nil) throws {
        // A peer that is gone is an error of a call, not a signal.
        SignalSource.ignoreBrokenPipes()
        directory = try TemporaryDirectory()
        var settings = ErrorLogSettings()
        settings.level = .debug
        settings.destination = .file(directory.path("error.log"))
        writer = try LogWriter()
        services = try Services(log: try OperatorLog(settings), writer: writer, hashingThreads: 1)
        var configuration = try Self.load(text)
        let loopback = SocketAddress(ipv4: 0x7F00_0001, port: 0)
        for index in configuration.listeners.indices { configuration.listeners[index].address = loopback }
        Self.quieten(&configuration)
        var sockets = [[Int32]](repeating: [], count: workers)
        for index in configuration.listeners.indices {
            var one = [configuration.listeners[index]]
            for (worker, socket) in try ListenerSet.bind(&one, existing: [], workers: workers).enumerated() {
                sockets[worker] += socket
            }
            configuration.listeners[index] = one[0]
        }
        let runtime = try Self.makeRuntime(configuration, nil, writer, workers, keys, reader)
        services.resolver.follow(configuration.upstreams)
        services.readiness.follow(configuration.upstreams)
        mailboxes = try (0..<workers).map { _ in try Mailbox<Message>(capacity: 1024) }
        services.resolver.subscribe(mailboxes)
        services.metricsPages.subscribe(mailboxes)
        services.metricsPages.follow(runtime)
        state = Mutex(State(runtime: runtime))
        let log = services.log
        if !configuration.accessLogs.isEmpty {
            let writer = writer
            _ = try WorkerThread(name: "access-log") { writer.run(log: log) }
        }
        for index in 0..<workers {
            let (services, mailbox, running, own) = (services, mailboxes[index], running, sockets[index])
            running.value.add(1, ordering: .sequentiallyConsistent)
            _ = try WorkerThread(name: "loop-\(index)") {
                defer { running.value.subtract(1, ordering: .sequentiallyConsistent) }
                guard
                    var worker = try? Worker(index: index, services: services, mailbox: mailbox, runtime: runtime),
                    (try? worker.begin(own)) != nil
                else { return }
                worker.run()
            }
        }
    }

    deinit { stop() }

    /// Where the listener at `index` accepts.
    func address(_ index: Int = 0) -> SocketAddress { state.withLock { $0.runtime.model.listeners[index].address } }

    /// A client of the listener at `index`.
    func connect(_ index: Int = 0) throws -> TestClient { try TestClient(address(index), timeout: Self.patience) }

    /// Sends one request over a connection of its own and reads the answer.
    func get(_ target: String, host: String = "gateway.test", _ fields: [(String, String)] = []) throws -> TestResponse
    {
        try connect().exchange("GET", target, host: host, fields)
    }

    /// What the operator was told so far.
    var errorLog: String { (try? directory.read("error.log")) ?? "" }

    /// A path in a directory that goes away with the proxy.
    func path(_ name: String) -> String { directory.path(name) }

    /// Runs `text` from now on. Listeners at the same index keep their sockets.
    func reload(_ text: String) throws {
        var configuration = try Self.load(text)
        let before = state.withLock { $0.runtime }
        precondition(configuration.listeners.count == before.model.listeners.count)
        for index in configuration.listeners.indices {
            configuration.listeners[index].address = before.model.listeners[index].address
        }
        Self.quieten(&configuration)
        let runtime = try Self.makeRuntime(configuration, before, writer, mailboxes.count, keys)
        services.resolver.follow(configuration.upstreams)
        state.withLock { $0.runtime = runtime }
        let none = [Int32](repeating: -1, count: configuration.listeners.count)
        tell { .adopt(runtime, sockets: none) }
    }

    /// Keys that count in the zones of `limit_conn` at this moment.
    var connectionCounts: Int {
        state.withLock { $0.runtime.connectionZones.reduce(0) { $0 + $1.table.statistics.entries } }
    }

    /// Asks the loops to finish what runs and end.
    func drain() { tell { .drain } }

    /// Loops that have not ended.
    var runningLoops: Int { running.value.load(ordering: .sequentiallyConsistent) }

    /// Waits until `condition` holds, within the limit.
    static func wait(_ condition: () -> Bool) -> Bool { Patience.until(limit: patience, condition) }

    /// Ends the loops and waits for them.
    func stop() {
        let isFirst = state.withLock { state -> Bool in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        guard isFirst else { return }
        tell { .stop }
        if !Self.wait({ runningLoops == 0 }) { Issue.record("an event loop doesn't stop") }
        services.hashing.stop()
        services.resolver.stop()
        writer.stop()
    }

    private func tell(_ message: () -> Message) {
        for mailbox in mailboxes { _ = mailbox.post(message()) }
    }

    /// The test's own output is no access log.
    private static func quieten(_ configuration: inout ProxyConfiguration) {
        for index in configuration.accessLogs.indices
        where configuration.accessLogs[index].destination == .standardOutput {
            configuration.accessLogs[index].destination = .file("/dev/null")
        }
    }

    /// Reads a configuration; its diagnostics are the error when it is refused.
    static func load(_ text: String) throws -> ProxyConfiguration {
        let outcome = ConfigurationLoader.load(text: text, directory: "/nonexistent")
        guard let configuration = outcome.configuration else { throw TestError(outcome.report) }
        return configuration
    }

    static func makeRuntime(
        _ configuration: ProxyConfiguration,
        _ previous: Runtime?,
        _ writer: LogWriter,
        _ workers: Int,
        _ keys: TicketKeys,
        _ reader: PasswordSource.Reader? = nil
    ) throws -> Runtime {
        try Runtime(
            configuration,
            number: (previous?.number ?? 0) + 1,
            previous: previous,
            passwordFiles: configuration.passwordFiles.map { path in
                if let known = previous?.passwordFiles.first(where: { $0.path == path }) { return known }
                guard let reader else { return PasswordSource(path: path) }
                return PasswordSource(path: path, load: reader)
            },
            keyFiles: configuration.keyFiles.map { path in
                previous?.keyFiles.first { $0.path == path } ?? KeySource(path: path, permissions: .standard)
            },
            logSinks: try configuration.accessLogs.map { try writer.sink(for: $0.destination, workers: workers) },
            ticketKeys: keys
        )
    }
}
