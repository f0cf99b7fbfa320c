import EventLoop
import Glibc
import Synchronization
import Testing

@Suite struct ThreadTests {
    @Test func messagesCrossThreadsInOrder() throws {
        let mailbox = try Mailbox<Int>(capacity: 64)
        let perThread = 2000
        let threads = 3
        var poller = try Poller()
        try poller.add(descriptor: mailbox.descriptor, token: Token(bits: 1), interest: .read)
        let refused = Atomic<Int>(0)
        var workers: [Int: [Int]] = [:]
        try withWorkers(threads) { number in
            for value in 0..<perThread {
                while !mailbox.post(number * perThread + value) {
                    refused.add(1, ordering: .relaxed)
                    sched_yield()
                }
            }
        } whileRunning: {
            var received = 0
            var batch: [Int] = []
            while received < threads * perThread {
                let count = try poller.wait(timeoutNanoseconds: 10_000_000_000)
                try #require(count == 1, "a wake-up was lost after \(received) messages")
                mailbox.drain(into: &batch)
                #expect(batch.count <= 64)
                for value in batch { workers[value / perThread, default: []].append(value % perThread) }
                received += batch.count
                batch.removeAll(keepingCapacity: true)
            }
        }
        #expect(workers.count == threads)
        for values in workers.values { #expect(values == Array(0..<perThread)) }
    }

    private func withWorkers(
        _ count: Int,
        _ body: @escaping @Sendable (Int) -> Void,
        whileRunning: () throws -> Void
    ) throws {
        let mailbox = try Mailbox<Int>(capacity: count)
        for number in 0..<count {
            _ = try WorkerThread(name: "sender \(number)") {
                body(number)
                _ = mailbox.post(number)
            }
        }
        try whileRunning()
    }

    @Test func aFullMailboxRefuses() throws {
        let mailbox = try Mailbox<String>(capacity: 2)
        #expect(mailbox.post("a"))
        #expect(mailbox.post("b"))
        #expect(!mailbox.post("c"))
        var batch = ["before"]
        mailbox.drain(into: &batch)
        #expect(batch == ["before", "a", "b"])
        #expect(mailbox.post("c"))
        batch = []
        mailbox.drain(into: &batch)
        #expect(batch == ["c"])
    }

    @Test func aThreadHasItsNameAndBlocksSignals() throws {
        let seen = Mutex<(name: String, isBlocked: Bool)>(("", false))
        let thread = try WorkerThread(name: "postern worker with a long name") {
            var name = [CChar](repeating: 0, count: 32)
            let comm = unsafe open("/proc/thread-self/comm", O_RDONLY)
            _ = unsafe read(comm, &name, 32)
            close(comm)
            var set = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &set)
            let isBlocked = unsafe sigismember(&set, SIGTERM) == 1
            let text = String(decoding: name.prefix { $0 > 31 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            seen.withLock { $0 = (text, isBlocked) }
        }
        thread.join()
        #expect(seen.withLock { $0.name } == "postern worker ")
        #expect(seen.withLock { $0.isBlocked })
        #expect(WorkerThread.availableProcessors >= 1)
    }

    @Test func signalsAreRead() throws {
        let result = Mutex<[Int32?]>([])
        let thread = try WorkerThread(name: "signals") {
            guard let source = try? SignalSource([SIGUSR1, SIGHUP]) else { return }
            let before = source.next()
            pthread_kill(pthread_self(), SIGUSR1)
            let after = source.next()
            result.withLock { $0 = [before, after, source.next()] }
        }
        thread.join()
        #expect(result.withLock { $0 } == [nil, SIGUSR1, nil])
    }
}
