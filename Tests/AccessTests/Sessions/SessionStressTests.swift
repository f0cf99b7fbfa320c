import Bytes
import Synchronization
import Testing

@testable import Access

/// What all tasks of the test share.
private final class Shared: Sendable {
    let table = SessionTable(capacity: 1024)
    let policy = SessionPolicy(timeout: 5_000, idle: 0, maxConcurrent: 4)
    private let clock = Atomic<Int64>(noon)
    private let faults = Atomic<Int>(0)

    var now: Int64 { clock.load(ordering: .relaxed) }
    var wrong: Int { faults.load(ordering: .relaxed) }
    func tick() -> Int64 { clock.wrappingAdd(5, ordering: .relaxed).newValue }
    func expect(_ isRight: Bool) { if !isRight { faults.wrappingAdd(1, ordering: .relaxed) } }

    /// What a loop does: logins, look-ups, uses.
    func runLoop(_ loop: Int) {
        var buffer = ByteBuffer(capacity: 64)
        var stale = SessionHandle.none
        for round in 0..<600 {
            let now = tick()
            let name = "user\(loop)-\(round % 7)"
            guard let began = Begun(table.begin(login(name), policy, now: now)) else {
                expect(false)
                continue
            }
            if let found = table.find(began.token, now: now) {
                buffer.clear()
                expect(!table.appendUser(found, to: &buffer) || buffer.readable.string == name)
                _ = table.use(found, now: now + 1_500)
            }
            if round % 3 == 0 {
                _ = table.end(began.handle)
                expect(!table.isValid(began.handle, now: now))
            }
            // By now over, or its slot another's.
            expect(!table.use(stale, now: now + 1_000_000))
            stale = began.handle
        }
    }

    /// What the control socket and the store do.
    func runControl() {
        for round in 0..<60 {
            for record in table.list(now: now) { expect(record.user.starts(with: bytes("user"))) }
            _ = table.takeUsed()
            _ = table.sweep(now: now)
            _ = table.retain(realm: 0) { user, _ in user.count > 0 && user[user.count - 1] != 0x36 }
            _ = table.endAll(user: bytes("user\(round % 4)-1"))
            _ = table.list(now: now).first.flatMap { table.end(id: $0.id) }
        }
    }
}

@Suite struct SessionStressTests {
    /// Loops and the control socket at once, on few slots so that they are taken again all the time.
    @Test func holdsTogetherUnderAllAtOnce() async {
        let shared = Shared()
        await withTaskGroup(of: Void.self) { group in
            for loop in 0..<4 { group.addTask { shared.runLoop(loop) } }
            group.addTask { shared.runControl() }
        }
        #expect(shared.wrong == 0)
        let now = shared.now
        #expect(Begun(shared.table.begin(login("last"), shared.policy, now: now)) != nil)
        #expect(shared.table.sweep(now: now + 1_000_000).last?.user != nil)
        #expect(shared.table.count == 0)
        #expect(shared.table.list(now: now).isEmpty)
    }
}
