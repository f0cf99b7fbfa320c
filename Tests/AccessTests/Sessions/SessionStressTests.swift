import Bytes
import Synchronization
import Testing

@testable import Access

@Suite struct SessionStressTests {
    /// Loops and the control socket at once, on few slots so that they are taken again all the time.
    @Test func holdsTogetherUnderAllAtOnce() async {
        let table = SessionTable(capacity: 1024)
        let policy = SessionPolicy(timeout: 5_000, idle: 0, maxConcurrent: 4)
        let wrong = Atomic<Int>(0)
        let clock = Atomic<Int64>(noon)
        await withTaskGroup(of: Void.self) { group in
            for loop in 0..<4 {
                group.addTask {
                    var buffer = ByteBuffer(capacity: 64)
                    var stale = SessionHandle.none
                    for round in 0..<600 {
                        let now = clock.wrappingAdd(5, ordering: .relaxed).newValue
                        let name = "user\(loop)-\(round % 7)"
                        guard let began = Begun(table.begin(login(name), policy, now: now)) else { continue }
                        if let found = table.find(began.token, now: now) {
                            buffer.clear()
                            if table.appendUser(found, to: &buffer), buffer.readable.string != name {
                                wrong.wrappingAdd(1, ordering: .relaxed)
                            }
                            _ = table.use(found, now: now + 1_500)
                        }
                        if round % 3 == 0 { _ = table.end(began.handle) }
                        if round % 3 == 0, table.isValid(began.handle, now: now) { wrong.wrappingAdd(1, ordering: .relaxed) }
                        // Of another user's slot by now, or of none.
                        if stale != .none, table.use(stale, now: now + 1_000_000) { wrong.wrappingAdd(1, ordering: .relaxed) }
                        stale = began.handle
                    }
                }
            }
            group.addTask {
                for round in 0..<60 {
                    let now = clock.load(ordering: .relaxed)
                    for record in table.list(now: now) where !record.user.starts(with: bytes("user")) {
                        wrong.wrappingAdd(1, ordering: .relaxed)
                    }
                    _ = table.takeUsed()
                    _ = table.sweep(now: now)
                    _ = table.retain(realm: 0) { user, _ in user.count > 0 && user[user.count - 1] != 0x36 }
                    _ = table.endAll(user: bytes("user\(round % 4)-1"))
                    _ = table.list(now: now).first.flatMap { table.end(id: $0.id) }
                }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        let now = clock.load(ordering: .relaxed)
        #expect(table.sweep(now: now + 1_000_000).count > 0)
        #expect(table.count == 0)
        #expect(table.list(now: now).isEmpty)
    }
}
