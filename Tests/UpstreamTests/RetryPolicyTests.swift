import EventLoop
import Testing
import Upstream

@Suite struct RetryPolicyTests {
    typealias Stage = UpstreamFailure.Stage

    static let causes: [UpstreamFailure.Cause] = [
        .refused, .timedOut, .system(SystemError("read", code: 104)), .closedEarly, .badHead("a folded line"),
        .unresolved("gateway"), .noLivePeers, .tls("bad certificate"),
    ]

    static let conditions: [RetryPolicy.Conditions] = [
        [], [.error, .timeout], [.error], [.timeout], [.invalidHeader],
        [.error, .timeout, .invalidHeader, .nonIdempotent], [.nonIdempotent],
    ]

    /// Every combination against the rules as the documentation of `RetryPolicy` has them, one sentence a line.
    @Test(arguments: Stage.allCases, Self.conditions)
    func everyCombination(stage: Stage, conditions: RetryPolicy.Conditions) {
        let flags = [false, true]
        for cause in Self.causes {
            for isReused in flags {
                for bytesTaken in [0, 1] {
                    for isReplayable in flags {
                        for isIdempotent in flags {
                            for (number, tries) in [(1, 0), (1, 1), (1, 2), (2, 2), (9, 0)] {
                                for (elapsed, timeout) in [(UInt64(5), UInt64(0)), (5, 5), (4, 5)] {
                                    let policy = RetryPolicy(conditions: conditions, tries: tries, timeout: timeout)
                                    let attempt = RetryPolicy.Attempt(
                                        isReused: isReused,
                                        bytesTaken: bytesTaken,
                                        isReplayable: isReplayable,
                                        isIdempotent: isIdempotent,
                                        number: number,
                                        elapsed: elapsed
                                    )
                                    let failure = UpstreamFailure(cause, at: stage)
                                    let decision = policy.decide(failure, attempt)
                                    #expect(
                                        decision == Self.expected(policy, failure, attempt),
                                        "\(failure) \(attempt) \(policy)"
                                    )
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    static func expected(
        _ policy: RetryPolicy,
        _ failure: UpstreamFailure,
        _ attempt: RetryPolicy.Attempt
    ) -> RetryPolicy.Decision {
        let giveUp = RetryPolicy.Decision.giveUp(status: failure.cause == .timedOut ? 504 : 502)
        let isBreak: Bool
        let isNamed: Bool
        var isHead = false
        switch failure.cause {
        case .unresolved, .noLivePeers: return giveUp
        case .timedOut: (isBreak, isNamed) = (false, policy.conditions.contains(.timeout))
        case .badHead: (isBreak, isNamed, isHead) = (false, policy.conditions.contains(.invalidHeader), true)
        case .refused, .system, .closedEarly, .tls: (isBreak, isNamed) = (true, policy.conditions.contains(.error))
        }
        let hasReplyBegun = failure.stage == .readingHead || failure.stage == .afterHead
        if failure.stage == .choosing || failure.stage == .afterHead { return giveUp }
        if hasReplyBegun && !isHead { return giveUp }
        if !attempt.isReplayable { return giveUp }
        let isUnsent = attempt.bytesTaken == 0
        if !isUnsent && !attempt.isIdempotent && !policy.conditions.contains(.nonIdempotent) { return giveUp }
        if attempt.isReused && isBreak { return .retrySamePeerFresh }
        if !isNamed { return giveUp }
        if policy.tries > 0 && attempt.number >= policy.tries { return giveUp }
        if policy.timeout > 0 && attempt.elapsed >= policy.timeout { return giveUp }
        return .retryOther
    }

    @Test(arguments: [
        // A kept connection that the gateway had closed, a POST that it never took.
        (
            Stage.sendingRequest, UpstreamFailure.Cause.closedEarly, true, 0, false,
            RetryPolicy.Decision.retrySamePeerFresh
        ),
        // The same, with bytes that it may have taken.
        (.sendingRequest, .closedEarly, true, 100, false, .giveUp(status: 502)),
        (.waitingForHead, .closedEarly, true, 100, true, .retrySamePeerFresh),
        (.connecting, .refused, false, 0, false, .retryOther),
        (.waitingForHead, .timedOut, false, 100, true, .retryOther),
        (.waitingForHead, .timedOut, false, 100, false, .giveUp(status: 504)),
        (.readingHead, .closedEarly, false, 100, true, .giveUp(status: 502)),
        (.readingHead, .timedOut, false, 100, true, .giveUp(status: 504)),
        (.afterHead, .closedEarly, true, 100, true, .giveUp(status: 502)),
    ])
    func theUsualCases(
        stage: Stage,
        cause: UpstreamFailure.Cause,
        isReused: Bool,
        bytesTaken: Int,
        isIdempotent: Bool,
        expected: RetryPolicy.Decision
    ) {
        let attempt = RetryPolicy.Attempt(isReused: isReused, bytesTaken: bytesTaken, isIdempotent: isIdempotent)
        #expect(RetryPolicy().decide(UpstreamFailure(cause, at: stage), attempt) == expected)
    }

    @Test(arguments: [200, 403, 404, 429, 500, 501, 502, 503, 504])
    func statuses(status: Int) {
        let named: [Int: RetryPolicy.Conditions] = [
            403: .status403, 404: .status404, 429: .status429, 500: .status500, 502: .status502, 503: .status503,
            504: .status504,
        ]
        let attempt = RetryPolicy.Attempt(bytesTaken: 10)
        var post = attempt
        post.isIdempotent = false
        #expect(!RetryPolicy().retries(status: status, attempt))
        guard let condition = named[status] else {
            #expect(!RetryPolicy(conditions: RetryPolicy.Conditions(rawValue: .max)).retries(status: status, attempt))
            return
        }
        #expect(RetryPolicy(conditions: condition).retries(status: status, attempt))
        #expect(!RetryPolicy(conditions: condition).retries(status: status, post))
        #expect(RetryPolicy(conditions: [condition, .nonIdempotent]).retries(status: status, post))
        #expect(!RetryPolicy(conditions: condition, tries: 1).retries(status: status, attempt))
    }

    @Test(arguments: [
        (UpstreamFailure(.refused, at: .connecting), 502, "connection refused while connecting to upstream"),
        (UpstreamFailure(.timedOut, at: .waitingForHead), 504, "upstream timed out while waiting for upstream's reply"),
        (
            UpstreamFailure(.unresolved("gw"), at: .choosing), 502,
            "no address is known for host \"gw\" while choosing a server"
        ),
        (
            UpstreamFailure(.badHead("two lengths"), at: .readingHead), 502,
            "upstream sent a reply that can't be forwarded (two lengths) while reading the head of upstream's reply"
        ),
    ])
    func failuresSayWhatHappened(failure: UpstreamFailure, status: Int, text: String) {
        #expect(failure.status == status)
        #expect(failure.text == text)
    }
}
