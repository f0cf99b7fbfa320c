import EventLoop
import Testing

@Suite struct TimerWheelTests {
    static let tick: UInt64 = 1 << 23
    static let hour: UInt64 = 3_600_000_000_000

    static func token(_ number: UInt32) -> Token { Token(kind: 1, slot: 0, generation: number) }

    struct Run: Sendable {
        let seed: UInt64
        let longestDelay: UInt64
        let longestStep: UInt64
    }

    static let runs = [
        Run(seed: 1, longestDelay: 200_000_000, longestStep: 20_000_000),
        Run(seed: 2, longestDelay: 5_000_000_000, longestStep: 300_000_000),
        Run(seed: 3, longestDelay: 100_000_000_000, longestStep: 10_000_000_000),
        Run(seed: 4, longestDelay: 48 * hour, longestStep: hour),
        Run(seed: 5, longestDelay: 48 * hour, longestStep: 100_000_000),
        Run(seed: 6, longestDelay: 10_000 * hour, longestStep: 700 * hour),
        Run(seed: 7, longestDelay: 60_000_000_000, longestStep: 1_000_000),
    ]

    /// Random operations against a table that is searched from end to end.
    @Test(arguments: runs)
    func agreesWithASlowModel(run: Run) {
        var model = TimerModel(run: run)
        for _ in 0..<8_000 { model.step() }
        // Collected, as an expectation for each of a million comparisons would take minutes.
        #expect(model.problems == [])
        #expect(model.fired > 100)
    }

    @Test(arguments: [UInt64(1), 100, 8_388_608, 500_000_000, 40_000_000_000, hour, 24 * hour, 48 * hour, 3000 * hour])
    func sleepingUntilNextDeadlineReachesTheTimerInFewSteps(delay: UInt64) {
        let start: UInt64 = 123_456_789_012_345
        var now = start
        var wheel = TimerWheel(limit: 4, now: now)
        let timer = wheel.makeTimer(token: Self.token(9))
        wheel.set(timer, deadline: now + delay)
        var steps = 0
        while steps < 20 {
            if let token = wheel.nextExpired(now: now) {
                #expect(token.generation == 9)
                break
            }
            steps += 1
            guard let next = wheel.nextDeadline(now: now) else {
                Issue.record("the timer is lost")
                break
            }
            #expect(next > now)
            now = next
        }
        #expect(steps <= 8)
        #expect(now >= start + delay && now < start + delay + Self.tick)
        let result1 = wheel.nextDeadline(now: now)
        #expect(result1 == nil)
    }

    @Test func aDeadlinePushedOutFiresOnce() {
        var wheel = TimerWheel(limit: 4)
        let timer = wheel.makeTimer(token: Self.token(1))
        for request in 0..<100 { wheel.set(timer, deadline: UInt64(request) * 100_000_000 + 1_000_000_000) }
        let result2 = wheel.nextExpired(now: 5_000_000_000)
        #expect(result2 == nil)
        let isStillArmed = wheel.isArmed(timer)
        #expect(isStillArmed)
        let result3 = wheel.nextExpired(now: 10_900_000_000 + Self.tick)
        #expect(result3 == Self.token(1))
        let result4 = wheel.nextExpired(now: 20_000_000_000)
        #expect(result4 == nil)
        let isArmed = wheel.isArmed(timer)
        #expect(!isArmed)
    }

    /// What waits for ever mustn't keep a loop awake.
    @Test(arguments: [.max, .max - 1, .max - tick, .max - 3 * tick, .max / 2 + 1] as [UInt64])
    func aDeadlineAtTheEndOfTimeIsWaitedFor(deadline: UInt64) {
        var wheel = TimerWheel(limit: 4, now: 5 * Self.hour)
        let timer = wheel.makeTimer(token: Self.token(1))
        wheel.set(timer, deadline: 5 * Self.hour + 1_000)
        // Pushed out while it is linked for an earlier one.
        wheel.set(timer, deadline: deadline)
        var now = 5 * Self.hour
        for _ in 0..<100 {
            #expect(wheel.nextExpired(now: now) == nil)
            guard let next = wheel.nextDeadline(now: now) else {
                Issue.record("the timer is gone")
                return
            }
            #expect(next > now)
            // A turn for some other reason, long before.
            now = min(next, now + 100 * Self.hour)
        }
        #expect(wheel.deadline(of: timer) == deadline)
    }

    @Test func aDeadlinePulledInFiresAtTheNewOne() {
        var wheel = TimerWheel(limit: 4)
        let timer = wheel.makeTimer(token: Self.token(1))
        wheel.set(timer, deadline: Self.hour)
        wheel.set(timer, deadline: 1_000_000_000)
        let result5 = wheel.nextExpired(now: 1_000_000_000 + Self.tick)
        #expect(result5 == Self.token(1))
        let result6 = wheel.nextExpired(now: 2 * Self.hour)
        #expect(result6 == nil)
    }

    @Test func makingMoreTimersThanTheLimitTraps() async {
        await #expect(processExitsWith: .failure) {
            var wheel = TimerWheel(limit: 2)
            for _ in 0..<3 { _ = wheel.makeTimer(token: Token(bits: 0)) }
        }
    }
}
