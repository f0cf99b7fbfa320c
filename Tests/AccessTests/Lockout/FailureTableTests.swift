import Bytes
import Limits
import Testing

@testable import Access

private func place(_ number: UInt32) -> LimitKey { LimitKey(ipv4: 0xC000_0200 + number) }

@Suite struct FailureTableTests {
    private let table = FailureTable(capacity: 64)
    private let policy = FailurePolicy(count: 3, window: 60_000, lock: 300_000)

    @discardableResult
    private func fail(_ from: UInt32, _ user: String = "", now: Int64 = noon) -> NewLocks {
        table.failed(place: place(from), user: bytes(user).span, policy, now: now)
    }

    private func check(_ from: UInt32, _ user: String = "", device: Bool = false, now: Int64 = noon) -> LockState {
        table.check(place: place(from), user: bytes(user).span, isKnownDevice: device, now: now)
    }

    @Test func locksAnAddressForAllUsers() {
        #expect(fail(1, "alice") == NewLocks())
        #expect(fail(1, "bob") == NewLocks())
        #expect(check(1) == .open)
        #expect(fail(1, "carol") == NewLocks(place: true))
        for user in ["", "alice", "dave"] {
            #expect(check(1, user) == .locked(seconds: 300), "\(user)")
            #expect(check(1, user, device: true) == .locked(seconds: 300), "\(user)")
        }
        #expect(check(2, "alice") == .open)
    }

    @Test func locksAUserForStrangersOnly() {
        table.succeeded(place: place(9), user: bytes("alice").span)
        for from in 1...2 as ClosedRange<UInt32> { #expect(fail(from, "alice") == NewLocks()) }
        #expect(fail(3, "alice") == NewLocks(user: true))
        #expect(check(4, "alice") == .locked(seconds: 300))
        #expect(check(4, "alice", device: true) == .open)
        #expect(check(9, "alice") == .open)
        #expect(check(4, "bob") == .open)
        #expect(check(4) == .open)
    }

    @Test func countsUsersThatDoNotExistTheSame() {
        for from in 1...3 as ClosedRange<UInt32> { fail(from, "nobody such") }
        #expect(check(4, "nobody such") == .locked(seconds: 300))
    }

    @Test func knowsTheLastFourPlacesOfAUser() {
        for from in [1, 2, 3, 4, 1, 5] as [UInt32] { table.succeeded(place: place(from), user: bytes("alice").span) }
        for from in 11...13 as ClosedRange<UInt32> { fail(from, "alice") }
        for from in [1, 3, 4, 5] as [UInt32] { #expect(check(from, "alice") == .open, "\(from)") }
        #expect(check(2, "alice") == .locked(seconds: 300))
        // The unspecified address is no place that anybody knows.
        let nowhere = LimitKey(high: 0, low: 0)
        let state = table.check(place: nowhere, user: bytes("alice").span, isKnownDevice: false, now: noon)
        #expect(state != .open)
    }

    @Test func theLockEndsToTheMillisecond() {
        for _ in 0..<3 { fail(1) }
        #expect(check(1, now: noon + 1) == .locked(seconds: 300))
        #expect(check(1, now: noon + 299_000) == .locked(seconds: 1))
        #expect(check(1, now: noon + 299_999) == .locked(seconds: 1))
        #expect(check(1, now: noon + 300_000) == .open)
        // And counts from nothing again.
        #expect(fail(1, now: noon + 300_000) == NewLocks())
        #expect(fail(1, now: noon + 300_001) == NewLocks())
        #expect(fail(1, now: noon + 300_002) == NewLocks(place: true))
    }

    @Test func failuresUnderALockDoNotProlongIt() {
        for _ in 0..<3 { fail(1) }
        #expect(fail(1, now: noon + 200_000) == NewLocks())
        #expect(check(1, now: noon + 300_000) == .open)
    }

    @Test func forgetsFailuresAfterTheWindow() {
        fail(1, now: noon)
        fail(1, now: noon + 59_999)
        #expect(fail(1, now: noon + 60_000) == NewLocks())
        #expect(fail(1, now: noon + 60_001) == NewLocks())
        #expect(fail(1, now: noon + 119_999) == NewLocks(place: true))
    }

    @Test func aSuccessTakesNothingBack() {
        fail(1, "alice")
        fail(1, "alice")
        table.succeeded(place: place(1), user: bytes("alice").span)
        #expect(fail(1, "alice") == NewLocks(place: true, user: true))
    }

    @Test func listsAndClears() {
        for _ in 0..<3 { fail(1) }
        for from in 2...4 as ClosedRange<UInt32> { fail(from, "alice", now: noon + 1) }
        let six = LimitKey(ipv6: (0x2001_0DB8_0000_0001, 5))
        for _ in 0..<3 { _ = table.failed(place: six, user: bytes("").span, policy, now: noon + 2) }
        fail(9, "bob")
        #expect(
            table.list(now: noon + 2) == [
                LockRecord(kind: .address, subject: "192.0.2.1", until: noon + 300_000, failures: 3),
                LockRecord(kind: .address, subject: "2001:db8:0:1::/64", until: noon + 300_002, failures: 3),
                LockRecord(kind: .user, subject: "alice", until: noon + 300_001, failures: 3),
            ]
        )
        #expect(table.list(now: noon + 300_001).count == 1)
        #expect(table.clear("192.0.2.77", now: noon + 2) == 0)
        #expect(table.clear("bob", now: noon + 2) == 0)
        #expect(table.clear("192.0.2.1", now: noon + 2) == 1)
        #expect(check(1) == .open)
        #expect(table.clear("2001:db8:0:1::1234", now: noon + 2) == 1)
        #expect(table.clear("2001:db8:0:1::/64", now: noon + 2) == 0)
        #expect(table.clear(nil, now: noon + 2) == 1)
        #expect(table.list(now: noon + 2).isEmpty)
        #expect(check(20, "alice") == .open)
        // What was cleared counts from nothing.
        #expect(fail(1) == NewLocks())
    }

    @Test func aFloodOfNamesAndAddressesPushesOutTheLeastRecentlyCounted() {
        table.succeeded(place: place(250), user: bytes("alice").span)
        for from in 1...3 as ClosedRange<UInt32> { fail(from, "alice") }
        for index in 0..<64 { fail(UInt32(100 + index), "made up \(index)") }
        // Its lock is gone, but not where it is at home.
        #expect(check(4, "alice") == .open)
        for from in 1...3 as ClosedRange<UInt32> { fail(from, "alice") }
        #expect(check(4, "alice") != .open)
        #expect(check(250, "alice") == .open)
    }

    @Test func keepsTheStartOfALongName() {
        let name = String(repeating: "n", count: 100)
        for from in 1...3 as ClosedRange<UInt32> { fail(from, name) }
        #expect(table.list(now: noon).map(\.subject) == [String(repeating: "n", count: 64)])
        #expect(table.clear(name, now: noon) == 1)
    }
}
