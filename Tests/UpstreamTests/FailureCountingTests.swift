import EventLoop
import Testing
import Upstream

@Suite struct FailureCountingTests {
    @Test func onePeerAloneNeverRests() {
        var group = group([literal(1)])
        for _ in 0..<5 { #expect(group.fail() == 1) }
        #expect(group.serve() == 1)
    }

    @Test func aPeerRestsAfterItsFailuresThenGetsOneProbe() {
        var group = group([literal(1, maxFails: 2), literal(2, maxFails: 0)])
        #expect(group.fail() == 1)
        #expect(group.serve() == 2)
        #expect(group.fail(seconds(1)) == 1)
        for step in 1...10 { #expect(group.serve(seconds(1 + Double(step))) == 2) }

        // The window of ten seconds is over: one request goes there, further ones wait for what it brings.
        var served: [Int] = []
        var probe: PeerIndex?
        for _ in 0..<6 {
            guard let (peer, last) = group.choose(seconds(11.5)) else { continue }
            served.append(last)
            if last == 1 { probe = peer } else { group.abandon(peer) }
        }
        #expect(served.filter { $0 == 1 }.count == 1)

        if let probe {
            group.succeeded(probe)
            group.abandon(probe)
        }
        let after = (0..<6).map { _ in group.serve(seconds(12)) }
        #expect(after.contains(1), "a probe that goes well brings it back at once")
    }

    @Test func aFailedProbeMeansAnotherRest() {
        var group = group([literal(1), literal(2, maxFails: 0)])
        #expect(group.fail() == 1)
        var probes = 0
        for _ in 0..<4 {
            guard let (peer, last) = group.choose(seconds(10.5)) else { continue }
            if last == 1 {
                probes += 1
                group.failed(peer, broken, now: seconds(10.5))
            } else {
                group.abandon(peer)
            }
        }
        #expect(probes == 1)
        for step in 0..<5 { #expect(group.serve(seconds(12 + Double(step))) == 2) }
    }

    @Test func successBetweenFailuresOfOneWindowDoesNotForgetThem() {
        var group = group([literal(1, maxFails: 2), literal(2, maxFails: 0)])
        #expect(group.fail(seconds(1)) == 1)
        #expect(group.serve(seconds(1)) == 2)
        #expect(group.serve(seconds(2)) == 1)
        #expect(group.serve(seconds(2)) == 2)
        #expect(group.fail(seconds(3)) == 1)
        for _ in 0..<4 { #expect(group.serve(seconds(4)) == 2) }
    }

    @Test func failuresOfDifferentWindowsDoNotAddUp() {
        var group = group([literal(1, maxFails: 2), literal(2, maxFails: 0)])
        #expect(group.fail(seconds(1)) == 1)
        var served = (0..<4).map { _ in group.serve(seconds(12)) }
        #expect(served.contains(1))
        while group.serve(seconds(12)) != 2 {}
        while group.fail(seconds(13)) != 1 {}
        served = (0..<6).map { _ in group.serve(seconds(14)) }
        #expect(served.contains(1))
    }

    @Test func whenAllRestNobodyIsWoken() {
        var group = group([literal(1), literal(2)])
        group.fail()
        group.fail()
        #expect(group.serve(seconds(9)) == nil)
        #expect(group.isReady(now: seconds(9)) == false)
        #expect(group.isReady(now: seconds(11)) == true)
        #expect(group.serve(seconds(11)) != nil)
    }

    @Test(arguments: [(seconds(11), false), (seconds(11) + 1, true)])
    func theRestIncludesItsLastNanosecond(now: UInt64, isChosen: Bool) {
        var group = group([literal(1), literal(2, maxFails: 0)])
        #expect(group.fail(seconds(1)) == 1)
        let served = (0..<3).map { _ in group.choose(now)?.last }
        #expect(served.contains(1) == isChosen)
    }

    @Test func failedAnswersWhetherThePeerRests() {
        var group = group([literal(1, maxFails: 2), literal(2, maxFails: 2)])
        var answers: [Bool] = []
        for _ in 0..<4 {
            guard let (peer, _) = group.choose() else { continue }
            answers.append(group.failed(peer, broken, now: 0))
        }
        #expect(answers == [false, false, true, true])
        #expect(group.report(now: 0).map(\.state) == [.resting, .resting])
        #expect(group.report(now: 0).map(\.statistics.rests) == [1, 1])
    }

    @Test(arguments: [(403, 0), (404, 0), (429, 1), (500, 1), (502, 1), (503, 1), (504, 1)])
    func statusesThatCount(status: Int, fails: Int) {
        var group = group([literal(1), literal(2)])
        if let (peer, _) = group.choose() { group.failed(peer, status: status, now: 0) }
        #expect(group.report(now: 0).map(\.fails) == [fails, 0])
    }
}
