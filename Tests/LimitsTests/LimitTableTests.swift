import Synchronization
import Testing

@testable import Limits

private let second: UInt64 = 1_000_000_000

private func makeRule(_ perSecond: UInt64, burst: UInt32 = 0) throws -> LimitRule {
    let rate = try #require(LimitRate.perSecond(perSecond))
    return try #require(LimitRule(rate: rate, burst: burst, delay: .none))
}

private final class Counter: Sendable {
    let passes = Atomic<Int>(0)
    let clock = Atomic<UInt64>(0)
}

@Suite struct LimitTableTests {
    @Test func keysHaveBucketsOfTheirOwn() throws {
        let table = LimitTable(capacity: 100)
        let rule = try makeRule(1)
        #expect(!table.decide(LimitKey(ipv4: 1), rule, now: 0).isReject)
        #expect(table.decide(LimitKey(ipv4: 1), rule, now: 0).isReject)
        #expect(!table.decide(LimitKey(ipv4: 2), rule, now: 0).isReject)
        #expect(table.statistics.entries == 2)
    }

    @Test func refundUndoesOneRequest() throws {
        let table = LimitTable(capacity: 100)
        let rule = try makeRule(3, burst: 1)
        let key = LimitKey(ipv4: 1)
        _ = table.decide(key, rule, now: 5)
        _ = table.decide(key, rule, now: 5)
        #expect(table.decide(key, rule, now: 5).isReject)
        table.refund(key, rule)
        #expect(!table.decide(key, rule, now: 5).isReject)
        #expect(table.decide(key, rule, now: 5).isReject)
        table.refund(LimitKey(ipv4: 9), rule)
        #expect(table.statistics.entries == 1)
    }

    @Test func evictsTheLeastRecentlyUsed() throws {
        let table = LimitTable(capacity: 3)
        let rule = try makeRule(1)
        for address in 1...3 { _ = table.decide(LimitKey(ipv4: UInt32(address)), rule, now: 0) }
        #expect(table.decide(LimitKey(ipv4: 1), rule, now: 0).isReject)
        // 2 is the oldest now, and goes.
        _ = table.decide(LimitKey(ipv4: 4), rule, now: 0)
        #expect(table.statistics == (3, 1))
        #expect(table.decide(LimitKey(ipv4: 1), rule, now: 0).isReject)
        #expect(table.decide(LimitKey(ipv4: 3), rule, now: 0).isReject)
        #expect(!table.decide(LimitKey(ipv4: 2), rule, now: 0).isReject)
    }

    @Test func aFloodOfKeysStaysInBounds() throws {
        let table = LimitTable(capacity: 2048)
        let rule = try makeRule(1)
        for address in 0..<100_000 as Range<UInt32> { _ = table.decide(LimitKey(ipv4: address), rule, now: 0) }
        let statistics = table.statistics
        #expect(statistics.entries <= table.capacity)
        #expect(statistics.entries > table.capacity * 9 / 10)
        #expect(UInt64(statistics.entries) + statistics.evictions == 100_000)
        #expect(!table.decide(LimitKey(ipv4: 0), rule, now: 0).isReject)
        #expect(table.decide(LimitKey(ipv4: 99_999), rule, now: 0).isReject)
    }

    @Test func zoneSizesAreNginxOnes() {
        #expect(LimitTable(zoneBytes: 1 << 20).capacity == 8192)
        #expect(LimitTable(zoneBytes: 0).capacity == 16)
    }

    @Test func aClockThatStepsBackNeitherOpensNorCloses() throws {
        let table = LimitTable(capacity: 10)
        let rule = try makeRule(10, burst: 1)
        let key = LimitKey(ipv4: 1)
        let noon = 1000 * second
        _ = table.decide(key, rule, now: noon)
        _ = table.decide(key, rule, now: noon)
        #expect(table.decide(key, rule, now: noon).isReject)
        // An hour back: nothing is gained at that instant, and the bucket goes on draining at once.
        let back = noon - 900 * second
        #expect(table.decide(key, rule, now: back).isReject)
        #expect(table.decide(key, rule, now: back + 99_999_999).isReject)
        #expect(!table.decide(key, rule, now: back + 100_000_000).isReject)
        // A loop whose reading is a little old.
        #expect(table.decide(key, rule, now: back + 50_000_000).isReject)
        #expect(!table.decide(key, rule, now: back + 200_000_000).isReject)
        // And a reading from a broken clock.
        _ = table.decide(key, rule, now: .max)
        _ = table.decide(key, rule, now: noon)
    }

    @Test(.timeLimit(.minutes(1))) func threadsShareOneBucketExactly() async throws {
        let table = LimitTable(capacity: 4096)
        let rule = try makeRule(1000, burst: 500)
        let key = LimitKey(ipv4: 7)
        let counter = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    // Both read one clock that moves 50 µs at a reading, through two seconds.
                    while true {
                        let step = counter.clock.add(1, ordering: .relaxed).oldValue
                        if step >= 40_000 { break }
                        if !table.decide(key, rule, now: step * 50_000).isReject {
                            counter.passes.add(1, ordering: .relaxed)
                        }
                    }
                }
            }
        }
        // 501 at once and 1999 more by the rate; 1.9999 s holds 1999 whole milliseconds.
        #expect(counter.passes.load(ordering: .relaxed) == 501 + 1999)
    }
}

@Suite struct ConcurrencyTableTests {
    @Test func countsUpToTheLimit() {
        let table = ConcurrencyTable(capacity: 10)
        let key = LimitKey(ipv4: 1)
        #expect(table.acquire(key, limit: 2) == .acquired(1))
        #expect(table.acquire(key, limit: 2) == .acquired(2))
        #expect(table.acquire(key, limit: 2) == .limited)
        table.release(key)
        #expect(table.acquire(key, limit: 2) == .acquired(2))
        table.release(key)
        table.release(key)
        #expect(table.statistics.entries == 0)
        table.release(key)
        #expect(table.acquire(key, limit: 0) == .limited)
        #expect(table.acquire(key, limit: 1) == .acquired(1))
    }

    @Test func refusesKeysBeyondItsCapacity() {
        let table = ConcurrencyTable(capacity: 3)
        for address in 0..<3 as Range<UInt32> {
            #expect(table.acquire(LimitKey(ipv4: address), limit: 9) == .acquired(1))
        }
        #expect(table.acquire(LimitKey(ipv4: 3), limit: 9) == .full)
        #expect(table.acquire(LimitKey(ipv4: 2), limit: 9) == .acquired(2))
        table.release(LimitKey(ipv4: 0))
        #expect(table.acquire(LimitKey(ipv4: 3), limit: 9) == .acquired(1))
        #expect(table.statistics == (3, 1))
    }
}
