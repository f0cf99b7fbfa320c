import Crypto
import EventLoop
import Glibc
package import Limits

/// What a hash brought to one who waited for it.
package struct HashOutcome: Sendable, Equatable {
    /// What the caller gave with the job.
    package let ticket: UInt64
    /// Whether the password is the user's. False as well when the pool was stopped.
    package let isGranted: Bool
}

/// The threads that compute password hashes, at low priority, behind one bounded and fair queue.
package final class HashingPool: Sendable {
    /// What became of a submitted job.
    package enum Submission: Sendable, Equatable {
        /// `deliver` will be called, once.
        case accepted
        /// `deliver` won't be called. Ask again in so many seconds: about when the queue will be empty.
        case shed(retryAfter: Int)
    }

    /// Figures since the start, and of this moment.
    package struct Statistics: Sendable, Equatable {
        package var waiting = 0
        package var running = 0
        package var computed: UInt64 = 0
        package var joined: UInt64 = 0
        package var shed: UInt64 = 0
        package var cancelled: UInt64 = 0
        /// Nanoseconds that hashing took, over all threads.
        package var busy: UInt64 = 0
    }

    private struct Waiter {
        let ticket: UInt64
        let deliver: @Sendable (HashOutcome) -> Void
    }

    private struct State {
        var queue: HashQueue<Waiter>
        var statistics = Statistics()
        var isStopped = false
        /// Threads that have not ended.
        var threads = 0
    }

    private let monitor: Monitor<State>
    private let threadCount: Int
    /// Hashes that may wait.
    package let queueCapacity: Int

    /// Starts the threads: by default one for each core but one. `niceness` is added to their nice value.
    package init(threads: Int? = nil, queueCapacity: Int = 256, perAddress: Int = 16, niceness: Int32 = 5) {
        self.queueCapacity = queueCapacity
        threadCount = max(threads ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) - 1, 1)
        monitor = Monitor(State(queue: HashQueue(capacity: queueCapacity, perAddress: perAddress)))
        let monitor = monitor
        for _ in 0..<threadCount {
            monitor.withLock { $0.threads += 1 }
            do throws(SystemError) {
                _ = try WorkerThread(name: "postern-hash") { Self.work(monitor, niceness) }
            } catch {
                monitor.withLock { $0.threads -= 1 }
            }
        }
        precondition(monitor.withLock { $0.threads } > 0, "no thread could be started for password hashes")
    }

    deinit { stop() }

    /// Queues a job for one who waits at `address`. `deliver` is called on a hashing thread, and must only pass the outcome on.
    package func submit(
        _ job: HashJob,
        address: LimitKey,
        ticket: UInt64,
        deliver: @escaping @Sendable (HashOutcome) -> Void
    ) -> Submission {
        let (submission, isNew) = monitor.withLock { state -> (Submission, Bool) in
            if state.isStopped { return (.shed(retryAfter: 1), false) }
            switch state.queue.enqueue(job, address: address, Waiter(ticket: ticket, deliver: deliver)) {
            case .queued:
                return (.accepted, true)
            case .joined:
                state.statistics.joined += 1
                return (.accepted, false)
            case .shed:
                state.statistics.shed += 1
                let average = state.statistics.busy / max(state.statistics.computed, 1)
                let wait = average * UInt64(state.queue.waiting) / UInt64(threadCount)
                return (.shed(retryAfter: Int(wait / 1_000_000_000) + 1), false)
            }
        }
        if isNew { monitor.notifyOne() }
        return submission
    }

    /// Takes back what was submitted with this job, address and ticket: `deliver` is called no more, unless its hash runs
    /// out just now. A hash that nobody else waits for, and that doesn't run yet, is never computed.
    package func cancel(_ job: HashJob, address: LimitKey, ticket: UInt64) {
        monitor.withLock { state in
            let wasThere = state.queue.cancel(job.digest, address: address) { $0.ticket == ticket }
            if wasThere { state.statistics.cancelled += 1 }
        }
    }

    /// Ends the threads after the hashes that run, and refuses all who still wait. Doesn't block.
    package func stop() {
        let waiters = monitor.withLock { state in
            state.isStopped = true
            return state.queue.removeAll()
        }
        monitor.notifyAll()
        for waiter in waiters { waiter.deliver(HashOutcome(ticket: waiter.ticket, isGranted: false)) }
    }

    /// Waits until all threads have ended, after `stop`. Not for a loop.
    package func waitUntilStopped() { monitor.wait { $0.threads == 0 ? () : nil } }

    package var statistics: Statistics {
        monitor.withLock { state in
            var statistics = state.statistics
            statistics.waiting = state.queue.waiting
            statistics.running = state.queue.running
            return statistics
        }
    }

    private static func work(_ monitor: Monitor<State>, _ niceness: Int32) {
        let process = Int32(PRIO_PROCESS.rawValue)
        // On Linux this is the thread's own. It may fail where the nice value is locked; then all have the same.
        _ = setpriority(process, 0, getpriority(process, 0) + niceness)
        var verifier = PasswordVerifier()
        while let assignment = monitor.wait({ nextStep(&$0) }) {
            let start = Clock.monotonic()
            let isGranted = assignment.job.run(&verifier, now: Clock.monotonic)
            let elapsed = Clock.monotonic() - start
            let waiters = monitor.withLock { state in
                state.statistics.computed += 1
                state.statistics.busy += elapsed
                return state.queue.finished(assignment.id)
            }
            for waiter in waiters { waiter.deliver(HashOutcome(ticket: waiter.ticket, isGranted: isGranted)) }
        }
        monitor.withLock { $0.threads -= 1 }
        monitor.notifyAll()
    }

    /// Nil: wait on. Some of nil: end.
    private static func nextStep(_ state: inout State) -> HashQueue<Waiter>.Assignment?? {
        if state.isStopped { return .some(nil) }
        return state.queue.next().map { .some($0) }
    }
}
