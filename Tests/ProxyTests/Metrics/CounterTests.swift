import EventLoop
import HTTP
import Synchronization
import Testing
import Upstream

@testable import Proxy

/// The cells that are counted in, and what is made of them.
struct CounterTests {
    /// Every cell that has a name, of a loop.
    private static var cells: [Counter] {
        var cells: [Counter] = [
            .begun, .bytesReceived, .bytesSent, .accepted, .handled, .closed, .settingUp, .lingering, .busySessions,
            .abandoned, .fullHandshakes, .resumedHandshakes, .failedHandshakes, .eventStreams, .openEventStreams,
            .brokenStreams, .refusedStreams, .sessions, .crowdedUpstreams, .malformedBody,
            .evictedStreams, .proved(by: .address), .proved(by: .password), .proved(by: .session), .proved(by: .key),
        ]
        for isStream in [false, true] {
            cells += [
                .requests(isStream: isStream), .webSockets(isStream: isStream), .openWebSockets(isStream: isStream),
            ]
            cells += [0, 100, 200, 300, 400, 500].map { .ended(status: $0, isStream: isStream) }
        }
        cells += Counter.Rejection.allCases.map(Counter.rejected)
        cells += Counter.Pause.allCases.map(Counter.paused)
        cells += Counter.Wait.allCases.map(Counter.timedOut)
        cells += Counter.Rate.allCases.map(Counter.tooSlow)
        cells += Refusal.allCases.map(Counter.refused)
        cells += HTTP2Error.Kind.allCases.map(Counter.sessionEnded)
        cells += HeadError.allCases.map(Counter.malformed)
        return cells
    }

    @Test func noCellIsSharedAndEachHasRoom() {
        let places = Self.cells.map(\.index)
        #expect(Set(places).count == places.count)
        #expect(places.allSatisfy { $0 >= 0 && $0 < Counter.count })
        let upstream: [Counter] = [.attempts, .retries, .connects] + Counter.Failure.allCases.map(Counter.failed)
        #expect(Set(upstream.map(\.index)).count == upstream.count)
        #expect(upstream.allSatisfy { $0.index < Counter.upstreamCount })
    }

    @Test(
        arguments: [
            (101, 100), (200, 200), (299, 200), (304, 300), (499, 400), (599, 500), (0, 0), (99, 0), (600, 0), (999, 0),
        ]
    )
    func statusesFallIntoClasses(_ status: Int, _ hundreds: Int) {
        for isStream in [false, true] {
            let place = Counter.ended(status: status, isStream: isStream).index
            #expect(place == Counter.ended(status: hundreds, isStream: isStream).index)
        }
    }

    @Test func totalsAreOfAllLoops() {
        let metrics = Metrics()
        let loops = (0..<3).map { _ in metrics.makeLoop() }
        for (index, loop) in loops.enumerated() {
            loop.add(.begun, UInt64(index + 1))
            loop.add(.openEventStreams)
        }
        loops[0].remove(.openEventStreams)
        // It began on one loop and ended on another's account: the sum is what counts.
        loops[0].remove(.openEventStreams)
        #expect(metrics.total(.begun) == 6)
        #expect(metrics.total(.openEventStreams) == 1)
        #expect(metrics.totals()[Counter.begun.index] == 6)
    }

    @Test func anUpstreamsNameKeepsItsCounters() {
        let metrics = Metrics()
        metrics.upstream("gateway", loop: 0).add(.attempts)
        metrics.upstream("gateway", loop: 1).add(.attempts, 2)
        metrics.upstream("gateway", loop: 0).add(.attempts)
        let totals = metrics.upstreamTotals()
        #expect(totals.map(\.name) == ["gateway"])
        #expect(totals[0].sums[Counter.attempts.index] == 4)
    }

    @Test func tooManyUpstreamsShareOne() {
        let metrics = Metrics()
        for number in 0..<(Metrics.upstreamLimit + 50) { metrics.upstream("u\(number)", loop: 0).add(.attempts) }
        let totals = metrics.upstreamTotals()
        #expect(totals.count == Metrics.upstreamLimit + 1)
        #expect(totals.last?.name == Metrics.sharedUpstream)
        #expect(totals.last?.sums[Counter.attempts.index] == 50)
    }

    @Test func statesFollowFromWhatBeganAndEnded() {
        let metrics = Metrics()
        let loop = metrics.makeLoop()
        // Ten connections: one in a handshake, one lingering, one with HTTP/2 and three streams, one with a WebSocket,
        // one in the middle of a head, two with a request; so three wait.
        loop.add(.accepted, 14)
        loop.add(.handled, 13)
        loop.add(.closed, 3)
        loop.add(.settingUp)
        loop.add(.lingering)
        loop.add(.busySessions)
        loop.add(.begun, 10)
        loop.add(.requests(isStream: true), 3)
        loop.add(.requests(isStream: false), 5)
        loop.add(.abandoned)
        loop.add(.ended(status: 200, isStream: false), 2)
        // One of those that haven't ended.
        loop.add(.openWebSockets(isStream: false))
        var expected = ConnectionStates { _ in 0 }
        (expected.active, expected.reading, expected.writing, expected.waiting) = (10, 1, 6, 3)
        (expected.accepted, expected.handled, expected.requests) = (14, 13, 10)
        #expect(ConnectionStates { metrics.total($0) } == expected)
    }

    @Test func whatIsReadInTheMiddleIsNeverLessThanNothing() {
        let states = ConnectionStates { $0.index == Counter.closed.index ? 5 : 0 }
        #expect(states.active == 0 && states.waiting == 0)
    }

    @Test(
        arguments: [
            (UpstreamFailure.Cause.refused, Counter.Failure.refused), (.timedOut, .timedOut),
            (.system(SystemError("read", code: 104)), .reset), (.system(SystemError("write", code: 32)), .reset),
            (.system(SystemError("connect", code: 113)), .system), (.closedEarly, .closedEarly),
            (.badHead("x"), .badReply), (.unresolved("x"), .unresolved), (.noLivePeers, .noLiveServers),
            (.tls("x"), .tls),
        ]
    )
    func failuresAreCountedByCause(_ cause: UpstreamFailure.Cause, _ expected: Counter.Failure) {
        #expect(Counter.Failure(UpstreamFailure(cause, at: .connecting)) == expected)
    }

    @Test func aKindOfEveryErrorOfHTTP2() {
        #expect(HTTP2Error.Kind.allCases.count == 14)
        #expect(labelText(HTTP2Error.Kind.idleFrames) == "idle-frames")
        #expect(labelText(HeadError.transferEncodingInHTTP10) == "transfer-encoding-in-http10")
    }
}
