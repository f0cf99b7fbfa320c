import CLinux
import EventLoop
import Glibc
import Synchronization

/// One log file with a ring from each loop.
final class LogSink: Sendable {
    let destination: AccessLogConfiguration.Destination
    let rings: [LogRing]
    private let file: LogFile

    init(_ destination: AccessLogConfiguration.Destination, workers: Int) throws(SystemError) {
        self.destination = destination
        rings = (0..<workers).map { _ in LogRing(capacity: 1 << 18) }
        file = try LogFile(LogFile.Target(destination))
    }

    /// Opens the file anew, after it was rotated.
    func reopen() -> SystemError? { file.reopen() }

    /// Gives the file to the account that will open it anew later.
    func hand(to user: uid_t, _ group: gid_t) {
        file.withDescriptor { descriptor, path in
            if path != nil { _ = fchown(descriptor, user, group) }
        }
    }

    /// Writes out what waits. Answers whether something did, and the error when it couldn't be written (it is dropped then).
    func writeOut() -> (hadLines: Bool, error: SystemError?, dropped: Int) {
        var hadLines = false
        var failure: SystemError?
        var dropped = 0
        file.withDescriptor { descriptor, _ in
            for ring in rings {
                dropped += ring.takeDropped()
                while unsafe ring.drain({ bytes in
                    let count = unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
                    if count >= 0 { return count }
                    if errno == EINTR { return 0 }
                    failure = SystemError("write", code: errno)
                    return bytes.count
                }) { hadLines = true }
            }
        }
        return (hadLines, failure, dropped)
    }
}

extension LogFile.Target {
    init(_ destination: AccessLogConfiguration.Destination) {
        self =
            switch destination {
            case .file(let path): .file(path)
            case .standardOutput: .stream(1)
            case .standardError: .stream(2)
            }
    }
}

/// The thread that writes access logs.
final class LogWriter: Sendable {
    private let sinks = Mutex<[LogSink]>([])
    private let isAsleep = Atomic<Bool>(false)
    private let isStopping = Atomic<Bool>(false)
    private let isDone = Atomic<Bool>(false)
    private let dropped = Atomic<UInt64>(0)
    private let wake: OwnedDescriptor

    init() throws(SystemError) {
        let descriptor = eventfd(0, clinux_eventfd_blocking_flags)
        guard descriptor >= 0 else { throw SystemError("eventfd", code: errno) }
        wake = OwnedDescriptor(adopting: descriptor)
    }

    /// The sink for `destination`: the one there is, or a new one.
    func sink(for destination: AccessLogConfiguration.Destination, workers: Int) throws(SystemError) -> LogSink {
        if let known = sinks.withLock({ $0.first { $0.destination == destination } }) { return known }
        let fresh = try LogSink(destination, workers: workers)
        sinks.withLock { $0.append(fresh) }
        return fresh
    }

    /// Lines lost since the start, because the writing can't keep up.
    var droppedLines: UInt64 { dropped.load(ordering: .relaxed) }

    func reopen(log: OperatorLog) {
        for sink in sinks.withLock({ $0 }) {
            if let error = sink.reopen() {
                log.error("access log \(sink.destination) can't be opened anew, the old file stays in use: \(error)")
            }
        }
    }

    func hand(to user: uid_t, _ group: gid_t) {
        for sink in sinks.withLock({ $0 }) { sink.hand(to: user, group) }
    }

    /// A line was left in a ring: see that somebody looks.
    func notify() {
        guard isAsleep.load(ordering: .relaxed), isAsleep.exchange(false, ordering: .acquiringAndReleasing) else {
            return
        }
        signal()
    }

    private func signal() {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(wake.raw, &one, 8)
    }

    /// Ends the thread once everything is written.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        signal()
    }

    /// Waits, two seconds at the most, until everything is written. Not for a loop.
    func waitUntilDone() {
        for _ in 0..<2000 where !isDone.load(ordering: .acquiring) { usleep(1000) }
    }

    /// The thread's work: writes in rounds while lines come, and sleeps when none do.
    func run(log: OperatorLog) {
        var idleRounds = 0
        var lastReport: UInt64 = 0
        while true {
            let isLast = isStopping.load(ordering: .acquiring)
            var hadLines = false
            for sink in sinks.withLock({ $0 }) {
                let (had, error, dropped) = sink.writeOut()
                hadLines = hadLines || had
                if dropped > 0 { self.dropped.add(UInt64(dropped), ordering: .relaxed) }
                let now = Clock.monotonic()
                if error != nil || dropped > 0, lastReport == 0 || now &- lastReport > 10_000_000_000 {
                    lastReport = now
                    if let error { log.critical("access log lines are lost: \(error)") }
                    if dropped > 0 {
                        log.critical("\(dropped) access log lines were dropped: the writer can't keep up")
                    }
                }
            }
            if isLast {
                isDone.store(true, ordering: .releasing)
                return
            }
            idleRounds = hadLines ? 0 : idleRounds + 1
            if idleRounds < 5 {
                usleep(10_000)
                continue
            }
            isAsleep.store(true, ordering: .sequentiallyConsistent)
            // One more look: a line may have come before we were seen asleep.
            if sinks.withLock({ $0 }).contains(where: { $0.writeOut().hadLines }) {
                isAsleep.store(false, ordering: .relaxed)
                idleRounds = 0
                continue
            }
            var count: UInt64 = 0
            _ = unsafe Glibc.read(wake.raw, &count, 8)
            isAsleep.store(false, ordering: .relaxed)
            idleRounds = 0
        }
    }
}
