import Limits
import Testing

@testable import Access

private func id(_ number: UInt64) -> DeviceID { DeviceID(high: number << 32, low: number) }

@Suite struct DeviceTableTests {
    private let table = DeviceTable(capacity: 4)
    private let policy = DevicePolicy(timeout: 10_000, maxPending: 3)

    private func request(
        _ number: UInt64,
        user: String = "alice",
        agent: String = "Opera",
        place: UInt32 = 1,
        hadCookie: Bool = true,
        _ policy: DevicePolicy? = nil,
        now: Int64 = noon
    ) -> (result: DeviceRequest, ended: [PendingDevice]) {
        table.request(
            id(number),
            user: bytes(user),
            agent: agent,
            address: "192.0.2.\(place)",
            place: LimitKey(ipv4: place),
            hadCookie: hadCookie,
            policy ?? self.policy,
            now: now
        )
    }

    private func code(_ result: DeviceRequest) throws -> String {
        guard case .pending(let device) = result else { throw Unexpected() }
        return device.code
    }

    private func state(_ number: UInt64, user: String = "alice", now: Int64 = noon) -> DeviceState {
        table.state(id(number), user: bytes(user).span, now: now)
    }

    private func isApproved(_ number: UInt64, user: String = "alice", in other: DeviceTable? = nil) -> Bool {
        (other ?? table).isApproved(id(number), user: bytes(user).span)
    }

    private struct Unexpected: Error {}

    @Test func waitsUntilItIsLetIn() throws {
        #expect(state(1) == .unknown)
        let code = try code(request(1).result)
        #expect(state(1) == .pending(code: code, until: noon + policy.timeout))
        #expect(try self.code(request(1, now: noon + 9_999).result) == code)
        #expect(!isApproved(1))
        guard case .approved(let record) = table.approve(code: code.lowercased(), by: "root", now: noon + 5) else {
            throw Unexpected()
        }
        #expect(record.approvedBy == "root")
        #expect(record.approvedAt == noon + 5)
        #expect(record.address == "192.0.2.1")
        #expect(isApproved(1))
        #expect(state(1) == .approved)
        #expect(request(1).result == .known)
        #expect(table.listPending(now: noon).isEmpty)
        #expect(table.list() == [record])
        #expect(table.approve(code: code, by: "root", now: noon + 6) == .unknownCode)
    }

    @Test func isLetInForOneUserOnly() throws {
        _ = table.approve(code: try code(request(1).result), by: "root", now: noon)
        #expect(!isApproved(1, user: "bob"))
        _ = table.approve(code: try code(request(1, user: "bob").result), by: "root", now: noon)
        #expect(isApproved(1, user: "bob"))
        #expect(table.remove(id(1).hexadecimal).count == 2)
        #expect(!isApproved(1))
        #expect(!isApproved(1, user: "bob"))
    }

    @Test func anApprovalThatIsTakenBackLeavesThatOfAnotherUser() throws {
        _ = table.approve(code: try code(request(1).result), by: "root", now: noon)
        guard
            case .approved(let record) = table.approve(
                code: try code(request(1, user: "bob").result),
                by: "root",
                now: noon
            )
        else { throw Unexpected() }
        table.withdraw(record)
        #expect(isApproved(1))
        #expect(!isApproved(1, user: "bob"))
        #expect(table.count == 1)
    }

    @Test func expiresToTheMillisecond() throws {
        let code = try code(request(1).result)
        #expect(state(1, now: noon + 9_999) == .pending(code: code, until: noon + 10_000))
        #expect(state(1, now: noon + 10_000) == .unknown)
        #expect(table.listPending(now: noon + 10_000).isEmpty)
        #expect(table.approve(code: code, by: "root", now: noon + 10_000) == .unknownCode)
        #expect(table.reject(code: code, now: noon + 10_000) == nil)
        #expect(table.sweep(now: noon + 9_999).isEmpty)
        #expect(table.sweep(now: noon + 10_000).map(\.code) == [code])
        #expect(table.sweep(now: noon + 10_000).isEmpty)
    }

    @Test func isRejected() throws {
        let code = try code(request(1).result)
        #expect(table.reject(code: "AAAA-AAAA", now: noon) == nil)
        #expect(table.reject(code: "what?", now: noon) == nil)
        #expect(table.reject(code: code, now: noon)?.id == id(1))
        #expect(state(1) == .unknown)
        _ = request(2)
        _ = request(3)
        #expect(table.clearPending(now: noon).map(\.id) == [id(2), id(3)])
    }

    @Test func theOneThatWaitsLongestIsRefusedForTheFourth() {
        for number in 1...3 as ClosedRange<UInt64> { #expect(request(number).ended.isEmpty) }
        #expect(request(4).ended.map(\.id) == [id(1)])
        #expect(state(1) == .unknown)
        // What has expired makes room first.
        #expect(request(5, now: noon + 10_000).ended.map(\.id) == [id(2), id(3), id(4)])
    }

    private func isRefused(_ number: UInt64, user: String = "alice", now: Int64 = noon) -> Bool {
        table.takeRefusal(id(number), user: bytes(user).span, now: now)
    }

    @Test func learnsOnceThatItWasRefused() throws {
        #expect(!isRefused(1))
        // Rejected.
        let code = try code(request(1).result)
        #expect(!isRefused(1))
        _ = table.reject(code: code, now: noon)
        #expect(!isRefused(1, user: "bob"))
        #expect(isRefused(1))
        #expect(!isRefused(1))
        // Cleared away.
        _ = request(2)
        _ = table.clearPending(now: noon)
        #expect(isRefused(2))
        // Pushed out.
        for number in 3...6 as ClosedRange<UInt64> { _ = request(number) }
        #expect(isRefused(3))
        #expect(!isRefused(4))
        // Expired, whether it asks before the sweep or after it.
        #expect(isRefused(4, now: noon + 10_000))
        #expect(!isRefused(4, now: noon + 10_000))
        _ = table.sweep(now: noon + 10_000)
        #expect(!isRefused(4, now: noon + 10_000))
        #expect(isRefused(5, now: noon + 10_000))
        // Remembered for five minutes.
        #expect(!isRefused(6, now: noon + 310_000))
    }

    @Test func forgetsThatItWasRefusedWhenItAsksAgain() throws {
        _ = table.reject(code: try code(request(1).result), now: noon)
        _ = request(1)
        #expect(!isRefused(1))
        _ = table.approve(code: try code(request(1).result), by: "root", now: noon)
        #expect(!isRefused(1))
        // What is forgotten isn't kept for ever: at the most so many.
        for number in 10...1200 as ClosedRange<UInt64> { _ = request(number) }
        #expect(!isRefused(10))
        #expect(isRefused(1197))
    }

    @Test func aClientWithoutCookiesTakesItsOwnPlaceAgain() {
        _ = request(1)
        #expect(request(2, hadCookie: false).ended.isEmpty)
        #expect(request(3, hadCookie: false).ended.map(\.id) == [id(2)])
        #expect(request(4, agent: "curl", hadCookie: false).ended.isEmpty)
        #expect(table.listPending(now: noon).map(\.id) == [id(1), id(3), id(4)])
        _ = table.clearPending(now: noon)
        _ = request(5, place: 1, hadCookie: false)
        _ = request(6, place: 2, hadCookie: false)
        _ = request(7, user: "bob", place: 1, hadCookie: false)
        #expect(table.listPending(now: noon).map(\.id) == [id(5), id(6), id(7)])
        // Its page has come back with the cookie: it is no stranger's to push out.
        #expect(state(5) != .unknown)
        #expect(request(8, place: 1, hadCookie: false).ended.map(\.id) == [id(5)], "by the bound alone")
        #expect(request(9, place: 1, hadCookie: false).ended.map(\.id) == [id(8)])
        #expect(state(9) != .unknown)
        #expect(request(10, place: 1, hadCookie: false).ended.map(\.id) == [id(6)])
    }

    @Test func approvesByItselfWhenToldTo() throws {
        let policy = DevicePolicy(autoApproves: true)
        _ = request(1)
        let (result, ended) = request(1, policy)
        guard case .approved(let record) = result else { throw Unexpected() }
        #expect(record.approvedBy == "auto")
        #expect(ended.map(\.id) == [id(1)])
        #expect(isApproved(1))
        for number in 2...4 as ClosedRange<UInt64> { _ = request(number, policy) }
        #expect(request(5, policy).result == .full)
        #expect(!isApproved(5))
        let code = try code(request(5).result)
        #expect(table.approve(code: code, by: "root", now: noon) == .full)
        // It goes on waiting, for room.
        #expect(table.remove(id(2).hexadecimal).count == 1)
        guard case .approved = table.approve(code: code, by: "root", now: noon) else { throw Unexpected() }
    }

    @Test func isRemovedByTheStartOfItsID() {
        let record = { (high: UInt64) in
            DeviceRecord(
                id: DeviceID(high: high, low: 1),
                user: bytes("alice"),
                agent: "",
                approvedAt: noon,
                approvedBy: "root",
                usedAt: noon,
                address: ""
            )
        }
        table.restore([record(0xAABB_CCDD_1100_0000), record(0xAABB_CCDD_2200_0000), record(0x1122_3344_0000_0000)])
        for wrong in ["", "1122334", "aabbccdd", "99999999", "zzzzzzzz", String(repeating: "1", count: 33)] {
            #expect(table.remove(wrong).isEmpty, "\(wrong)")
        }
        #expect(table.remove("AABBCCDD1").map(\.id.high) == [0xAABB_CCDD_1100_0000])
        #expect(table.remove("aabbccdd").map(\.id.high) == [0xAABB_CCDD_2200_0000])
        #expect(table.remove("11223344").count == 1)
        #expect(table.list().isEmpty)
    }

    @Test func notesItsUseOnceAMinute() throws {
        _ = request(1, DevicePolicy(autoApproves: true))
        let use = { (time: Int64, address: String) in
            table.use(id(1), user: bytes("alice").span, now: time) { address }
        }
        use(noon + 59_999, "192.0.2.7")
        table.use(id(2), user: bytes("alice").span, now: noon + 80_000) {
            Issue.record("asked for the address of a device that isn't let in")
            return ""
        }
        #expect(table.takeUsed().isEmpty)
        use(noon + 60_000, "192.0.2.9")
        let used = table.takeUsed()
        #expect(used.map(\.usedAt) == [noon + 60_000])
        #expect(used.map(\.address) == ["192.0.2.9"])
        #expect(used == table.list())
        #expect(table.takeUsed().isEmpty)
    }

    @Test func takesUpWhatWasKept() {
        _ = request(1, DevicePolicy(autoApproves: true))
        _ = request(2, user: "bob", DevicePolicy(autoApproves: true), now: noon + 1)
        let restored = DeviceTable(capacity: 4)
        restored.restore(table.list())
        #expect(restored.list() == table.list())
        #expect(isApproved(1, in: restored))
        #expect(!isApproved(1, user: "bob", in: restored))
    }
}
