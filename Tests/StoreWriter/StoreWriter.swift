import Glibc
import Store
import Synchronization

/// A program for the tests of `Store` to kill: writes numbered groups of changes and prints the number of each one that is
/// confirmed.
///
///     store-writer DIRECTORY FIRST     groups from FIRST on, for ever
///     store-writer DIRECTORY full      until no file may grow any more, then on with more room
@main
enum StoreWriter {
    /// Groups under way at once: a kill meets transactions of several.
    private static let window = 4

    static func main() {
        let words = CommandLine.arguments
        guard words.count == 3 else { exit(2) }
        do {
            let memory = Memory()
            let store = try StateStore.open(
                directory: words[1],
                now: 0,
                callbacks: StateStore.Callbacks(
                    loaded: memory.add,
                    snapshot: { memory.contents.withLock { $0 } },
                    report: { _ in }
                )
            )
            if let first = Int64(words[2]) {
                writeForEver(store, from: first)
            } else {
                try fill(store, memory)
            }
        } catch {
            say("error: \(error)")
            exit(1)
        }
    }

    private static func writeForEver(_ store: StateStore, from first: Int64) -> Never {
        let underWay = Atomic<Int>(0)
        var number = first
        while true {
            while underWay.load(ordering: .acquiring) >= window { usleep(50) }
            underWay.wrappingAdd(1, ordering: .relaxed)
            let confirmed = number
            store.record(.keyUsed(KeyUseRow(id: "key", usedAt: number, count: number)))
            store.commit(Group.changes(number)) { result in
                if case .success = result { say("\(confirmed)") } else { exit(1) }
                underWay.wrappingSubtract(1, ordering: .releasing)
            }
            number += 1
        }
    }

    /// Prints `full` with the number of groups that fitted, then `goes on` once there is room and memory is in the file.
    private static func fill(_ store: StateStore, _ memory: Memory) throws {
        signal(SIGXFSZ, SIG_IGN)
        var number: Int64 = 0
        do {
            var limit = rlimit(rlim_cur: 256 << 10, rlim_max: rlim_t.max)
            guard unsafe setrlimit(__rlimit_resource_t(1), &limit) == 0 else { exit(3) }
        }
        while true {
            do throws(StoreError) {
                let device = Group.device(number)
                try store.commit([.putDevice(device)])
                memory.contents.withLock { $0.devices.append(device) }
                number += 1
            } catch { break }
        }
        say("full \(number)")
        let late = Group.device(number)
        memory.contents.withLock { $0.devices.append(late) }
        store.record(.putDevice(late))
        var limit = rlimit(rlim_cur: rlim_t.max, rlim_max: rlim_t.max)
        guard unsafe setrlimit(__rlimit_resource_t(1), &limit) == 0 else { exit(3) }
        while store.failure != nil { usleep(1000) }
        say("goes on")
        store.close()
    }

    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
    }
}

/// What the program holds in memory.
private final class Memory: Sendable {
    let contents = Mutex(StoreContents())

    func add(_ found: StoreContents) {
        contents.withLock { $0.devices += found.devices }
    }
}

/// Changes that belong together: all of a group is in the file, or nothing of it.
private enum Group {
    /// Groups that leave something behind; the one before that many is removed.
    static let kept: Int64 = 20

    static func changes(_ number: Int64) -> [StoreChange] {
        var changes: [StoreChange] = [
            .putSession(session(number)), .putDevice(device(number)),
            .audit(AuditRow(time: number, event: "group", actor: "", subject: "", address: "", detail: "")),
            .putDeviceKey(digest(number)),
        ]
        if number >= kept {
            changes.append(.removeSession(digest: digest(number - kept)))
            changes.append(.removeDevice(id: "\(number - kept)"))
        }
        return changes
    }

    private static func digest(_ number: Int64) -> [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 & 7))) }
    }

    private static func session(_ number: Int64) -> SessionRow {
        SessionRow(
            digest: digest(number),
            user: Array("alice".utf8),
            realm: "/etc/postern/htpasswd",
            stamp: UInt64(number),
            device: "\(number)",
            createdAt: number,
            expiresAt: .max,
            idle: 1,
            usedAt: number,
            address: "192.0.2.1",
            agent: String(repeating: "agent ", count: 20)
        )
    }

    static func device(_ number: Int64) -> DeviceRow {
        DeviceRow(
            id: "\(number)",
            user: Array("alice".utf8),
            agent: String(repeating: "agent ", count: 20),
            approvedAt: number,
            approvedBy: "a test",
            usedAt: number,
            address: "192.0.2.1"
        )
    }
}
