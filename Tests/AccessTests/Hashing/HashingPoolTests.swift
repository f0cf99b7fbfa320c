import Crypto
import Limits
import Synchronization
import Testing

@testable import Access

private func job(_ password: String, _ stored: String, cache: CredentialCache? = nil, number: UInt64) -> HashJob {
    HashJob(
        digest: Digest32((number, 1, 2, 3)),
        stored: bytes(stored).span,
        password: bytes(password).span,
        isDummy: false,
        cache: cache
    )
}

@Suite(.timeLimit(.minutes(1))) struct HashingPoolTests {
    @Test func deliversEachOutcomeOnce() async {
        let pool = HashingPool(threads: 2)
        let cache = CredentialCache(capacity: 10)
        let (stream, continuation) = AsyncStream<HashOutcome>.makeStream()
        for number in 0..<16 as Range<UInt64> {
            let submission = pool.submit(
                job(number % 2 == 0 ? "correct horse" : "wrong", aliceHash, cache: cache, number: number),
                address: LimitKey(ipv4: UInt32(number % 4)),
                ticket: number
            ) { continuation.yield($0) }
            #expect(submission == .accepted)
        }
        var granted: [UInt64: Bool] = [:]
        for await outcome in stream {
            #expect(granted.updateValue(outcome.isGranted, forKey: outcome.ticket) == nil)
            if granted.count == 16 { break }
        }
        #expect(granted.allSatisfy { $0.value == ($0.key % 2 == 0) })
        // Outcomes are delivered after they are remembered.
        #expect(cache.statistics.entries == 8)
        #expect(pool.statistics.computed == 16)
        #expect(pool.statistics.waiting == 0)
        pool.stop()
        pool.waitUntilStopped()
    }

    @Test func shedsAndStops() {
        let pool = HashingPool(threads: 1, queueCapacity: 4, perAddress: 2)
        let refused = Counter()
        // Costs about 60 ms each, so the queue fills.
        let slow = "$2y$10$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
        var shed = 0
        for number in 0..<10 as Range<UInt64> {
            let submission = pool.submit(
                job("x", slow, number: number),
                address: LimitKey(ipv4: 1),
                ticket: number
            ) { if !$0.isGranted { refused.count.add(1, ordering: .relaxed) } }
            if case .shed(let seconds) = submission {
                #expect(seconds >= 1)
                shed += 1
            }
        }
        #expect(shed >= 7)
        pool.stop()
        pool.waitUntilStopped()
        // Who was let in is told, whether hashed or not.
        #expect(refused.count.load(ordering: .relaxed) == 10 - shed)
        let late = pool.submit(job("x", slow, number: 1), address: LimitKey(ipv4: 1), ticket: 1) { _ in }
        #expect(late == .shed(retryAfter: 1))
    }
}

private final class Counter: Sendable {
    let count = Atomic<Int>(0)
}
