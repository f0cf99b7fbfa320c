import Access
import Glibc
import TestSupport
import Testing

@testable import Proxy

struct PasswordSourceTests {
    private enum Seen: Equatable {
        case users([String: Bool])
        case missing, unreadable
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
        switch source.current(now: clock.advance(milliseconds: 2), log: log) {
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

    @Test func isLookedAtOnceInATurnOfTheLoop() throws {
        try directory.write("ann:{PLAIN}a\n", to: "htpasswd")
        let now = clock.advance(seconds: 1)
        guard case .table(let first) = source.current(now: now, log: log) else {
            Issue.record("no table")
            return
        }
        try directory.write("bob:{PLAIN}b\n", to: "htpasswd")
        guard case .table(let second) = source.current(now: now, log: log) else {
            Issue.record("no table")
            return
        }
        #expect(first.contains("ann") && second.contains("ann"))
        guard case .table(let third) = source.current(now: now + 1, log: log) else {
            Issue.record("no table")
            return
        }
        #expect(third.contains("bob") && !third.contains("ann"))
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
}

extension PasswordTable {
    fileprivate func contains(_ name: String) -> Bool { names.contains(Array(name.utf8)) }
}
