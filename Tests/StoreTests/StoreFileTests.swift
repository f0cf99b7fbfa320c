import TestSupport
import Testing

@testable import Store

@Suite struct StoreFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var path: String { directory.path("state.db") }

    static func session(_ number: UInt8, expiresAt: Int64 = 1000) -> SessionRow {
        SessionRow(
            digest: [UInt8](repeating: number, count: 32),
            user: [0x61, 0xFF, 0x00],
            realm: "/etc/postern/htpasswd",
            stamp: UInt64.max - UInt64(number),
            device: "",
            createdAt: 1,
            expiresAt: expiresAt,
            idle: 1_800_000,
            usedAt: 2,
            address: "192.0.2.1",
            agent: "a \u{1F98A} browser"
        )
    }

    static func device(_ id: String) -> DeviceRow {
        DeviceRow(
            id: id,
            user: Array("alice".utf8),
            agent: "",
            approvedAt: 5,
            approvedBy: "command line",
            usedAt: 6,
            address: "::1"
        )
    }

    static func entry(_ time: Int64) -> AuditRow {
        AuditRow(
            time: time,
            event: "device approved",
            actor: "a",
            subject: "b",
            address: "c",
            detail: "'; DROP TABLE x"
        )
    }

    @Test func whatWasAppliedIsThereForTheNext() throws {
        do {
            let file = try StoreFile.open(path: path)
            try file.apply([
                .putSession(Self.session(1)), .putSession(Self.session(2)), .putDevice(Self.device("d1")),
                .putDevice(Self.device("d2")), .keyUsed(KeyUseRow(id: "k", usedAt: 7, count: 8)), .audit(Self.entry(9)),
                .putDeviceKey([UInt8](repeating: 7, count: 32)),
            ])
            try file.apply([
                .removeSession(digest: Self.session(2).digest), .removeDevice(id: "d2"),
                .sessionUsed(digest: Self.session(1).digest, at: 50),
                .deviceUsed(id: "d1", at: 60, address: "198.51.100.7"),
                .keyUsed(KeyUseRow(id: "k", usedAt: 70, count: 9)),
            ])
        }
        let file = try StoreFile.open(path: path)
        var session = Self.session(1)
        session.usedAt = 50
        var device = Self.device("d1")
        device.usedAt = 60
        device.address = "198.51.100.7"
        let contents = try file.contents(now: 0)
        #expect(contents.sessions == [session])
        #expect(contents.devices == [device])
        #expect(contents.deviceKey == [UInt8](repeating: 7, count: 32))
        #expect(contents.keyUses == [KeyUseRow(id: "k", usedAt: 70, count: 9)])
        let entries = try file.audit(limit: 10)
        #expect(entries == [Self.entry(9)])
    }

    @Test func usesNeverGoBack() throws {
        let file = try StoreFile.open(path: path)
        try file.apply([.putSession(Self.session(1)), .sessionUsed(digest: Self.session(1).digest, at: 1)])
        let contents = try file.contents(now: 0)
        #expect(contents.sessions.first?.usedAt == 2)
    }

    @Test func aUsersSessionsGoTogether() throws {
        let file = try StoreFile.open(path: path)
        var other = Self.session(2)
        other.user = Array("bob".utf8)
        try file.apply([.putSession(Self.session(1)), .putSession(other), .putSession(Self.session(3))])
        try file.apply([.removeSessions(user: Self.session(1).user)])
        let contents = try file.contents(now: 0)
        #expect(contents.sessions == [other])
    }

    @Test func sessionsThatAreLongOverAreForgotten() throws {
        let file = try StoreFile.open(path: path)
        try file.apply([.putSession(Self.session(1, expiresAt: 10)), .putSession(Self.session(2, expiresAt: 11))])
        try file.removeSessions(endedBefore: 11)
        let contents = try file.contents(now: 0)
        #expect(contents.sessions.map(\.expiresAt) == [11])
    }

    @Test func sessionsThatAreOverAreNotRead() throws {
        let file = try StoreFile.open(path: path)
        try file.apply([.putSession(Self.session(1, expiresAt: 10)), .putSession(Self.session(2, expiresAt: 11))])
        let contents = try file.contents(now: 10)
        #expect(contents.sessions.map(\.expiresAt) == [11])
    }

    @Test func oneChangeThatFailsUndoesTheOthers() throws {
        let file = try StoreFile.open(path: path)
        var bad = Self.session(1)
        bad.digest = [1, 2, 3]
        #expect(throws: StoreError.self) { try file.apply([.putDevice(Self.device("d")), .putSession(bad)]) }
        let contents = try file.contents(now: 0)
        #expect(contents == StoreContents())
        // And the file is still good for others.
        try file.apply([.putDevice(Self.device("d"))])
        let after = try file.contents(now: 0)
        #expect(after.devices.count == 1)
    }

    @Test func replacingLeavesTheAuditLog() throws {
        let file = try StoreFile.open(path: path)
        try file.apply([.putSession(Self.session(1)), .putDevice(Self.device("d1")), .audit(Self.entry(1))])
        try file.replace(with: StoreContents(sessions: [Self.session(2)]), and: [.audit(Self.entry(2))])
        let contents = try file.contents(now: 0)
        #expect(contents == StoreContents(sessions: [Self.session(2)]))
        let entries = try file.audit(limit: 10)
        #expect(entries.map(\.time) == [2, 1])
    }

    @Test func theOldestEntriesOfTheAuditLogGo() throws {
        let file = try StoreFile.open(path: path)
        let limit = Int(StoreFile.auditLimit)
        try file.apply((0..<limit + 5).map { .audit(Self.entry(Int64($0))) })
        let entries = try file.audit(limit: limit * 2)
        #expect(entries.count == limit)
        #expect(entries.last?.time == 5)
    }

    @Test func aFileOfALaterVersionIsLeftAlone() throws {
        do {
            let database = try Database.open(path: path)
            try database.execute("PRAGMA user_version = 99")
        }
        #expect(throws: StoreError.newer(path: path, version: 99)) { _ = try StoreFile.open(path: path) }
    }

    @Test func whatIsNoDatabaseIsRefused() throws {
        let bytes = [UInt8](String(repeating: "not a database", count: 100).utf8)
        try Files.write(bytes, to: path)
        #expect(throws: StoreError.self) { _ = try StoreFile.open(path: path) }
        #expect(try Files.bytes(path) == bytes)
    }
}
