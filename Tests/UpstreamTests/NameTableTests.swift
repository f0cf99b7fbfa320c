import EventLoop
import Testing
import Upstream

@Suite struct NameTableTests {
    static let notFound = LookupError.failed(code: -2, errno: 0)

    static func table(limit: Int = 8, lookups: Int = 2) -> NameTable {
        NameTable(timing: ResolverTiming(), limit: limit, lookupLimit: lookups)
    }

    @Test func aNameIsLookedUpAtOnceAndAgainAfterTheInterval() {
        var state = NameState("gateway", now: seconds(5))
        #expect(state.due == seconds(5))
        state.begin(now: seconds(5))
        #expect(state.due == nil)
        #expect(
            state.finished(.success([address(1, port: 9)]), now: seconds(6), timing: ResolverTiming()) == .addresses
        )
        #expect(state.addresses == [address(1, port: 0)])
        #expect(state.due == seconds(16))
    }

    @Test(arguments: [
        ([1, 2], [2, 1], false), ([1, 2], [1, 2, 2, 1], false), ([1, 2], [1], true), ([1, 2], [1, 3], true),
        ([1], [1, 2], true), ([1], [1], false),
    ])
    func onlyAnotherSetIsAChange(before: [Int], after: [Int], isChange: Bool) {
        var state = NameState("gateway", now: 0)
        state.begin(now: 0)
        #expect(state.finished(.success(before.map { address($0) }), now: 0, timing: ResolverTiming()) == .addresses)
        state.begin(now: 1)
        let change = state.finished(.success(after.map { address($0) }), now: 1, timing: ResolverTiming())
        #expect(change == (isChange ? .addresses : .none))
    }

    @Test func failuresBackOffAndKeepTheAddresses() {
        var state = NameState("gateway", now: 0)
        state.begin(now: 0)
        _ = state.finished(.success([address(1)]), now: 0, timing: ResolverTiming())
        var now = seconds(10)
        for (failures, wait) in [1, 2, 4, 8, 16, 30, 30].enumerated() {
            #expect(state.due == now)
            state.begin(now: now)
            let expected = LookupFailure(
                name: "gateway",
                error: Self.notFound,
                failures: failures + 1,
                keepsAddresses: true,
                retryIn: seconds(Double(wait))
            )
            #expect(state.finished(.failure(Self.notFound), now: now, timing: ResolverTiming()) == .failed(expected))
            now += seconds(Double(wait))
        }
        #expect(state.addresses == [address(1, port: 0)])
        state.begin(now: now)
        #expect(state.finished(.success([address(1)]), now: now, timing: ResolverTiming()) == .none)
        #expect(state.failures == 0)
    }

    @Test func noAddressIsAFailure() {
        var state = NameState("gateway", now: 0)
        state.begin(now: 0)
        guard case .failed(let failure) = state.finished(.success([]), now: 0, timing: ResolverTiming()) else {
            return #expect(Bool(false))
        }
        #expect(failure.error == .noAddress)
        #expect(!failure.keepsAddresses)
    }

    @Test(arguments: [(0.2, 1.0), (0.9, 1.0), (1.0, 1.0), (3.0, 3.0), (9.9, 9.9)])
    func aRefreshIsSoonButAtMostOnceASecond(asked: Double, due: Double) {
        var state = NameState("gateway", now: 0)
        state.begin(now: 0)
        _ = state.finished(.success([address(1)]), now: 0, timing: ResolverTiming())
        state.requestRefresh(now: seconds(asked), timing: ResolverTiming())
        #expect(state.due == seconds(due))
        state.requestRefresh(now: seconds(asked) + 1, timing: ResolverTiming())
        #expect(state.due == seconds(due), "asking again postpones nothing")
    }

    @Test func aRefreshDuringALookupIsThatLookup() {
        var state = NameState("gateway", now: 0)
        state.begin(now: 0)
        state.requestRefresh(now: 5, timing: ResolverTiming())
        #expect(state.isLookingUp)
    }

    @Test func namesBeyondTheLimitAreRefused() {
        var table = Self.table(limit: 2)
        #expect(table.setNames(["a", "b", "a", "c", "d"], now: 0) == ["c", "d"])
        #expect(table.beginNext(now: 0) == "a")
        #expect(table.beginNext(now: 0) == "b")
        #expect(table.beginNext(now: 0) == nil)
    }

    @Test func lookupsAtATimeAreBounded() {
        var table = Self.table(lookups: 2)
        _ = table.setNames(["a", "b", "c"], now: 0)
        #expect(table.beginNext(now: 0) == "a")
        #expect(table.beginNext(now: 0) == "b")
        #expect(table.beginNext(now: 0) == nil)
        #expect(table.nextDue == nil, "nothing to wake for until one ends")
        #expect(table.finished("b", .success([address(1)]), now: 1) == .addresses)
        #expect(table.nextDue == 0)
        #expect(table.beginNext(now: 1) == "c")
    }

    @Test func keptNamesKeepWhatIsKnown() {
        var table = Self.table()
        _ = table.setNames(["a", "b"], now: 0)
        _ = table.beginNext(now: 0)
        _ = table.beginNext(now: 0)
        _ = table.finished("a", .success([address(1)]), now: 0)
        _ = table.setNames(["a", "c"], now: seconds(1))
        #expect(table.finished("b", .success([address(2)]), now: seconds(1)) == .none, "nobody wants it any more")
        let first = table.snapshot()
        #expect(first.addresses(of: "a") == [address(1, port: 0)])
        #expect(first.addresses(of: "b") == nil)
        #expect(first.addresses(of: "c") == nil)
        #expect(table.beginNext(now: seconds(1)) == "c")
        #expect(table.beginNext(now: seconds(1)) == nil)
        #expect(table.nextDue == seconds(10))
        #expect(table.snapshot().version == first.version + 1)
    }
}
