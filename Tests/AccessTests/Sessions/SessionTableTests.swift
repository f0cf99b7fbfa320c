import Bytes
import Crypto
import Testing

@testable import Access

@Suite struct SessionTableTests {
    private let table = SessionTable(capacity: 64)
    private let policy = SessionPolicy(timeout: 10_000, idle: 3_200, maxConcurrent: 3)

    private func begin(_ login: SessionLogin, _ policy: SessionPolicy? = nil, now: Int64 = noon) throws -> Begun {
        try #require(Begun(table.begin(login, policy ?? self.policy, now: now)))
    }

    @Test func findsWhatBeganByItsTokenAlone() throws {
        let alice = try begin(login("alice"))
        let bob = try begin(login("bob", stamp: 9, device: DeviceID(high: 1, low: 2)))
        #expect(alice.token.count == 43)
        #expect(Base64.decode(String(decoding: alice.token, as: UTF8.self), alphabet: .url)?.count == 32)
        #expect(alice.token != bob.token)
        #expect(table.find(alice.token, now: noon) == alice.handle)
        #expect(table.find(bob.token, now: noon) == bob.handle)
        #expect(table.userName(alice.handle) == "alice")
        #expect(table.userName(bob.handle) == "bob")
        let facts = try #require(table.facts(bob.handle))
        #expect(facts.realm == table.realmID(of: "/etc/htpasswd"))
        #expect(facts.device == DeviceID(high: 1, low: 2))
        #expect(facts.stamp == 9)
        #expect(table.count == 2)
    }

    @Test func findsNothingElse() throws {
        let began = try begin(login())
        var wrong = began.token
        wrong[42] ^= 1
        #expect(table.find(wrong, now: noon) == nil)
        #expect(table.find([], now: noon) == nil)
        #expect(table.find(began.token + [0x3D], now: noon) == nil)
        #expect(table.find(Array(began.token.dropLast()), now: noon) == nil)
        #expect(!table.use(.none, now: noon))
        #expect(!table.use(SessionHandle(slot: .max, generation: 1), now: noon))
        #expect(!table.use(SessionHandle(slot: began.handle.slot + 1, generation: 1), now: noon))
        #expect(table.facts(.none) == nil)
        #expect(table.record(.none) == nil)
        #expect(table.end(.none) == nil)
    }

    @Test func keepsAllOfARecordButTheToken() throws {
        let device = DeviceID(high: 5, low: 6)
        let began = try begin(login("alice", device: device, address: "2001:db8::1", agent: "Opera"))
        let digest = SHA256.hash(began.token.span)
        let record = try #require(table.record(began.handle))
        #expect(
            record
                == SessionRecord(
                    digest: Hexadecimal.decode(bytes(digest.hexadecimal).span)!,
                    user: bytes("alice"),
                    realm: "/etc/htpasswd",
                    stamp: 7,
                    device: device,
                    createdAt: noon,
                    expiresAt: noon + 10_000,
                    idle: 3_200,
                    usedAt: noon,
                    address: "2001:db8::1",
                    agent: "Opera"
                )
        )
        #expect(record.id == String(digest.hexadecimal.prefix(16)))
    }

    @Test(arguments: [
        (String(repeating: "a", count: 127) + "é", String(repeating: "a", count: 127)),
        (String(repeating: "a", count: 126) + "é!", String(repeating: "a", count: 126) + "é"),
        (String(repeating: "😀", count: 33), String(repeating: "😀", count: 32)),
        ("", ""),
    ])
    func cutsTheAgentBetweenCharacters(agent: String, kept: String) throws {
        let began = try begin(login(address: String(repeating: "1", count: 300), agent: agent))
        let record = try #require(table.record(began.handle))
        #expect(record.agent == kept)
        #expect(record.address == String(repeating: "1", count: 64))
    }

    // MARK: Time

    @Test func endsAtItsTimeToTheMillisecond() throws {
        let began = try begin(login(), SessionPolicy(timeout: 10_000, idle: 0))
        #expect(table.use(began.handle, now: noon + 9_999))
        #expect(table.find(began.token, now: noon + 9_999) == began.handle)
        #expect(!table.use(began.handle, now: noon + 10_000))
        #expect(!table.isValid(began.handle, now: noon + 10_000))
        #expect(table.find(began.token, now: noon + 10_000) == nil)
    }

    @Test func endsWithoutUseToTheMillisecond() throws {
        let began = try begin(login())
        #expect(table.isValid(began.handle, now: noon + 3_199))
        #expect(!table.isValid(began.handle, now: noon + 3_200))
        // Neither finding nor asking is a use.
        #expect(table.find(began.token, now: noon + 3_000) != nil)
        #expect(!table.isValid(began.handle, now: noon + 3_200))
        #expect(table.use(began.handle, now: noon + 3_000))
        #expect(table.isValid(began.handle, now: noon + 6_199))
        #expect(!table.use(began.handle, now: noon + 6_200))
        #expect(table.find(began.token, now: noon + 6_200) == nil)
    }

    @Test func neverOutlivesItsTimeHoweverMuchItIsUsed() throws {
        let began = try begin(login())
        for time in stride(from: noon, to: noon + 10_000, by: 500) { #expect(table.use(began.handle, now: time)) }
        #expect(!table.use(began.handle, now: noon + 10_000))
    }

    @Test(arguments: [(Int64(0), Int64(1000)), (3_200, 100), (1_800_000, 1000)])
    func notesAUseOnceInAWhile(idle: Int64, grain: Int64) throws {
        let began = try begin(login(), SessionPolicy(timeout: 7_200_000, idle: idle))
        #expect(table.use(began.handle, now: noon + grain - 1))
        #expect(table.record(began.handle)?.usedAt == noon)
        #expect(table.use(began.handle, now: noon + grain))
        #expect(table.record(began.handle)?.usedAt == noon + grain)
    }

    @Test func aTimeThatNoClockReachesIsForever() throws {
        let began = try begin(login(), SessionPolicy(timeout: .max, idle: .max))
        #expect(table.use(began.handle, now: noon + 1 << 50))
    }

    @Test func sweepsWhatIsOver() throws {
        let first = try begin(login("alice"))
        let second = try begin(login("bob"), now: noon + 1_000)
        #expect(table.sweep(now: noon + 3_199).isEmpty)
        #expect(table.sweep(now: noon + 3_200).map(\.user) == [bytes("alice")])
        #expect(table.sweep(now: noon + 3_200).isEmpty)
        #expect(table.count == 1)
        #expect(!table.isValid(first.handle, now: noon))
        #expect(table.isValid(second.handle, now: noon + 3_200))
    }

    // MARK: Handles

    @Test func aSlotTakenAgainIsAnotherSession() throws {
        let first = try begin(login("alice"))
        #expect(table.end(first.handle)?.user == bytes("alice"))
        #expect(table.end(first.handle) == nil)
        let second = try begin(login("bob"))
        #expect(second.handle.slot == first.handle.slot)
        #expect(!table.use(first.handle, now: noon))
        #expect(table.userName(first.handle) == nil)
        #expect(table.find(first.token, now: noon) == nil)
        #expect(table.end(first.handle) == nil)
        #expect(table.userName(second.handle) == "bob")
        #expect(table.use(second.handle, now: noon))
    }

    @Test func listsWhatLivesInOrder() throws {
        _ = try begin(login("carol"), now: noon + 2)
        _ = try begin(login("alice"), now: noon)
        _ = try begin(login("bob"), now: noon + 1)
        #expect(table.list(now: noon + 3).map(\.user) == [bytes("alice"), bytes("bob"), bytes("carol")])
        #expect(table.list(now: noon + 3_201).map(\.user) == [bytes("carol")])
    }
}
