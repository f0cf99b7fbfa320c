import EventLoop
import Glibc
import Synchronization

/// Makes pages of metrics beside the loops: one at a time, however many ask. Those who ask while one is being made share the
/// next, so that each page shows all that was done before it was asked for.
final class MetricsCollector: Sendable {
    /// Who may wait at the same time; others are told to come again.
    static let waitingLimit = 256
    /// Nanoseconds that a loop has for its report.
    static let patience: UInt64 = 500_000_000

    typealias Delivery = @Sendable (MetricsPage) -> Void

    private struct State {
        var mailboxes: [Mailbox<Message>] = []
        var runtime: Runtime?
        var isRunning = false
        var waiting: [(format: MetricsPage.Format, deliver: Delivery)] = []
    }

    private let state = Mutex(State())

    /// Asks these loops from now on.
    func subscribe(_ mailboxes: [Mailbox<Message>]) { state.withLock { $0.mailboxes = mailboxes } }

    /// The configuration in use from now on.
    func follow(_ runtime: Runtime) { state.withLock { $0.runtime = runtime } }

    /// Delivers a page, from a thread of its own; an empty one, at once, where too many wait.
    func request(_ format: MetricsPage.Format, _ services: Services, _ deliver: @escaping Delivery) {
        enum Step { case refuse, wait, start }
        let step = state.withLock { state -> Step in
            if state.waiting.count >= Self.waitingLimit { return .refuse }
            state.waiting.append((format, deliver))
            if state.isRunning { return .wait }
            state.isRunning = true
            return .start
        }
        switch step {
        case .refuse: deliver(MetricsPage(format, []))
        case .wait: break
        case .start:
            do {
                _ = try WorkerThread(name: "metrics") { self.run(services) }
            } catch {
                let waiting = state.withLock { state in
                    state.isRunning = false
                    defer { state.waiting = [] }
                    return state.waiting
                }
                for (format, deliver) in waiting { deliver(MetricsPage(format, [])) }
            }
        }
    }

    /// Makes pages until nobody waits.
    private func run(_ services: Services) {
        while true {
            let (waiting, mailboxes, runtime) = state.withLock { state in
                let waiting = state.waiting
                state.waiting = []
                state.isRunning = !waiting.isEmpty
                return (waiting, state.mailboxes, state.runtime)
            }
            if waiting.isEmpty { return }
            let snapshot = MetricsSnapshot(services, runtime, Self.ask(mailboxes))
            for format in MetricsPage.Format.allCases where waiting.contains(where: { $0.format == format }) {
                let page = MetricsPage(format, snapshot)
                for (wanted, deliver) in waiting where wanted == format { deliver(page) }
            }
        }
    }

    /// What the loops tell, as far as they do in time.
    private static func ask(_ mailboxes: [Mailbox<Message>]) -> [LoopReport] {
        let round = ReportRound()
        var asked = 0
        for mailbox in mailboxes where mailbox.post(.report(round)) { asked += 1 }
        let deadline = Clock.monotonic() &+ patience
        while round.received.count < asked, Clock.monotonic() < deadline { usleep(100) }
        return round.received
    }
}
