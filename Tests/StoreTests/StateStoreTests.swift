import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Store

@Suite struct StateStoreTests {
    /// What a store was told and told.
    private final class Owner: Sendable {
        let memory = Mutex(StoreContents())
        let reports = Mutex<[StoreError?]>([])
        let loaded = Mutex<StoreContents?>(nil)

        func open(_ path: String, now: Int64 = 0) throws -> StateStore {
            try StateStore.open(
                directory: path,
                now: now,
                callbacks: StateStore.Callbacks(
                    loaded: { contents in
                        self.loaded.withLock { loaded in
                            #expect(loaded == nil)
                            loaded = contents
                        }
                        self.memory.withLock { memory in
                            memory.sessions += contents.sessions
                            memory.devices += contents.devices
                        }
                    },
                    snapshot: { self.memory.withLock { $0 } },
                    report: { failure in self.reports.withLock { $0.append(failure) } }
                )
            )
        }
    }

    private let directory: TemporaryDirectory
    private let owner = Owner()
    private var path: String { directory.path("state") }
    private var file: String { path + "/state.db" }

    init() throws { directory = try TemporaryDirectory() }

    private func contents() throws -> StoreContents { try StoreFile.open(path: file).contents(now: 0) }

    @Test func aRecordedChangeFollowsByItself() throws {
        let store = try owner.open(path)
        store.record(.putDevice(StoreFileTests.device("d")))
        let file = file
        #expect(Patience.until { (try? StoreFile.open(path: file).contents(now: 0).devices.count) == 1 })
        store.close()
    }

    @Test func aConfirmedCommitIsOnTheDisk() throws {
        let store = try owner.open(path)
        store.record(.putDevice(StoreFileTests.device("d1")))
        try store.commit([.putDevice(StoreFileTests.device("d2")), .removeDevice(id: "d1")])
        #expect(try contents().devices.map(\.id) == ["d2"])
        store.close()
    }

    @Test func closingWritesWhatWaitsAndRefusesTheRest() throws {
        let store = try owner.open(path)
        for number in 0..<100 { store.record(.putSession(StoreFileTests.session(UInt8(number)))) }
        store.close()
        #expect(throws: StoreError.closed) { try store.commit([.removeDevice(id: "x")]) }
        #expect(try contents().sessions.count == 100)
    }

    @Test func theNextProcessFindsIt() throws {
        do {
            let store = try owner.open(path)
            store.record(.putSession(StoreFileTests.session(1)))
            store.close()
        }
        let other = Owner()
        let next = try other.open(path)
        #expect(other.loaded.withLock { $0 }?.sessions == [StoreFileTests.session(1)])
        next.close()
    }

    @Test func theDirectoryIsMadeForItsOwnerAlone() throws {
        let store = try owner.open(path)
        #expect(try Files.mode(path) == 0o700)
        #expect(try Files.mode(file) & 0o077 == 0)
        store.close()
    }

    @Test func anOpenDirectoryIsClosedToOthers() throws {
        try Files.makeDirectory(path, mode: 0o755)
        let store = try owner.open(path)
        #expect(try Files.mode(path) == 0o700)
        store.close()
    }

    @Test func aDirectoryIsForOneProcess() throws {
        let store = try owner.open(path)
        #expect(throws: StoreError.inUse(path: path)) { _ = try Owner().open(path) }
        store.close()
    }

    @Test func withoutAParentThereIsAnError() throws {
        #expect(throws: StoreError.self) { _ = try owner.open(directory.path("a/b")) }
        #expect(throws: StoreError.notDirectory(path: try directory.write("", to: "f"))) {
            _ = try owner.open(directory.path("f"))
        }
    }

    /// A store whose file holds no database, and that file's bytes.
    private func openBroken() throws -> (StateStore, [UInt8]) {
        try Files.makeDirectory(path, mode: 0o700)
        let text = [UInt8](repeating: 0x41, count: 8192)
        try Files.write(text, to: file)
        return (try owner.open(path), text)
    }

    @Test func aBrokenFileIsLeftAndRefusesOnlyWhatIsToBeKept() throws {
        let (store, text) = try openBroken()
        let failure = try #require(store.failure)
        #expect(failure.description.hasPrefix(file + ": file is not a database (SQLite code 26): move the file away"))
        #expect(owner.reports.withLock { $0 } == [failure])
        store.record(.putDevice(StoreFileTests.device("d")))
        #expect(throws: failure) { try store.commit([.removeDevice(id: "d")]) }
        #expect(throws: failure) { try store.audit(limit: 1) }
        store.close()
        #expect(try Files.bytes(file) == text)
        #expect(owner.loaded.withLock { $0 } == nil)
    }

    @Test func aBrokenFileThatIsMovedAwayIsMadeAnew() throws {
        let (store, text) = try openBroken()
        owner.memory.withLock { $0.devices = [StoreFileTests.device("d")] }
        store.record(.putDevice(StoreFileTests.device("d")))
        store.record(.audit(StoreFileTests.entry(1)))
        #expect(unsafe rename(file, path + "/broken") == 0)
        #expect(Patience.until { store.failure == nil })
        store.close()
        #expect(try contents().devices.map(\.id) == ["d"])
        #expect(try Files.mode(file) == 0o600)
        #expect(try Files.bytes(path + "/broken") == text)
        #expect(owner.reports.withLock { $0.map { $0 == nil } } == [false, true])
    }

    /// The new file may well get the number of the one that is gone.
    @Test func aFileThatIsRemovedWhileItIsOpenIsMadeAnewWithAllThatMemoryHolds() throws {
        let store = try owner.open(path)
        owner.memory.withLock { $0.devices = [StoreFileTests.device("before"), StoreFileTests.device("after")] }
        try store.commit([.putDevice(StoreFileTests.device("before"))])
        for name in ["", "-wal", "-shm", "-journal"] { _ = unsafe unlink(file + name) }
        try store.commit([.putDevice(StoreFileTests.device("after"))])
        store.close()
        #expect(try contents().devices.map(\.id).sorted() == ["after", "before"])
    }

    @Test func aGoodCopyIsReadOnceItIsThereAndWhatWasRemovedMeanwhileStaysRemoved() throws {
        let good = directory.path("good")
        do {
            let file = try StoreFile.open(path: good)
            let kept = ["kept", "removed", "revoked"].map { StoreChange.putDevice(StoreFileTests.device($0)) }
            try file.apply(kept + [.putSession(StoreFileTests.session(1, expiresAt: 1_000_000))])
        }
        let (store, _) = try openBroken()
        store.record(.removeDevice(id: "removed"))
        store.record(.putDevice(StoreFileTests.device("new")))
        owner.memory.withLock { $0.devices = [StoreFileTests.device("new")] }
        // Refused, as it can't be confirmed; but nobody comes back by it.
        #expect(throws: StoreError.self) { try store.commit([.removeDevice(id: "revoked")]) }
        #expect(throws: StoreError.self) { try store.commit([.putDevice(StoreFileTests.device("refused"))]) }
        #expect(unsafe rename(good, file) == 0)
        #expect(Patience.until { store.failure == nil })
        #expect(owner.loaded.withLock { $0?.devices.map(\.id) } == ["kept", "new"])
        #expect(owner.loaded.withLock { $0?.sessions.count } == 1)
        store.close()
        #expect(try contents().devices.map(\.id) == ["kept", "new"])
    }

    @Test func aFileMovedAwayWhileOpenIsMadeAnewFromMemory() throws {
        let store = try owner.open(path)
        owner.memory.withLock { $0.devices = [StoreFileTests.device("d")] }
        try store.commit([.putDevice(StoreFileTests.device("d"))])
        #expect(unsafe rename(file, path + "/moved") == 0)
        try store.commit([.audit(StoreFileTests.entry(1))])
        store.close()
        #expect(try contents().devices.map(\.id) == ["d"])
    }

    @Test func aFileSpoiltWhileOpenIsReported() throws {
        let store = try owner.open(path)
        owner.memory.withLock { $0.devices = [StoreFileTests.device("d")] }
        try store.commit([.putDevice(StoreFileTests.device("d"))])
        let blocker = try Database.open(path: file)
        try blocker.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        try Files.write([UInt8](repeating: 0x41, count: 8192), to: file)
        #expect(throws: StoreError.self) { try store.commit([.removeDevice(id: "x")]) }
        #expect(store.failure != nil)
        #expect(unsafe unlink(file) == 0)
        #expect(Patience.until { store.failure == nil })
        store.close()
        #expect(try contents().devices.map(\.id) == ["d"])
    }

    @Test func aLinkOnTheWayIsNoHindrance() throws {
        try Files.makeDirectory(directory.path("real"), mode: 0o700)
        #expect(unsafe symlink(directory.path("real"), directory.path("link")) == 0)
        let store = try owner.open(directory.path("link/state"))
        #expect(store.failure == nil)
        try store.commit([.audit(StoreFileTests.entry(1))])
        store.close()
    }

    @Test func theAuditLogIsReadNewestFirst() throws {
        let store = try owner.open(path)
        try store.commit((1...3).map { .audit(StoreFileTests.entry($0)) })
        #expect(try store.audit(limit: 2).map(\.time) == [3, 2])
        store.close()
        #expect(throws: StoreError.closed) { try store.audit(limit: 2) }
    }

    @Test func afterAFailureTheFileHoldsWhatMemoryHolds() throws {
        let store = try owner.open(path)
        try store.commit([.putDevice(StoreFileTests.device("old"))])
        // As a full disk would.
        try Database.open(path: file)
            .execute("CREATE TRIGGER full BEFORE INSERT ON devices BEGIN SELECT RAISE(FAIL, 'full'); END")
        #expect(throws: StoreError.self) { try store.commit([.putDevice(StoreFileTests.device("refused"))]) }
        #expect(store.failure != nil)
        owner.memory.withLock { $0.devices = [StoreFileTests.device("new")] }
        store.record(.removeDevice(id: "old"))
        store.record(.putDevice(StoreFileTests.device("new")))
        store.record(.audit(StoreFileTests.entry(7)))
        try Database.open(path: file).execute("DROP TRIGGER full")
        #expect(Patience.until { store.failure == nil })
        store.close()
        #expect(try contents().devices.map(\.id) == ["new"])
        #expect(try StoreFile.open(path: file).audit(limit: 9) == [StoreFileTests.entry(7)])
        #expect(owner.reports.withLock { $0.map { $0 == nil } } == [false, true])
    }

    @Test func whatWaitsIsBounded() throws {
        let store = try owner.open(path)
        let blocker = try Database.open(path: file)
        try blocker.execute("BEGIN IMMEDIATE")
        for _ in 0..<StateStore.changeLimit * 5 { store.record(.removeDevice(id: "x")) }
        #expect(store.waitingChanges <= StateStore.changeLimit)
        owner.memory.withLock { $0.devices = [StoreFileTests.device("d")] }
        try blocker.execute("ROLLBACK")
        store.close()
        #expect(try contents().devices.map(\.id) == ["d"])
    }

    /// Whether this process may mount file systems.
    private static let canMount: Bool = {
        guard geteuid() == 0, let directory = try? TemporaryDirectory() else { return false }
        return mount(on: directory.path) && unmount(directory.path)
    }()

    private static func mount(on path: String) -> Bool {
        finishes("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", path])
    }

    private static func unmount(_ path: String) -> Bool { finishes("umount", ["-l", path]) }

    private static func finishes(_ program: String, _ words: [String]) -> Bool {
        do {
            var process = try WriterProcess(program, words)
            return process.end() == 0
        } catch { return false }
    }

    @Test(.enabled(if: canMount)) func aFullDiskRefusesAndIsTakenUpAgain() throws {
        let disk = directory.path("disk")
        try Files.makeDirectory(disk, mode: 0o700)
        #expect(Self.mount(on: disk))
        defer { #expect(Self.unmount(disk)) }
        let path = disk + "/state"
        let store = try owner.open(path)
        try store.commit([.putDevice(StoreFileTests.device("first"))])
        owner.memory.withLock { $0.devices = [StoreFileTests.device("first")] }
        var ballast = 1 << 20
        while ballast > 0 {
            // Fails when it is full; what fitted stays.
            try? Files.write([UInt8](repeating: 0, count: ballast), to: disk + "/ballast-\(ballast)")
            ballast /= 2
        }
        let devices = (0..<200).map { StoreFileTests.device("\($0)") }
        #expect(throws: StoreError.self) { try store.commit(devices.map(StoreChange.putDevice)) }
        let failure = try #require(store.failure)
        #expect(failure.description.hasSuffix("make room on the disk, and Postern goes on by itself"))
        owner.memory.withLock { $0.devices += devices }
        for name in try Files.names(in: disk) where name.hasPrefix("ballast") {
            #expect(unsafe unlink(disk + "/" + name) == 0)
        }
        #expect(Patience.until { store.failure == nil })
        store.close()
        let contents = try StoreFile.open(path: path + "/state.db").contents(now: 0)
        #expect(contents.devices.count == 201)
    }
}
