import EventLoop
import Glibc
import Proxy
import TestSupport
import Testing

@testable import postern

@Suite struct ControlTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path("control.sock") }

    init() throws { directory = try TemporaryDirectory() }

    private static let now: Int64 = 1_795_401_491_000

    private static func session(_ id: String, agent: String = "browser") -> ControlSession {
        ControlSession(
            id: id,
            user: "alice",
            realm: "/etc/postern/htpasswd",
            device: "",
            createdAt: ControlTime(now - 3_600_000),
            usedAt: ControlTime(now - 180_000),
            expiresAt: ControlTime(now + 7_200_000),
            idleUntil: ControlTime(now + 1_620_000),
            address: "192.0.2.1",
            agent: agent
        )
    }

    private func serve(_ change: (inout ControlActions) -> Void) throws -> ControlServer {
        var actions = ControlActions()
        change(&actions)
        return try ControlServer(path: path, actions: actions, report: { _ in })
    }

    @Test func aCommandReachesTheProxy() throws {
        let server = try serve { actions in
            actions.revokeUser = { user, caller throws(ControlFailure) in
                if user != "a&b \"c\"" || caller.user != geteuid() { throw .notFound("no user \(user)") }
                return ControlEnded(ended: [Self.session("1")])
            }
        }
        defer { server.stop() }
        let client = ControlClient(path: path)
        let answer = try client.post("/v1/sessions/revoke-user", ["user": "a&b \"c\""], for: ControlEnded.self)
        #expect(answer.ended == [Self.session("1")])
        #expect(throws: CommandError("no user bob")) {
            try client.post("/v1/sessions/revoke-user", ["user": "bob"], for: ControlEnded.self)
        }
    }

    @Test func aListOfAHundredThousandComesWhole() throws {
        let sessions = (0..<100_000).map { Self.session("\($0)") }
        let server = try serve { actions in
            actions.sessions = { filter, _ throws(ControlFailure) in
                ControlSessions(sessions: Array(sessions.prefix(filter.limit)), total: sessions.count)
            }
        }
        defer { server.stop() }
        let answer = try ControlClient(path: path).get("/v1/sessions?limit=100000")
        #expect(answer.count > 20 << 20)
        #expect(answer.last == UInt8(ascii: "}"))
    }

    @Test func aTextIsEscapedInAQuery() throws {
        let server = try serve { actions in
            actions.sessions = { filter, _ throws(ControlFailure) in throw .notFound(filter.user ?? "") }
        }
        defer { server.stop() }
        let user = "a b&c=%\n\u{1F98A}/?#"
        #expect(throws: CommandError("a b&c=%?\u{1F98A}/?#")) {
            try ControlClient(path: path).get("/v1/sessions?user=" + ControlClient.escaped(user))
        }
    }

    @Test func withoutAProxyThereIsAClearSentence() throws {
        let client = ControlClient(path: path)
        let missing = #expect(throws: CommandError.self) { try client.get("/v1/audit") }
        #expect(
            missing?.description.hasPrefix("no proxy listens at \(path): there is no such socket. Is Postern") == true
        )
        do { _ = try Listener.listen(on: try #require(SocketAddress(path: path))) }
        #expect(throws: CommandError("no proxy listens at \(path): the one that did has ended")) {
            try client.get("/v1/audit")
        }
        let long = ControlClient(path: "/" + String(repeating: "a", count: 200))
        #expect(throws: CommandError.self) { try long.get("/v1/audit") }
    }

    @Test func whatIsNotTheControlSocketIsSaid() throws {
        let address = try #require(SocketAddress(path: path))
        let other = try ScriptedUpstream(
            [[.readHead, .send("HTTP/1.0 what?\r\n\r\n")], [.readHead, .close], [.readHead, .wait]],
            on: address
        )
        defer { other.stop() }
        var client = ControlClient(path: path)
        #expect(throws: CommandError("what listens at \(path) is not Postern's control socket")) {
            try client.get("/v1/audit")
        }
        #expect(throws: CommandError("the proxy at \(path) closed the connection without an answer")) {
            try client.get("/v1/audit")
        }
        client.wait = 20
        #expect(throws: CommandError("the proxy at \(path) doesn't answer")) { try client.get("/v1/audit") }
    }

    // MARK: Which socket

    private func path(_ config: String, _ socket: String? = nil) throws -> String {
        try ControlOptions.path(socket: socket, config: config)
    }

    @Test func theSocketIsGivenOrTheConfigurations() throws {
        let file = try directory.write("control unix:/srv/c.sock;\nserver { listen 80; }\n", to: "a.conf")
        #expect(try path(file) == "/srv/c.sock")
        #expect(try path(file, "/x") == "/x")
        try directory.write("control unix:/srv/d.sock;\n", to: "part.conf")
        let nginx = try directory.write("http { include part.conf; server { listen 80; } }\n", to: "b.conf")
        #expect(try path(nginx) == "/srv/d.sock")
        let without = try directory.write("server { listen 80; }\n", to: "c.conf")
        #expect(try path(without) == "/run/postern/control.sock")
        let off = try directory.write("control off;\n", to: "d.conf")
        #expect(throws: CommandError("\(off) has no control socket: it says control off")) { try path(off) }
        #expect(throws: CommandError.self) { try path(directory.path("none.conf")) }
    }

    // MARK: What people read

    @Test func sessionsAreATable() {
        let listings = Listings(now: Self.now)
        let text = listings.text(ControlSessions(sessions: [Self.session("1", agent: "x\u{1B}[2J\u{202E}y")], total: 3))
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("ID  USER   FROM       DEVICE  BEGAN             USED       ENDS       BROWSER"))
        #expect(lines[1].hasPrefix("1   alice  192.0.2.1  -       20"))
        #expect(lines[1].hasSuffix("  3 min ago  in 27 min  x?[2J?y"))
        #expect(lines[2] == "and 2 more: --limit shows them, --user only one user's")
        #expect(listings.text(ControlSessions(sessions: [], total: 0)) == "no sessions\n")
    }

    @Test func devicesAreTwoTables() {
        let listings = Listings(now: Self.now)
        let devices = ControlDevices(
            pending: [
                ControlPendingDevice(
                    code: "ABCD-2345",
                    user: "bob",
                    since: ControlTime(Self.now),
                    until: ControlTime(Self.now + 299_000),
                    address: "::1",
                    agent: String(repeating: "b", count: 60)
                )
            ],
            approved: [
                ControlDevice(
                    id: "0123456789abcdef0123456789abcdef",
                    user: "alice",
                    approvedAt: ControlTime(Self.now),
                    approvedBy: "uid 0",
                    usedAt: ControlTime(Self.now - 5_000),
                    address: "::1",
                    agent: ""
                )
            ]
        )
        let lines = listings.text(devices).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0] == "waiting:")
        #expect(lines[1] == "CODE       USER  FROM  WAITS SINCE  UNTIL     BROWSER")
        #expect(lines[2] == "ABCD-2345  bob   ::1   now          in 4 min  " + String(repeating: "b", count: 47) + "…")
        #expect(lines[3...5] == ["", "approved:", lines[5]])
        #expect(lines[6].hasPrefix("0123456789ab  alice  20"))
        #expect(lines[6].hasSuffix("  uid 0  5 s ago  ::1   -"))
        #expect(listings.text(ControlDevices(pending: [], approved: [])) == "no devices\n")
    }

    @Test func theAuditLogEndsWithTheNewest() {
        let entries = [2, 1].map { number in
            ControlAuditEntry(
                time: ControlTime(Self.now),
                event: "device approved",
                actor: "uid 0",
                subject: "\(number)",
                address: "",
                detail: "a\nb"
            )
        }
        let lines = Listings(now: Self.now).text(ControlAudit(entries: entries)).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[1].hasSuffix("  device approved  uid 0  1      -     a?b"))
    }

    @Test func locksAreATable() {
        let lock = ControlLock(
            kind: .address,
            subject: "192.0.2.0",
            until: ControlTime(Self.now + 60_000),
            failures: 11
        )
        #expect(
            Listings(now: Self.now).text(ControlLocks(locked: [lock]))
                == "WHAT     WHO        FAILURES  UNTIL\naddress  192.0.2.0  11        in 1 min\n"
        )
        #expect(Listings(now: 0).text(ControlLocks(locked: [])) == "nobody is locked out\n")
    }

    @Test func usesOfKeysAreATable() {
        let uses = [("ci", Self.now - 60_000, 1200), ("a\u{1B}b", Self.now, 1)].map {
            ControlKeyUse(id: $0.0, usedAt: ControlTime($0.1), requests: $0.2)
        }
        let lines = Listings(now: Self.now).text(ControlKeyUses(uses: uses)).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("ID   USED       LAST "))
        #expect(lines[0].hasSuffix("  REQUESTS"))
        #expect(lines[1].hasPrefix("ci   1 min ago  20"))
        #expect(lines[1].hasSuffix("  1200"))
        #expect(lines[2].hasPrefix("a?b  now        20"))
        #expect(Listings(now: 0).text(ControlKeyUses(uses: [])) == "no key was used yet\n")
    }

    @Test(arguments: [
        (-500, "now"), (0, "now"), (1000, "in 1 s"), (-59_999, "59 s ago"), (-60_000, "1 min ago"),
        (-3_599_000, "59 min ago"), (3_600_000, "in 1 h"), (-172_799_000, "47 h ago"), (-172_800_000, "2 days ago"),
    ])
    func distancesAreInWholeUnits(_ milliseconds: Int64, _ text: String) {
        #expect(Words(now: Self.now).distance(to: ControlTime(Self.now + milliseconds)) == text)
    }
}
