import Limits
import Testing

struct ReportThrottleTests {
    private func key(_ number: UInt32) -> LimitKey { LimitKey(ipv4: number) }

    @Test func speaksOnceAMinuteOfEach() {
        let throttle = ReportThrottle(interval: 60)
        #expect(throttle.report(key(1), now: 100) == 1)
        #expect(throttle.report(key(2), now: 100) == 1)
        #expect(throttle.report(key(1), now: 159) == nil)
        #expect(throttle.report(key(1), now: 160) == 2)
        #expect(throttle.report(key(1), now: 161) == nil)
        #expect(throttle.report(key(1), now: 400) == 2)
    }

    @Test func isBounded() {
        let throttle = ReportThrottle(capacity: 4, interval: 60)
        for number in UInt32(0)..<4 { #expect(throttle.report(key(number), now: 100 + UInt64(number)) == 1) }
        // All that are known are fresh.
        #expect(throttle.report(key(9), now: 159) == nil)
        // The oldest makes room, no other.
        #expect(throttle.report(key(9), now: 160) == 1)
        #expect(throttle.report(key(8), now: 160) == nil)
    }
}
