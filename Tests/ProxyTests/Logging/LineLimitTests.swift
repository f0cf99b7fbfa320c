import Testing

@testable import Proxy

struct LineLimitTests {
    @Test func theFirstOfASpanPassAndTheRestIsCounted() {
        var limit = LineLimit()
        let passed = (0..<1000).filter { limit.admits(now: 5 + UInt64($0)) }
        #expect(passed == Array(0..<LineLimit.limit))
        let counts = [limit.takeLeftOut(), limit.takeLeftOut()]
        #expect(counts == [1000 - LineLimit.limit, 0])
        let later = [4, 5].map { limit.admits(now: $0 + LineLimit.span) }
        #expect(later == [false, true])
        let rest = limit.takeLeftOut()
        #expect(rest == 1)
    }

    @Test func noSortHidesAnother() {
        var lines = FailureLines()
        for number in 0..<50 { _ = lines.admits(sort: 1, "one \(number)", now: 1) }
        let isOtherAdmitted = lines.admits(sort: 2, "two", now: 1)
        #expect(isOtherAdmitted)
        let leftOut = lines.takeLeftOut()
        #expect(leftOut.map(\.count) == [50 - LineLimit.limit])
        #expect(leftOut.map(\.text) == ["one \(LineLimit.limit)"])
        let rest = lines.takeLeftOut()
        #expect(rest.isEmpty)
    }
}
