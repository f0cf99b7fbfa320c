import Access
import EventLoop
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Proxy

struct PasswordSourceTests {
    private enum Seen: Equatable {
        case users([String: Bool])
        case missing, unreadable, changed
    }

    private let directory: TemporaryDirectory
    private let source: PasswordSource
    private let log: OperatorLog
    private let clock = ManualClock()

    init() throws {
        directory = try TemporaryDirectory()
        source = PasswordSource(path: directory.path("htpasswd"))
        var settings = ErrorLogSettings()
        settings.destination = .file(directory.path("error.log"))
        log = try OperatorLog(settings)
    }

    private func look() -> Seen {
        switch Self.settled(source, now: clock.advance(milliseconds: 2), log) {
        case .changed: .changed
        case .missing: .missing
        case .unreadable: .unreadable
        case .table(let table):
            .users(
                Dictionary(
                    uniqueKeysWithValues: ["ann", "bob"].map { name in (name, table.contains(name)) }
                )
            )
        }
    }

    /// What the source says once what had to be read was read.
    private static func settled(_ source: PasswordSource, now: UInt64, _ log: OperatorLog) -> PasswordSource.Current {
        let first = source.current(now: now)
        guard case .changed = first else { return first }
        let isRead = Flag()
        #expect(source.read(log: log) { isRead.value.store(true, ordering: .releasing) })
        #expect(TestProxy.wait { isRead.value.load(ordering: .acquiring) })
        return source.current(now: now)
    }

    private var errors: Int { ((try? directory.read("error.log")) ?? "").split(separator: "\n").count }

    @Test func isReadAnewWhenItChanges() throws {
        try directory.write("ann:{PLAIN}a\n", to: "htpasswd")
        #expect(look() == .users(["ann": true, "bob": false]))
        try directory.write("ann:{PLAIN}a\nbob:{PLAIN}b\n", to: "htpasswd")
        #expect(look() == .users(["ann": true, "bob": true]))
        // As editors do it: a new file in the old one's place.
        try directory.write("bob:{PLAIN}b\n", to: "new")
        #expect(unsafe rename(directory.path("new"), directory.path("htpasswd")) == 0)
        #expect(look() == .users(["ann": false, "bob": true]))
        #expect(errors == 0)
    }

    @Test func isLookedAtOnceATurn() throws {
        try directory.write("ann:{PLAIN}a\n", to: "htpasswd")
        let now = clock.advance(seconds: 1)
        guard case .table(let first) = Self.settled(source, now: now, log) else {
            Issue.record("no table")
            return
        }
        try directory.write("bob:{PLAIN}b\n", to: "htpasswd")
        guard case .table(let second) = Self.settled(source, now: now, log) else {
            Issue.record("no table")
            return
        }
        #expect(first.contains("ann") && second.contains("ann"))
        guard case .table(let third) = Self.settled(source, now: now + 1, log) else {
            Issue.record("no table")
            return
        }
        #expect(third.contains("bob") && !third.contains("ann"))
    }

    /// An edit right behind the reading may leave size and times as they were: a file that was young then is read once more.
    @Test(arguments: [(0, 2), (10, 1)] as [(Int64, Int)])
    func anEditWithoutATraceIsSeen(age: Int64, reads: Int) throws {
        try directory.write("bob:{PLAIN}b\n", to: "htpasswd")
        let changed = Int64(try #require(FileStamp(path: directory.path("htpasswd"))).changed / 1_000_000_000)
        let tries = Tries()
        let source = PasswordSource(path: directory.path("htpasswd"), wallClock: { changed + age }) {
            (path, generation) throws(PasswordFileError) in
            let isFirst = tries.count.add(1, ordering: .relaxed).newValue == 1
            return try isFirst
                ? PasswordFile.parse(Array("ann:{PLAIN}a\n".utf8).span, generation: generation)
                : PasswordFile.load(path: path, generation: generation)
        }
        for (wait, isReread) in [(1, false), (1999, false), (1, true), (1, true), (9000, true)] as [(UInt64, Bool)] {
            guard case .table(let table) = Self.settled(source, now: clock.advance(milliseconds: wait), log) else {
                Issue.record("no table")
                return
            }
            #expect(table.contains(isReread && reads > 1 ? "bob" : "ann"))
        }
        #expect(tries.count.load(ordering: .relaxed) == reads)
    }

    @Test func nobodyIsInAFileThatIsGone() throws {
        #expect(look() == .missing)
        #expect(look() == .missing)
        #expect(errors == 1)
        try directory.write("ann:{PLAIN}a\n", to: "htpasswd")
        #expect(look() == .users(["ann": true, "bob": false]))
        #expect(unsafe unlink(directory.path("htpasswd")) == 0)
        #expect(look() == .missing)
        #expect(errors == 2)
    }

    @Test func nobodyIsInAFileThatCannotBeRead() throws {
        try directory.write("ann:{PLAIN}a\n", to: "htpasswd")
        #expect(look() == .users(["ann": true, "bob": false]))
        // A directory in its place: unreadable even for root.
        #expect(unsafe unlink(directory.path("htpasswd")) == 0)
        #expect(unsafe mkdir(directory.path("htpasswd"), 0o700) == 0)
        #expect(look() == .unreadable)
        #expect(look() == .unreadable)
        #expect(errors == 1)
    }

    /// What kept a file from being read may be gone without its stamp telling: it is tried again, not by each request.
    @Test func aFileThatCannotBeReadIsTriedOnceASecond() throws {
        try directory.write("ann:{PLAIN}a\n", to: "htpasswd")
        let tries = Tries()
        let source = PasswordSource(path: directory.path("htpasswd"), wallClock: { .max / 2 }) {
            (path, generation) throws(PasswordFileError) in
            if tries.count.add(1, ordering: .relaxed).newValue < 3 {
                throw .system(operation: "open", path: path, code: EMFILE)
            }
            return try PasswordFile.load(path: path, generation: generation)
        }
        for (wait, expected) in [(1, 1), (999, 1), (1, 2), (999, 2), (1, 3), (5000, 3)] as [(UInt64, Int)] {
            let now = clock.advance(milliseconds: wait)
            let current = Self.settled(source, now: now, log)
            if expected == 3 {
                guard case .table = current else {
                    Issue.record("no table")
                    continue
                }
            } else {
                guard case .unreadable = current else {
                    Issue.record("a table")
                    continue
                }
            }
            #expect(tries.count.load(ordering: .relaxed) == expected)
        }
        #expect(errors == 1)
    }

    @Test func isReadOnceForAllWhoWait() throws {
        try directory.write("ann:{PLAIN}a\n", to: "htpasswd")
        let gate = Gate()
        let tries = Tries()
        let source = PasswordSource(path: directory.path("htpasswd")) { (path, generation) throws(PasswordFileError) in
            tries.count.add(1, ordering: .relaxed)
            gate.pass()
            return try PasswordFile.load(path: path, generation: generation)
        }
        let delivered = Tries()
        for _ in 0..<100 { #expect(source.read(log: log) { delivered.count.add(1, ordering: .acquiringAndReleasing) }) }
        // Nobody who asks is held up by the reading.
        guard case .changed = source.current(now: clock.advance(milliseconds: 2)) else {
            Issue.record("an answer before it was read")
            return
        }
        #expect(delivered.count.load(ordering: .acquiring) == 0)
        gate.open()
        #expect(TestProxy.wait { delivered.count.load(ordering: .acquiring) == 100 })
        #expect(tries.count.load(ordering: .relaxed) == 1)
    }
}

private final class Flag: Sendable { let value = Atomic<Bool>(false) }

private final class Tries: Sendable { let count = Atomic<Int>(0) }

extension PasswordTable {
    fileprivate func contains(_ name: String) -> Bool { names.contains(Array(name.utf8)) }
}
