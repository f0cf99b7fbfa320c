import Bytes
import Testing

@testable import Access

@Suite struct SessionLimitTests {
    private let table = SessionTable(capacity: 8)

    private func begin(_ login: SessionLogin, _ policy: SessionPolicy, now: Int64 = noon) throws -> Begun {
        try #require(Begun(table.begin(login, policy, now: now)))
    }

    @Test func endsTheLeastRecentlyUsed() throws {
        let policy = SessionPolicy(maxConcurrent: 3)
        let first = try begin(login(), policy, now: noon)
        let second = try begin(login(), policy, now: noon + 1)
        let third = try begin(login(), policy, now: noon + 2)
        #expect(table.use(first.handle, now: noon + 2_000))
        let fourth = try begin(login(), policy, now: noon + 2_001)
        #expect(fourth.ended.map(\.createdAt) == [noon + 1])
        #expect(!table.isValid(second.handle, now: noon + 2_001))
        // Used at the same time: the one begun first goes.
        #expect(table.use(third.handle, now: noon + 2_000))
        let fifth = try begin(login(), policy, now: noon + 2_002)
        #expect(fifth.ended.map(\.createdAt) == [noon])
        #expect(table.count == 3)
    }

    @Test func endsSeveralWhenThePolicyBecameStricter() throws {
        for index in 0..<5 { _ = try begin(login(), SessionPolicy(maxConcurrent: 5), now: noon + Int64(index)) }
        let last = try begin(login(), SessionPolicy(maxConcurrent: 2), now: noon + 10)
        #expect(last.ended.map(\.createdAt) == [noon, noon + 1, noon + 2, noon + 3])
        #expect(table.list(now: noon + 10).map(\.createdAt) == [noon + 4, noon + 10])
    }

    @Test func refusesInsteadWhenToldTo() throws {
        let policy = SessionPolicy(timeout: 1000, maxConcurrent: 2, evictsOldest: false)
        let first = try begin(login(), policy)
        _ = try begin(login(), policy, now: noon + 500)
        #expect(table.begin(login(), policy, now: noon + 999) == .refused(.tooMany))
        #expect(table.isValid(first.handle, now: noon + 999))
        // What is over doesn't count, swept or not.
        _ = try begin(login(), policy, now: noon + 1_000)
        #expect(table.begin(login(), policy, now: noon + 1_000) == .refused(.tooMany))
    }

    @Test func countsUsersAndRealmsApart() throws {
        let policy = SessionPolicy(maxConcurrent: 1)
        _ = try begin(login("alice"), policy)
        #expect(try begin(login("bob"), policy).ended.isEmpty)
        #expect(try begin(login("alice", realm: "/other"), policy).ended.isEmpty)
        #expect(try begin(login("alice"), policy).ended.count == 1)
        #expect(table.count == 3)
    }

    @Test func zeroIsNoLimitButTheTables() throws {
        for _ in 0..<8 { #expect(try begin(login(), SessionPolicy(maxConcurrent: 0)).ended.isEmpty) }
        #expect(table.begin(login(), SessionPolicy(maxConcurrent: 0), now: noon) == .refused(.full))
        #expect(table.begin(login("bob"), SessionPolicy(), now: noon) == .refused(.full))
        // One who makes room by a limit of their own gets it.
        #expect(try begin(login(), SessionPolicy(maxConcurrent: 8)).ended.count == 1)
    }

    @Test func refusesNamesThatAreTooLong() throws {
        let longest = String(repeating: "x", count: 1024)
        #expect(table.begin(login(longest + "x"), SessionPolicy(), now: noon) == .refused(.longName))
        #expect(table.userName(try begin(login(longest), SessionPolicy()).handle) == longest)
    }
}
