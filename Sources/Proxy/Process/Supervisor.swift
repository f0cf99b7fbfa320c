import Access
package import EventLoop
import Glibc
import Synchronization
import TLS
import Upstream

/// The process: binds, starts the loops, obeys signals. Stays in the foreground.
///
/// `SIGTERM` and `SIGINT` stop, `SIGQUIT` drains, `SIGHUP` reloads, `SIGUSR1` opens the logs anew.
package final class Supervisor {
    /// What a fresh reading of the configuration brought.
    package enum Reload {
        case configuration(ProxyConfiguration)
        /// It can't be used; the operator has been told why in these words.
        case rejected([String])
    }

    private let signals: SignalSource
    private let log: OperatorLog
    private let writer: LogWriter
    private let services: Services
    private let ticketKeys = TicketKeys(now: Clock.monotonic())
    private let reload: () -> Reload
    private var runtime: Runtime
    private var mailboxes: [Mailbox<Message>] = []
    private var certificates: CertificateWatch
    private var control: ControlServer?
    private let startedAt = Int64(Clock.realtimeMilliseconds())
    private let running = Shared()
    private let workerCount: Int
    private let startSettings: StartSettings

    private final class Shared: Sendable { let count = Atomic<Int>(0) }

    /// Binds every socket and readies the loops; nothing is accepted before `run`.
    ///
    /// - Parameter reload: reads the configuration anew, on `SIGHUP`.
    package init(_ configuration: ProxyConfiguration, reload: @escaping () -> Reload) throws(StartError) {
        self.reload = reload
        do throws(SystemError) {
            signals = try SignalSource([SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGCHLD])
            SignalSource.ignoreBrokenPipes()
            writer = try LogWriter()
        } catch {
            throw StartError("\(error)")
        }
        do throws(SystemError) {
            log = try OperatorLog(configuration.errorLog)
        } catch {
            throw StartError("error_log can't be opened: \(error)")
        }
        Privileges.raiseDescriptorLimit(configuration.process.descriptorLimit, log)
        startSettings = StartSettings(configuration)
        workerCount = configuration.process.workerCount ?? WorkerThread.availableProcessors
        do throws(SystemError) {
            services = try Services(log: log, writer: writer, hashingThreads: nil)
        } catch {
            throw StartError("\(error)")
        }
        var configuration = configuration
        let sockets = try ListenerSet.bind(&configuration.listeners, existing: [], workers: workerCount)
        runtime = try Self.makeRuntime(configuration, number: 1, previous: nil, services, ticketKeys, workerCount)
        services.identity.follow(runtime)
        certificates = CertificateWatch(configuration)
        services.metrics.adopted(CertificateReport.all(configuration))
        services.metricsPages.follow(runtime)
        try Privileges.drop(
            configuration.process,
            errorLog: configuration.errorLog,
            logs: writer,
            stateDirectory: configuration.stateDirectory
        )
        if let directory = configuration.stateDirectory { try services.identity.open(directory) }
        services.identity.waitUntilRead(atMost: 2_000_000_000)
        services.resolver.follow(configuration.upstreams)
        services.readiness.follow(configuration.upstreams)
        // So that the first request finds an upstream that can be found. One that can't be holds nothing up for long.
        services.resolver.waitUntilKnown(atMost: 1_000_000_000)
        for index in 0..<workerCount {
            let mailbox: Mailbox<Message>
            do throws(SystemError) { mailbox = try Mailbox<Message>(capacity: 65536) } catch {
                throw StartError("\(error)")
            }
            mailboxes.append(mailbox)
            try start(index, mailbox, sockets[index])
        }
        services.resolver.subscribe(mailboxes)
        services.metricsPages.subscribe(mailboxes)
        for mailbox in mailboxes { _ = mailbox.post(.resolved(services.resolver.names)) }
        do throws(SystemError) {
            let writer = writer
            let log = log
            _ = try WorkerThread(name: "access-log") { writer.run(log: log) }
        } catch {
            throw StartError("\(error)")
        }
        do throws(SystemError) { try services.identity.start() } catch { throw StartError("\(error)") }
        if let path = configuration.controlSocket { control = try Self.listen(path, services, startedAt) }
        if let path = configuration.process.pidFile {
            guard PIDFile.write(path) else { throw StartError("pid file \(path) can't be written: \(describeErrno())") }
        }
        // Last: nothing that was said of a failed start may still wait.
        do throws(SystemError) { try log.start() } catch { throw StartError("\(error)") }
    }

    /// The addresses that are listened on, ports that the kernel chose filled in.
    package var addresses: [SocketAddress] { runtime.model.listeners.map(\.address) }

    /// Serves until a signal ends it. Returns the exit status.
    package func run() -> Int32 {
        log.notice("postern \(Version.text) serves with \(workerCount) event loops")
        var drainDeadline: UInt64?
        var isDraining = false
        while true {
            var watched = pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&watched, 1, isDraining ? 20 : 1000)
            while let signal = signals.next() {
                switch signal {
                case SIGTERM, SIGINT:
                    return end(.stop)
                case SIGQUIT:
                    log.notice("draining: no new connections, what runs is finished")
                    isDraining = true
                    if let limit = runtime.model.process.shutdownTimeout { drainDeadline = Clock.monotonic() &+ limit }
                    tell(.drain)
                case SIGHUP where !isDraining: reloadConfiguration()
                case SIGUSR1:
                    log.reopen()
                    writer.reopen(log: log)
                default: break
                }
            }
            let left = running.count.load(ordering: .acquiring)
            if left == 0 { return end(nil) }
            if let drainDeadline, Clock.monotonic() >= drainDeadline {
                log.warning("worker_shutdown_timeout is over: what still runs is cut off")
                return end(.stop)
            }
            if !isDraining {
                if ticketKeys.rotateIfDue(now: Clock.monotonic()) { log.info("session ticket keys rotated") }
                if certificates.haveChanged() { renew("certificates") }
                if runtime.secretsHaveChanged { renew("secrets") }
            }
        }
    }

    private static func listen(
        _ path: String,
        _ services: Services,
        _ startedAt: Int64
    ) throws(StartError) -> ControlServer {
        let log = services.log
        do throws(SystemError) {
            return try ControlServer(
                path: path,
                actions: services.identity.controlActions(startedAt: startedAt),
                report: { log.error($0) }
            )
        } catch {
            throw StartError("control socket \(path): \(error)")
        }
    }

    private func tell(_ message: Message) {
        for mailbox in mailboxes { _ = mailbox.post(message) }
    }

    private func end(_ message: Message?) -> Int32 {
        if let message { tell(message) }
        let deadline = Clock.monotonic() &+ 5_000_000_000
        while running.count.load(ordering: .acquiring) > 0, Clock.monotonic() < deadline { usleep(1000) }
        control?.stop()
        services.hashing.stop()
        services.resolver.stop()
        services.identity.close()
        writer.stop()
        writer.waitUntilDone()
        if let path = runtime.model.process.pidFile { PIDFile.remove(path) }
        for listener in runtime.model.listeners where listener.address.family == .unix {
            unsafe unlink(listener.address.pathText)
        }
        log.notice("stopped")
        log.stop()
        return 0
    }

    private func start(_ index: Int, _ mailbox: Mailbox<Message>, _ sockets: [Int32]) throws(StartError) {
        let services = services
        let runtime = runtime
        let running = running
        running.count.add(1, ordering: .acquiringAndReleasing)
        do throws(SystemError) {
            _ = try WorkerThread(name: "loop-\(index)") {
                defer { running.count.subtract(1, ordering: .acquiringAndReleasing) }
                do throws(SystemError) {
                    var worker = try Worker(
                        index: index,
                        services: services,
                        mailbox: mailbox,
                        runtime: runtime
                    )
                    try worker.begin(sockets)
                    worker.run()
                } catch {
                    services.log.critical("event loop \(index) can't start: \(error)")
                }
            }
        } catch {
            throw StartError("\(error)")
        }
    }

    private static func makeRuntime(
        _ configuration: ProxyConfiguration,
        number: Int,
        previous: Runtime?,
        _ services: Services,
        _ ticketKeys: TicketKeys,
        _ workers: Int
    ) throws(StartError) -> Runtime {
        var sinks: [LogSink] = []
        for log in configuration.accessLogs {
            do throws(SystemError) {
                sinks.append(try services.accessLogs.writer.sink(for: log.destination, workers: workers))
            } catch {
                throw StartError("access log \(log.destination) can't be opened: \(error)")
            }
        }
        let identity = services.identity
        let files = configuration.passwordFiles.map { path in
            previous?.passwordFiles.first { $0.path == path }
                ?? PasswordSource(path: path) { table, isMissing in
                    // One that can't be read at this moment takes nobody's session.
                    if table != nil || isMissing { identity.passwordsRead(path, table) }
                }
        }
        let secrets: SecretVault
        do throws(SecretError) {
            let read = try SecretVault.load(for: configuration)
            secrets = read.vault
            for warning in read.warnings { services.log.warning("\(warning)") }
        } catch {
            throw StartError("\(error)")
        }
        let permissions = configuration.permissions
        let keyFiles = configuration.keyFiles.map { path in
            // The numbers of other permissions would mean something else.
            let kept = previous?.permissions.permissions == permissions.permissions ? previous : nil
            return kept?.keyFiles.first { $0.path == path } ?? KeySource(path: path, permissions: permissions)
        }
        do throws(TLSError) {
            return try Runtime(
                configuration,
                number: number,
                previous: previous,
                passwordFiles: files,
                keyFiles: keyFiles,
                realms: configuration.passwordFiles.map { identity.realm(of: $0) },
                secrets: secrets,
                logSinks: sinks,
                ticketKeys: ticketKeys
            )
        } catch {
            throw StartError("TLS: \(error)")
        }
    }

    // MARK: Reload

    private func reloadConfiguration() {
        switch reload() {
        case .rejected(let reasons):
            services.metrics.reloaded(false)
            log.error("the configuration was not reloaded; the one in use stays")
            for reason in reasons { log.error(reason) }
        case .configuration(let configuration):
            do throws(StartError) {
                try startSettings.check(configuration)
                try adopt(configuration)
                services.metrics.reloaded(true)
                for difference in startSettings.differences(configuration, workerCount: workerCount) {
                    log.warning(difference)
                }
                log.notice("the configuration was reloaded")
            } catch {
                services.metrics.reloaded(false)
                log.error("the configuration was not reloaded; the one in use stays: \(error)")
            }
        }
    }

    private func adopt(_ fresh: ProxyConfiguration) throws(StartError) {
        var configuration = fresh
        let existing = runtime.model.listeners
        // A file that is being written begins empty, and an empty file has no mistake in it.
        if configuration.listeners.isEmpty, !existing.isEmpty {
            throw StartError("it has no server, so nothing would be listened on any more")
        }
        let sockets = try ListenerSet.bind(&configuration.listeners, existing: existing, workers: workerCount)
        let next: Runtime
        do throws(StartError) {
            next = try Self.makeRuntime(
                configuration,
                number: runtime.number + 1,
                previous: runtime,
                services,
                ticketKeys,
                workerCount
            )
        } catch {
            ListenerSet.close(sockets)
            throw error
        }
        do throws(SystemError) {
            try log.adopt(configuration.errorLog)
        } catch {
            ListenerSet.close(sockets)
            throw StartError("error_log can't be opened: \(error)")
        }
        runtime = next
        certificates = CertificateWatch(configuration)
        services.metrics.adopted(CertificateReport.all(configuration))
        services.metricsPages.follow(next)
        services.resolver.follow(configuration.upstreams)
        services.readiness.follow(configuration.upstreams)
        services.identity.follow(next)
        for (index, mailbox) in mailboxes.enumerated() { _ = mailbox.post(.adopt(next, sockets: sockets[index])) }
    }

    /// Takes files that the configuration names over once more: they have changed.
    private func renew(_ what: String) {
        do throws(StartError) {
            try adopt(runtime.model)
            log.notice("\(what) were read anew")
        } catch {
            runtime.passOverSecrets()
            log.error("\(what) have changed and can't be used; those in use stay: \(error)")
        }
    }
}

/// Why the process can't start or reload.
package struct StartError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

/// The text of the present `errno`.
func describeErrno() -> String { unsafe String(cString: strerror(errno)) }
