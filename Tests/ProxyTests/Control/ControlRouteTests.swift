import Synchronization
import Testing

@testable import Proxy

@Suite struct ControlRouteTests {
    static let session = ControlSession(
        id: "9f86d081884c7d65",
        user: "alice",
        realm: "/etc/postern/htpasswd",
        device: "",
        createdAt: ControlTime(0),
        usedAt: ControlTime(1000),
        expiresAt: ControlTime(7_200_000),
        idleUntil: ControlTime(1_801_000),
        address: "192.0.2.1",
        agent: "a \"browser\"/1"
    )
    static let device = ControlDevice(
        id: String(repeating: "0a", count: 16),
        user: "alice",
        approvedAt: ControlTime(0),
        approvedBy: "uid 0",
        usedAt: ControlTime(1000),
        address: "::1",
        agent: "b"
    )
    static let pending = ControlPendingDevice(
        code: "ABCD-2345",
        user: "bob",
        since: ControlTime(0),
        until: ControlTime(300_000),
        address: "::1",
        agent: "c"
    )

    /// Actions that note what they were asked for.
    final class Notes: Sendable {
        let asked = Mutex<[String]>([])

        func note(_ text: String) { asked.withLock { $0.append(text) } }

        var actions: ControlActions {
            var actions = ControlActions()
            actions.sessions = { filter, _ throws(ControlFailure) in
                self.note("sessions \(filter.user ?? "of all") \(filter.limit)")
                return ControlSessions(sessions: [ControlRouteTests.session], total: 7)
            }
            actions.revokeSession = { id, caller throws(ControlFailure) in
                if id != ControlRouteTests.session.id { throw .notFound("no session \(id)") }
                self.note("revoke \(id) by \(caller.name)")
                return ControlEnded(ended: [ControlRouteTests.session])
            }
            actions.revokeUser = { user, _ throws(ControlFailure) in
                self.note("revoke-user \(user)")
                throw .unavailable("ended here, but not kept")
            }
            actions.devices = { _, _ throws(ControlFailure) in
                ControlDevices(pending: [ControlRouteTests.pending], approved: [ControlRouteTests.device])
            }
            actions.approve = { code, _ throws(ControlFailure) in
                self.note("approve \(code)")
                return ControlApproved(approved: ControlRouteTests.device)
            }
            actions.reject = { code, _ throws(ControlFailure) in
                self.note("reject \(code)")
                return ControlRejected(rejected: [ControlRouteTests.pending])
            }
            actions.remove = { id, _ throws(ControlFailure) in
                self.note("remove \(id)")
                return ControlRemoved(removed: ControlRouteTests.device, ended: [ControlRouteTests.session])
            }
            actions.clear = { _, _ throws(ControlFailure) in
                self.note("clear")
                return ControlRejected(rejected: [])
            }
            actions.keyUses = { _, _ throws(ControlFailure) in
                self.note("uses")
                return ControlKeyUses(uses: [ControlKeyUse(id: "ci", usedAt: ControlTime(1000), requests: 7)])
            }
            actions.locked = { _, _ throws(ControlFailure) in
                let lock = ControlLock(kind: .address, subject: "192.0.2.0", until: ControlTime(1000), failures: 11)
                return ControlLocks(locked: [lock])
            }
            actions.unlock = { subject, _ throws(ControlFailure) in
                self.note("unlock \(subject ?? "all")")
                return ControlCleared(cleared: 2)
            }
            actions.audit = { limit, _ throws(ControlFailure) in
                self.note("audit \(limit)")
                return ControlAudit(entries: [])
            }
            return actions
        }
    }

    private let notes = Notes()

    private func ask(_ method: String, _ target: String, _ body: String = "") -> (status: Int, text: String) {
        let halves = target.split(separator: "?", maxSplits: 1).map(String.init)
        let reply = notes.actions.answer(
            ControlRequest(
                method: method,
                path: halves[0],
                query: halves.count > 1 ? halves[1] : "",
                body: Array(body.utf8),
                caller: ControlCaller(user: 1000, process: 1)
            )
        )
        return (reply.status, String(decoding: reply.body, as: UTF8.self))
    }

    struct Case: Sendable {
        let method: String
        let target: String
        var body = ""
        let asked: String
    }

    static let cases = [
        Case(method: "GET", target: "/v1/sessions", asked: "sessions of all 1000"),
        Case(method: "GET", target: "/v1/sessions?user=a%20%26b&limit=5", asked: "sessions a &b 5"),
        Case(
            method: "POST",
            target: "/v1/sessions/revoke",
            body: #"{"id":"9f86d081884c7d65"}"#,
            asked: "revoke 9f86d081884c7d65 by uid 1000"
        ),
        Case(method: "POST", target: "/v1/devices/approve", body: #"{"code":"abcd2345"}"#, asked: "approve ABCD-2345"),
        Case(method: "POST", target: "/v1/devices/approve", body: #"{"code":"x"}"#, asked: "approve X"),
        Case(method: "POST", target: "/v1/devices/reject", body: #"{"code":"ABCD-2345"}"#, asked: "reject ABCD-2345"),
        Case(method: "POST", target: "/v1/devices/remove", body: #"{"id":"0a0a0a0a"}"#, asked: "remove 0a0a0a0a"),
        Case(method: "POST", target: "/v1/devices/clear", asked: "clear"),
        Case(method: "GET", target: "/v1/keys/uses", asked: "uses"),
        Case(method: "POST", target: "/v1/locked/clear", asked: "unlock all"),
        Case(method: "POST", target: "/v1/locked/clear", body: "{}", asked: "unlock all"),
        Case(method: "POST", target: "/v1/locked/clear", body: #"{"subject":"::1"}"#, asked: "unlock ::1"),
        Case(method: "GET", target: "/v1/audit", asked: "audit 100"),
        Case(method: "GET", target: "/v1/audit?limit=10000", asked: "audit 10000"),
    ]

    @Test(arguments: cases) func whatIsAskedForIsDone(_ test: Case) {
        let answer = ask(test.method, test.target, test.body)
        #expect(answer.status == 200)
        #expect(notes.asked.withLock { $0 } == [test.asked])
    }

    struct Refused: Sendable {
        let method: String
        let target: String
        var body = ""
        let status: Int
        let says: String
    }

    static let refused = [
        Refused(method: "GET", target: "/", status: 404, says: "there is no /"),
        Refused(method: "GET", target: "/v1/sessions/", status: 404, says: "there is no /v1/sessions/"),
        Refused(method: "POST", target: "/v1/sessions", status: 405, says: "takes GET"),
        Refused(method: "GET", target: "/v1/devices/clear", status: 405, says: "takes POST"),
        Refused(method: "GET", target: "/v1/sessions?limit=0", status: 400, says: "from 1 to 100000"),
        Refused(method: "GET", target: "/v1/sessions?limit=x", status: 400, says: "from 1 to 100000"),
        Refused(method: "GET", target: "/v1/sessions?usr=a", status: 400, says: "no parameter \\\"usr\\\""),
        Refused(method: "GET", target: "/v1/sessions?user=%4", status: 400, says: "two hexadecimal digits"),
        Refused(method: "GET", target: "/v1/audit?limit=10001", status: 400, says: "from 1 to 10000"),
        Refused(method: "POST", target: "/v1/sessions/revoke", status: 400, says: "no JSON object"),
        Refused(
            method: "POST",
            target: "/v1/devices/approve",
            body: #"{"code":""}"#,
            status: 400,
            says: "the code is empty"
        ),
        Refused(method: "POST", target: "/v1/sessions/revoke", body: "[1]", status: 400, says: "no JSON object"),
        Refused(method: "POST", target: "/v1/sessions/revoke", body: #"{"id":1}"#, status: 400, says: "no JSON object"),
        Refused(method: "POST", target: "/v1/sessions/revoke", body: "{}", status: 400, says: "no \\\"id\\\""),
        Refused(
            method: "POST",
            target: "/v1/sessions/revoke-user",
            body: #"{"user":""}"#,
            status: 400,
            says: "the user is empty"
        ),
        Refused(method: "POST", target: "/v1/locked/clear", body: #"{"subject":""}"#, status: 400, says: "is empty"),
        Refused(method: "POST", target: "/v1/sessions/revoke", body: #"{"id":"f"}"#, status: 404, says: "no session f"),
        Refused(method: "GET", target: "/v1/status", status: 503, says: "nothing to tell"),
    ]

    @Test(arguments: refused) func whatCannotBeDoneIsRefusedWithASentence(_ test: Refused) {
        let answer = ask(test.method, test.target, test.body)
        #expect(answer.status == test.status)
        #expect(answer.text.hasPrefix("{\"error\":\""))
        #expect(answer.text.contains(test.says), "\(answer.text)")
        #expect(notes.asked.withLock { $0 } == [])
    }

    @Test func whatCouldNotBeKeptIsSaid() {
        let answer = ask("POST", "/v1/sessions/revoke-user", #"{"user":"alice"}"#)
        #expect(answer.status == 503)
        #expect(answer.text == #"{"error":"ended here, but not kept"}"#)
    }

    @Test func aListIsJSONInSnakeCase() {
        #expect(
            ask("GET", "/v1/sessions").text
                == #"{"sessions":[{"address":"192.0.2.1","agent":"a \"browser\"/1","#
                + #""created_at":"1970-01-01T00:00:00Z","device":"","expires_at":"1970-01-01T02:00:00Z","#
                + #""id":"9f86d081884c7d65","idle_until":"1970-01-01T00:30:01Z","realm":"/etc/postern/htpasswd","#
                + #""used_at":"1970-01-01T00:00:01Z","user":"alice"}],"total":7}"#
        )
    }

    @Test func everyPathIsRefusedAsNotOnWhereNothingIs() {
        for route in ControlRoute.allCases {
            let request = ControlRequest(
                method: route.method,
                path: route.rawValue,
                body: route.method == "POST" ? Array(#"{"id":"a","user":"b","code":"c"}"#.utf8) : [],
                caller: ControlCaller(user: 0, process: 1)
            )
            #expect(ControlActions().answer(request).status == 503, "\(route)")
        }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (1_795_401_491_000, "2026-11-23T02:38:11Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"),
    ])
    func timesAreOfRFC3339(_ milliseconds: Int64, _ text: String) {
        #expect(ControlTime(milliseconds).text == text)
        #expect(ControlTime(text: text) == ControlTime(milliseconds))
    }

    @Test(arguments: ["", "2026-11-23 02:38:11Z", "2026-11-23T02:38:11", "20x6-11-23T02:38:11Z"])
    func otherTimesAreNotRead(_ text: String) { #expect(ControlTime(text: text) == nil) }
}
