import Bytes
import Crypto
import Testing

@testable import Access

private func decide(
    _ user: String,
    _ password: String,
    _ table: PasswordTable,
    _ cache: CredentialCache,
    now: UInt64 = 0
) -> PasswordCheck.Decision {
    var credentials = BasicCredentials()
    _ = credentials.parse(bytes(BasicCredentialsTests.basic(user + ":" + password)).span)
    return PasswordCheck.decide(credentials, table, cache, now: now)
}

extension PasswordCheck.Decision {
    fileprivate var isGranted: Bool {
        if case .granted = self { return true }
        return false
    }

    /// Runs the job, if there is one.
    fileprivate func run(now: UInt64 = 0) -> Bool? {
        guard case .needsHash(let job) = self else { return nil }
        var verifier = PasswordVerifier()
        return job.run(&verifier, now: { now })
    }
}

@Suite struct PasswordCheckTests {
    private let table: PasswordTable
    private let cache = CredentialCache(capacity: 100)

    init() throws { table = try parse("alice:\(aliceHash)\nbob:\(bobHash)\nodd:unknown\n").table }

    @Test func hashesOnceThenRemembers() {
        #expect(!decide("alice", "correct horse", table, cache).isGranted)
        #expect(decide("alice", "correct horse", table, cache).run() == true)
        #expect(decide("alice", "correct horse", table, cache).isGranted)
        #expect(cache.statistics.entries == 1)
    }

    @Test(arguments: [
        ("alice", "wrong"), ("alice", ""), ("Alice", "correct horse"), ("carol", "correct horse"),
        ("odd", "correct horse"), ("odd", "unknown"),
    ])
    func refusesAndNeverRemembers(_ user: String, _ password: String) {
        #expect(decide(user, password, table, cache).run() == false)
        #expect(decide(user, password, table, cache).run() == false)
        #expect(cache.statistics.entries == 0)
    }

    @Test func anUnknownUserCannotGuessTheDummy() throws {
        let table = try parse("alice:{PLAIN}secret\n").table
        let dummy = try #require(dummyText(table))
        let password = String(decoding: dummy.dropFirst(7), as: UTF8.self)
        #expect(decide("mallory", password, table, cache).run() == false)
        #expect(decide("mallory", "secret", table, cache).run() == false)
    }

    @Test func aTableOfNobodyRefusesAtOnce() throws {
        let table = try parse("").table
        guard case .refused(.noUsers) = decide("alice", "x", table, cache) else {
            Issue.record("not refused")
            return
        }
    }

    @Test func aChangedFileCountsAtOnce() throws {
        #expect(decide("alice", "correct horse", table, cache).run() == true)
        // Removed, and with the same password hashed anew.
        let without = try parse("bob:\(bobHash)\n").table
        #expect(!decide("alice", "correct horse", without, cache).isGranted)
        let changed = try parse("alice:\(bobHash)\n").table
        #expect(!decide("alice", "correct horse", changed, cache).isGranted)
        #expect(decide("alice", "correct horse", table, cache).isGranted)
    }
}

@Suite struct CredentialCacheTests {
    private func digest(_ cache: CredentialCache, _ user: String, _ stored: String, _ password: String) -> Digest32 {
        cache.digest(user: bytes(user).span, stored: bytes(stored).span, password: bytes(password).span)
    }

    @Test func fieldsDoNotRunIntoEachOther() {
        let cache = CredentialCache(capacity: 10)
        #expect(digest(cache, "a", "b", "c") == digest(cache, "a", "b", "c"))
        #expect(digest(cache, "ab", "", "c") != digest(cache, "a", "b", "c"))
        #expect(digest(cache, "a", "bc", "") != digest(cache, "a", "b", "c"))
        #expect(digest(CredentialCache(capacity: 10), "a", "b", "c") != digest(cache, "a", "b", "c"))
    }

    @Test func entriesExpire() {
        let cache = CredentialCache(capacity: 10, timeToLive: 100)
        let digest = digest(cache, "a", "b", "c")
        #expect(!cache.contains(digest, now: 0))
        cache.insert(digest, now: 1000)
        #expect(cache.contains(digest, now: 1099))
        #expect(!cache.contains(digest, now: 1100))
        #expect(cache.statistics.entries == 0)
        cache.insert(digest, now: 1100)
        cache.insert(digest, now: 1150)
        #expect(cache.contains(digest, now: 1249))
    }

    @Test func theLeastRecentlyUsedGoFirst() {
        let cache = CredentialCache(capacity: 3)
        let digests = (0..<4).map { digest(cache, "user\($0)", "x", "y") }
        for index in 0..<3 { cache.insert(digests[index], now: 0) }
        #expect(cache.contains(digests[0], now: 0))
        cache.insert(digests[3], now: 0)
        #expect([0, 1, 2, 3].map { cache.contains(digests[$0], now: 0) } == [true, false, true, true])
        #expect(cache.statistics == (3, 4, 1))
    }

    @Test func aFloodStaysInBounds() {
        let cache = CredentialCache(capacity: 2000)
        for index in 0..<10_000 { cache.insert(digest(cache, "user\(index)", "x", "y"), now: 0) }
        #expect(cache.statistics.entries <= cache.capacity)
        #expect(cache.statistics.entries > cache.capacity * 9 / 10)
    }
}
