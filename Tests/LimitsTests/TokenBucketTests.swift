import Testing

@testable import Limits

private let second: UInt64 = 1_000_000_000

private func makeRule(_ rate: LimitRate?, burst: UInt32 = 0, delay: LimitDelay) throws -> LimitRule {
    let rate = try #require(rate)
    return try #require(LimitRule(rate: rate, burst: burst, delay: delay))
}

@Suite struct TokenBucketTests {
    @Test func burstWithoutDelayPassesAtOnceThenAtTheRate() throws {
        let rule = try makeRule(.perSecond(10), burst: 20, delay: .none)
        var bucket = TokenBucket()
        let start: UInt64 = 5 * second
        for passed in 0..<21 {
            let expected = LimitDecision.pass(
                remaining: UInt32(20 - passed),
                resetAfter: UInt64(passed + 1) * 100_000_000
            )
            #expect(bucket.take(rule, now: start) == expected)
        }
        #expect(bucket.take(rule, now: start) == .reject(retryAfter: 100_000_000, resetAfter: 2_100_000_000))
        #expect(bucket.take(rule, now: start + 99_999_999).isReject)
        for turn in 1...50 {
            let now = start + UInt64(turn) * 100_000_000
            #expect(bucket.take(rule, now: now - 1).isReject, "turn \(turn)")
            #expect(!bucket.take(rule, now: now).isReject, "turn \(turn)")
            #expect(bucket.take(rule, now: now).isReject, "turn \(turn)")
        }
    }

    @Test(
        arguments: [
            (LimitDelay.all, [0, 100, 200, 300, nil]),
            (.after(2), [0, 0, 0, 100, nil]),
            (.after(9), [0, 0, 0, 0, nil]),
            (.none, [0, 0, 0, 0, nil]),
        ] as [(LimitDelay, [Int?])]
    )
    func delays(_ delay: LimitDelay, _ milliseconds: [Int?]) throws {
        let rule = try makeRule(.perSecond(10), burst: 3, delay: delay)
        var bucket = TokenBucket()
        for expected in milliseconds {
            switch bucket.take(rule, now: second) {
            case .pass: #expect(expected == 0)
            case .delay(let wait, _, _): #expect(expected.map { UInt64($0) * 1_000_000 } == wait)
            case .reject: #expect(expected == nil)
            }
        }
    }

    @Test(
        arguments: [
            (3, second), (7, second), (100, 3600 * second), (1, 86_400 * second), (1_000_000_007, second),
            (4_096, 60 * second),
        ] as [(UInt64, UInt64)]
    )
    func saturatedBucketLetsThroughExactlyTheRate(_ requests: UInt64, _ period: UInt64) throws {
        let rule = try makeRule(LimitRate(requests: requests, per: period), burst: 1, delay: .none)
        var bucket = TokenBucket()
        let start: UInt64 = 77
        var now = start
        var passes: UInt64 = 0
        // Follow the advice of each rejection for a thousand passes, or a period.
        while passes < min(requests, 1000) {
            switch bucket.take(rule, now: now) {
            case .reject(let wait, _): now += wait
            default: passes += 1
            }
        }
        guard passes > 1 else { return }
        // The k-th pass after the burst comes at ⌈k · period / requests⌉ at the earliest, and no rounding adds up.
        let last = passes - 2
        let exact = (last * (period / requests)) + (last * (period % requests) + requests - 1) / requests
        #expect(now - start == exact)
    }

    @Test(
        arguments: [
            (1, 86_400 * second), (100, 3600 * second), (1000, 86_400 * second), (7, 86_400 * second),
            (1_000_000, 86_400 * second),
        ] as [(UInt64, UInt64)]
    )
    func theWholeCountAtOnceThenOneAtATime(_ requests: UInt64, _ period: UInt64) throws {
        let rate = LimitRate(requests: requests, per: period)
        let rule = try makeRule(rate, burst: UInt32(requests - 1), delay: .none)
        var bucket = TokenBucket()
        let start: UInt64 = 3 * second
        func passes(at now: UInt64) -> Int { (0..<requests).count { _ in !bucket.take(rule, now: now).isReject } }
        #expect(passes(at: start) == Int(requests))
        let interval = (period + requests - 1) / requests
        #expect(bucket.take(rule, now: start) == .reject(retryAfter: interval, resetAfter: period))
        #expect(bucket.take(rule, now: start + interval - 1).isReject)
        #expect(!bucket.take(rule, now: start + interval).isReject)
        #expect(bucket.take(rule, now: start + interval).isReject)
        // After a whole period without requests all may come again, and not one more.
        let later = start + interval + period
        #expect(passes(at: later) == Int(requests))
        #expect(bucket.take(rule, now: later).isReject)
    }

    @Test func oneADayIsOneADayForYears() throws {
        let day = 86_400 * second
        let rule = try makeRule(LimitRate(requests: 1, per: day), delay: .none)
        var bucket = TokenBucket()
        var now: UInt64 = 1
        for _ in 0..<5000 {
            #expect(!bucket.take(rule, now: now).isReject)
            #expect(bucket.take(rule, now: now) == .reject(retryAfter: day, resetAfter: day))
            #expect(bucket.take(rule, now: now + day - 1) == .reject(retryAfter: 1, resetAfter: 1))
            now += day
        }
    }

    @Test func agreesWithASlowModel() throws {
        var random = Generator(state: 42)
        for _ in 0..<300 {
            let requests = random.next(1...50)
            let period = [second, 60 * second, 3600 * second, 1_000_003][Int(random.next(0...3))]
            let burst = random.next(0...12)
            let delay: LimitDelay = [.none, .all, .after(UInt32(random.next(0...14)))][Int(random.next(0...2))]
            let rule = try makeRule(LimitRate(requests: requests, per: period), burst: UInt32(burst), delay: delay)
            var bucket = TokenBucket()
            var model = Model(requests: Int(requests), period: Int(period), burst: Int(burst), delay: delay)
            var now: UInt64 = random.next(0...1_000_000)
            for _ in 0..<200 {
                let actual = bucket.take(rule, now: now)
                #expect(actual == model.take(Int(now)), "\(rule) at \(now)")
                if case .reject(let wait, _) = actual, random.next(0...1) == 0 {
                    now += wait - random.next(0...1)
                } else {
                    now +=
                        [0, random.next(0...(period / requests * 2)), 1, random.next(0...period)][
                            Int(random.next(0...3))
                        ]
                }
                if !actual.isReject, random.next(0...5) == 0 {
                    bucket.giveBack(rule)
                    model.giveBack()
                }
            }
        }
    }

    @Test func refusesWhatItCannotCount() throws {
        #expect(LimitRate(requests: 0, per: second) == nil)
        #expect(LimitRate(requests: 1, per: 0) == nil)
        #expect(LimitRate(requests: 1 << 32, per: second) == nil)
        let daily = try #require(LimitRate(requests: 1, per: 86_400 * second))
        #expect(LimitRule(rate: daily, burst: 1_000_000) == nil)
        #expect(LimitRule(rate: daily, burst: 50_000) != nil)
    }

    @Test func survivesAChangedRate() throws {
        var bucket = TokenBucket()
        let before = try makeRule(.perSecond(7), burst: 5, delay: .none)
        let after = try makeRule(.perSecond(3), burst: 5, delay: .none)
        for _ in 0..<4 { _ = bucket.take(before, now: 0) }
        var passes = 0
        while !bucket.take(after, now: 0).isReject { passes += 1 }
        #expect((3...6).contains(passes))
    }
}

/// Nginx's account in whole numbers of 1/period requests, without any cleverness: `excess` drains and is added to.
private struct Model {
    let requests: Int
    let period: Int
    let burst: Int
    let delay: LimitDelay
    /// What the next request finds, times `period`.
    var level = 0
    var last = 0

    mutating func take(_ now: Int) -> LimitDecision {
        let (drained, overflow) = ((now - last).multipliedReportingOverflow(by: requests))
        level = overflow ? 0 : max(0, level - drained)
        last = now
        let reset = UInt64((level + requests - 1) / requests)
        if level > burst * period {
            return .reject(retryAfter: UInt64((level - burst * period + requests - 1) / requests), resetAfter: reset)
        }
        var free = burst
        switch delay {
        case .none: break
        case .after(let count): free = min(burst, Int(count))
        case .all: free = 0
        }
        let wait = max(0, level - free * period)
        level += period
        var remaining = 0
        var probe = level
        while probe <= burst * period {
            remaining += 1
            probe += period
        }
        let after = UInt64((level + requests - 1) / requests)
        if wait == 0 { return .pass(remaining: UInt32(remaining), resetAfter: after) }
        return .delay(UInt64((wait + requests - 1) / requests), remaining: UInt32(remaining), resetAfter: after)
    }

    mutating func giveBack() { level -= period }
}

/// xorshift64*: the same sequence in every run.
struct Generator {
    var state: UInt64

    mutating func next(_ range: ClosedRange<UInt64>) -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return range.lowerBound + (state &* 0x2545_F491_4F6C_DD1D) % (range.upperBound - range.lowerBound + 1)
    }
}
