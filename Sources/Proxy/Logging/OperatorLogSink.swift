import CLinux
import EventLoop
import Glibc
import Logging
import Synchronization

/// Where the operator's log is written to.
///
/// ```
///            start                    stop, and nothing waits
///  at once ────────▶ by the thread ──────────────────────────▶ at once
/// ```
final class OperatorLogSink: Sendable {
    /// Bytes of lines that wait for the thread, at the most.
    static let capacity = 1 << 19
    /// Room that only warnings and worse may take: who makes the log say little things can't keep it from saying great ones.
    static let spare = capacity / 4

    private struct Queue {
        /// Whether the thread writes.
        var isOpen = false
        /// Bytes ever left for it.
        var appended = 0
    }

    private let queue = Mutex(Queue())
    /// Whoever holds the queue's lock writes into it, the thread reads.
    private let ring = LogRing(capacity: OperatorLogSink.capacity)
    /// Bytes that the thread is done with, of those ever left for it.
    private let done = Atomic<Int>(0)
    private let lost = Atomic<Int>(0)
    private let isAsleep = Atomic<Bool>(false)
    private let isStopping = Atomic<Bool>(false)
    private let isAbandoned = Atomic<Bool>(false)
    private let wake: OwnedDescriptor

    private let file: LogFile
    private let fallback: Int32
    /// When a failing file was last complained of; zero for never.
    private let complainedAt = Atomic<UInt64>(0)

    init(_ destination: ErrorLogSettings.Destination, fallback: Int32) throws(SystemError) {
        let descriptor = eventfd(0, clinux_eventfd_blocking_flags)
        guard descriptor >= 0 else { throw SystemError("eventfd", code: errno) }
        wake = OwnedDescriptor(adopting: descriptor)
        self.fallback = fallback
        file = try LogFile(LogFile.Target(destination))
    }

    var droppedLines: UInt64 { UInt64(lost.load(ordering: .relaxed)) }

    func write(level: Logger.Level, text: String) {
        let line = OperatorLogHandler.line(level, text)
        let isQueued = queue.withLock { queue in
            guard queue.isOpen else { return false }
            if ring.append(line.span, spare: level < .warning ? Self.spare : 0) {
                queue.appended += line.count
            } else {
                lost.add(1, ordering: .relaxed)
            }
            return true
        }
        if isQueued { notify() } else { writeAtOnce(line) }
    }

    // MARK: Where to

    func reopen() -> SystemError? {
        flush()
        return file.reopen()
    }

    func move(to destination: ErrorLogSettings.Destination) throws(SystemError) {
        let target = LogFile.Target(destination)
        if !file.leads(to: target) { flush() }
        try file.move(to: target)
    }

    // MARK: The thread

    func start() throws(SystemError) {
        _ = try WorkerThread(name: "error-log") { self.run() }
        queue.withLock { $0.isOpen = true }
    }

    func stop() {
        guard queue.withLock({ $0.isOpen }) else { return }
        isStopping.store(true, ordering: .releasing)
        signal()
        for _ in 0..<2000 where queue.withLock({ $0.isOpen }) { usleep(1000) }
        // Who reads the log doesn't, and isn't waited for.
        isAbandoned.store(true, ordering: .releasing)
    }

    /// Waits, a second at the most, until the thread has written what was said so far.
    private func flush() {
        guard let target = queue.withLock({ $0.isOpen ? $0.appended : nil }) else { return }
        for _ in 0..<1000 where done.load(ordering: .acquiring) < target { usleep(1000) }
    }

    /// A line was left: see that somebody looks.
    private func notify() {
        guard isAsleep.load(ordering: .sequentiallyConsistent),
            isAsleep.exchange(false, ordering: .acquiringAndReleasing)
        else { return }
        signal()
    }

    private func signal() {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(wake.raw, &one, 8)
    }

    /// Writes in rounds while lines come, and sleeps when none do.
    private func run() {
        var lines = OperatorLogLines()
        var told = 0
        var idleRounds = 0
        while true {
            let isLast = isStopping.load(ordering: .acquiring)
            // What was lost by now was lost after lines that still wait.
            let lost = lost.load(ordering: .relaxed)
            let hadLines = writeRound(&lines)
            tell(lost, since: &told)
            if isLast, closeIfEmpty() {
                // Nothing is left for the thread any more, and nothing lost: what is said from here on is written at once.
                tell(self.lost.load(ordering: .relaxed), since: &told)
                return
            }
            idleRounds = hadLines ? 0 : idleRounds + 1
            if isLast { continue }
            // While many lines come, those who say them are spared the waking.
            if idleRounds < 5 {
                usleep(1000)
                continue
            }
            isAsleep.store(true, ordering: .sequentiallyConsistent)
            // One more look: a line may have come before we were seen asleep.
            if ring.isEmpty {
                var count: UInt64 = 0
                _ = unsafe Glibc.read(wake.raw, &count, 8)
            }
            isAsleep.store(false, ordering: .relaxed)
            idleRounds = 0
        }
    }

    private func tell(_ lost: Int, since told: inout Int) {
        if lost == told { return }
        let text = "\(lost - told) lines were dropped: error_log can't be written fast enough"
        put(OperatorLogHandler.line(.critical, text).span)
        told = lost
    }

    /// Writes what waits; of what comes meanwhile not more than the queue holds. False when nothing waited.
    private func writeRound(_ lines: inout OperatorLogLines) -> Bool {
        var count = 0
        while count < Self.capacity {
            let taken = lines.take(from: ring)
            guard taken > 0 else { break }
            count += taken
            lines.writeOut { put($0) }
            done.store(done.load(ordering: .relaxed) + taken, ordering: .releasing)
        }
        return count > 0
    }

    private func closeIfEmpty() -> Bool {
        queue.withLock { queue in
            if ring.isEmpty || isAbandoned.load(ordering: .acquiring) { queue.isOpen = false }
            return !queue.isOpen
        }
    }

    // MARK: Writing

    /// Writes lines from the thread, which waits until somebody takes them.
    private func put(_ lines: borrowing Span<UInt8>) {
        var written = 0
        while written < lines.count, !isAbandoned.load(ordering: .acquiring) {
            let rest = lines.extracting(written...)
            let (outcome, path) = file.withDescriptor { (Self.write(rest, waitingTo: $0), $1) }
            switch outcome {
            case .took(let count): written += count
            // Another destination may have been given meanwhile.
            case .tookNothing: break
            case .failed(let error):
                if let path { fallBack(rest, path, error) }
                return
            }
        }
    }

    private enum Outcome {
        case took(Int)
        case tookNothing
        case failed(SystemError)
    }

    private static func write(_ bytes: borrowing Span<UInt8>, waitingTo descriptor: Int32) -> Outcome {
        guard descriptor >= 0 else { return .took(bytes.count) }
        var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&watched, 1, 100) > 0 else { return .tookNothing }
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 { return .took(count) }
        let code = errno
        guard code == EAGAIN || code == EINTR else { return .failed(SystemError("write", code: code)) }
        usleep(1000)
        return .tookNothing
    }

    private func writeAtOnce(_ line: [UInt8]) {
        let (error, path) = file.withDescriptor { ($0 < 0 ? nil : Self.write(line.span, to: $0), $1) }
        if let error, let path { fallBack(line.span, path, error) }
    }

    /// Lost lines would be the ones that tell of the trouble.
    private func fallBack(_ lines: borrowing Span<UInt8>, _ path: String, _ error: SystemError) {
        let now = Clock.monotonic()
        let last = complainedAt.load(ordering: .relaxed)
        if last == 0 || now &- last > 10_000_000_000 {
            complainedAt.store(now, ordering: .relaxed)
            let complaint = "error_log \(path) can't be written, its lines go to standard error: \(error)"
            _ = Self.write(OperatorLogHandler.line(.critical, complaint).span, to: fallback)
        }
        _ = Self.write(lines, to: fallback)
    }

    private static func write(_ bytes: borrowing Span<UInt8>, to descriptor: Int32) -> SystemError? {
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        return count < 0 ? SystemError("write", code: errno) : nil
    }
}
