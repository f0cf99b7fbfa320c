import Bytes
import Testing

@testable import Access

@Suite struct SessionEndingTests {
    private let table = SessionTable(capacity: 2000)
    private let policy = SessionPolicy(maxConcurrent: 0)

    private func begin(_ login: SessionLogin, now: Int64 = noon) throws -> Begun {
        try #require(Begun(table.begin(login, policy, now: now)))
    }

    @Test func endsByTheIDThatPeopleSee() throws {
        let began = try begin(login())
        _ = try begin(login("bob"))
        let id = try #require(table.record(began.handle)?.id)
        for wrong in ["", "0", String(repeating: "0", count: 16), id + "0", String(id.dropLast()) + "x"] {
            #expect(table.end(id: wrong) == nil, "\(wrong)")
        }
        #expect(table.end(id: id.uppercased())?.user == bytes("alice"))
        #expect(table.end(id: id) == nil)
        #expect(!table.isValid(began.handle, now: noon))
        #expect(table.count == 1)
    }

    @Test(arguments: [1, 63, 64, 65, 300])
    func endsAllOfAUserInEveryRealm(count: Int) throws {
        for index in 0..<count { _ = try begin(login("alice", realm: index % 2 == 0 ? "/one" : "/two")) }
        let bob = try begin(login("bob", realm: "/one"))
        #expect(table.endAll(user: bytes("alice")).count == count)
        #expect(table.endAll(user: bytes("alice")).isEmpty)
        #expect(table.isValid(bob.handle, now: noon))
        #expect(table.count == 1)
    }

    @Test func endsAllOfADevice() throws {
        let (phone, desk) = (DeviceID.random(), DeviceID.random())
        for device in [phone, desk, .none, phone] { _ = try begin(login("alice", device: device)) }
        #expect(table.endAll(device: phone).map(\.device) == [phone, phone])
        #expect(table.endAll(device: .none).isEmpty)
        #expect(table.count == 2)
    }

    @Test func endsWhoseStoredPasswordHasChanged() throws {
        let kept = try begin(login("alice", realm: "/one", stamp: 1))
        _ = try begin(login("alice", realm: "/one", stamp: 2))
        _ = try begin(login("bob", realm: "/one", stamp: 1))
        let other = try begin(login("bob", realm: "/two", stamp: 1))
        let ended = table.retain(realm: table.realmID(of: "/one")) { user, stamp in user.string == "alice" && stamp == 1
        }
        #expect(Set(ended.map { "\(String(decoding: $0.user, as: UTF8.self)) \($0.stamp)" }) == ["alice 2", "bob 1"])
        #expect(table.isValid(kept.handle, now: noon))
        #expect(table.isValid(other.handle, now: noon))
    }

    @Test func tellsTheStoreWhatWasUsed() throws {
        let first = try begin(login("alice"))
        let second = try begin(login("bob"))
        #expect(table.takeUsed().isEmpty)
        #expect(table.use(first.handle, now: noon + 5_000))
        #expect(table.use(second.handle, now: noon + 10))
        let used = table.takeUsed()
        #expect(used.map(\.digest) == [table.record(first.handle)?.digest])
        #expect(used.map(\.usedAt) == [noon + 5_000])
        #expect(table.takeUsed().isEmpty)
        #expect(table.use(second.handle, now: noon + 6_000))
        _ = table.end(second.handle)
        #expect(table.takeUsed().isEmpty)
    }

    @Test func takesUpWhatWasKept() throws {
        let first = try begin(login("alice", stamp: 3, device: DeviceID(high: 1, low: 1)))
        #expect(table.use(first.handle, now: noon + 2_000))
        _ = try begin(login("bob"), now: noon + 1)
        let records = table.list(now: noon)

        let restored = SessionTable(capacity: 2000)
        restored.restore(records, now: noon + 3_000)
        restored.restore(records, now: noon + 3_000)
        #expect(restored.list(now: noon + 3_000) == records)
        let handle = try #require(restored.find(first.token, now: noon + 3_000))
        #expect(restored.userName(handle) == "alice")
        // They count for the limit.
        let next = try #require(
            Begun(restored.begin(login("alice"), SessionPolicy(maxConcurrent: 1), now: noon + 3_000))
        )
        #expect(next.ended == [records[0]])
    }

    @Test func takesUpOnlyWhatStillHolds() throws {
        _ = try begin(login("alice"))
        let good = try #require(table.list(now: noon).first)
        var (over, unused, broken) = (good, good, good)
        over.digest[31] ^= 1
        over.expiresAt = noon + 1_000
        unused.digest[31] ^= 2
        unused.idle = 1_000
        broken.digest.removeLast()
        let restored = SessionTable(capacity: 2)
        restored.restore([over, unused, broken, good], now: noon + 1_000)
        #expect(restored.list(now: noon + 1_000) == [good])
        var (second, third) = (good, good)
        second.digest[0] ^= 1
        third.digest[0] ^= 2
        restored.restore([second, third], now: noon)
        #expect(restored.count == 2)
    }
}
