import Bytes
import Synchronization
import TestSupport
import Testing

@testable import Proxy

struct AccessPhaseTests {
    private static let get = "GET / HTTP/1.1\nHost: a"
    private static let users = "ann:{PLAIN}secret\nbob:{PLAIN}other\n"

    private static func basic(_ credentials: String) -> String {
        let bytes = Array(credentials.utf8)
        return get + "\nAuthorization: Basic " + String(decoding: Base64.encode(bytes.span), as: UTF8.self)
    }

    private func rig(_ directives: String, peer: String = "192.0.2.7:1") throws -> Rig {
        try Rig(
            "events {} http { server { listen 80; location / { \(directives) proxy_pass http://127.0.0.1:1; } } }",
            peer: peer
        )
    }

    @Test(arguments: [
        ("192.0.2.7:1", "deny 192.0.2.7; allow all;", 403), ("192.0.2.8:1", "deny 192.0.2.7; allow all;", 0),
        ("192.0.2.7:1", "allow 192.0.2.0/24; deny all;", 0), ("192.0.3.7:1", "allow 192.0.2.0/24; deny all;", 403),
        ("192.0.2.7:1", "allow all; deny all;", 0), ("192.0.2.7:1", "deny 10.0.0.0/8;", 0),
        ("[2001:db8::1]:1", "allow 2001:db8::/32; deny all;", 0),
        ("[2001:db9::1]:1", "allow 2001:db8::/32; deny all;", 403),
        ("[2001:db8::1]:1", "allow 0.0.0.0/0; deny all;", 403), ("192.0.2.7:1", "deny unix:; allow all;", 0),
        ("192.0.2.7:1", "allow ::/0; deny all;", 403), ("192.0.2.7:1", "deny ::/0; allow all;", 0),
        ("192.0.2.7:1", "allow unix:; deny all;", 403), ("unix:/run/x", "allow unix:; deny all;", 0),
        ("unix:/run/x", "deny ::/0; allow unix:; deny all;", 0), ("unix:/run/x", "deny all;", 403),
    ])
    func theFirstAddressRuleThatFitsDecides(peer: String, rules: String, status: Int) throws {
        let rig = try rig(rules, peer: peer)
        #expect(try rig.status(Self.get, through: .access) == status)
        #expect(rig.exchange.value.refusal == (status == 403 ? .addressDenied : .none))
    }

    private struct Users {
        let directory: TemporaryDirectory
        var path: String { directory.path("htpasswd") }

        init(_ text: String = AccessPhaseTests.users) throws {
            directory = try TemporaryDirectory()
            try directory.write(text, to: "htpasswd")
        }
    }

    private func authRig(_ users: Users, _ more: String = "", peer: String = "192.0.2.7:1") throws -> Rig {
        try rig("auth_basic \"The \\\"Gate\\\"\"; auth_basic_user_file \(users.path); \(more)", peer: peer)
    }

    @Test func asksForCredentials() throws {
        let users = try Users()
        let rig = try authRig(users)
        let reply = try #require(try rig.reply(Self.get, through: .access))
        #expect(reply.status == 401)
        #expect(rig.exchange.value.refusal == .credentialsMissing)
        let text = rig.ownReply(reply)
        #expect(text.values(of: "www-authenticate") == ["Basic realm=\"The \\\"Gate\\\"\""])
        #expect(text.values(of: "cache-control") == ["no-store"])
    }

    /// What stands in Authorization, and how the request fares: 0 passes, -1 waits for a hash.
    @Test(arguments: [
        ("Basic YW5uOnNlY3JldA==", 0), ("basic YW5uOnNlY3JldA==", 0), ("BASIC  YW5uOnNlY3JldA==", 0),
        ("Bearer YW5uOnNlY3JldA==", 401), ("Basic", 401), ("Basic YW5uOnNlY3JldA", 401),
        ("Basic YW5uOnNlY3JldA== x", 401),
        ("Basic YW5u", 401), ("Basic Og==", 401), ("Basic AAAA", 401), ("Basic !!!!", 401), ("", 401),
    ])
    func readsCredentialsStrictly(value: String, status: Int) throws {
        let users = try Users()
        let rig = try authRig(users)
        let decision = try rig.run(Self.get + "\nAuthorization: \(value)", through: .access)
        #expect(try outcome(rig, decision) == status)
    }

    @Test(arguments: [
        ("ann:secret", 0), ("ann:wrong", 401), ("ann:", 401), (":secret", 401), ("nobody:secret", 401),
        ("Ann:secret", 401),
        ("ann:secret\0", 401), ("ann :secret", 401),
    ])
    func checksPasswords(credentials: String, status: Int) throws {
        let users = try Users()
        let rig = try authRig(users)
        let decision = try rig.run(Self.basic(credentials), through: .access)
        #expect(try outcome(rig, decision) == status)
        #expect(rig.exchange.value.hasUser == (status == 0))
        if status == 0 { #expect(rig.render(.remoteUser) == "ann") } else { #expect(rig.render(.remoteUser) == "") }
    }

    @Test func refusesTwoAuthorizations() throws {
        let users = try Users()
        let rig = try authRig(users)
        #expect(try rig.status(Self.basic("ann:secret") + "\nAuthorization: Basic YTpi", through: .access) == 400)
    }

    @Test func anAliasOfAuthorizationIsNone() throws {
        let users = try Users()
        let rig = try authRig(users)
        let head = Self.basic("ann:secret").replacing("Authorization", with: "Authori_zation")
        #expect(try rig.status(head, through: .access) == 401)
    }

    @Test func aFullQueueOfHashesIsToldAsSuch() throws {
        let users = try Users()
        let rig = try authRig(users)
        try rig.run(Self.basic("ann:secret"), through: .limits)
        rig.exchange.value.hashOutcome = .shed
        guard case .respond(let reply) = rig.decide(.access) else {
            Issue.record("no reply")
            return
        }
        #expect(reply.status == 503)
        #expect(reply.retryAfter > 0)
        #expect(rig.exchange.value.refusal == .hashQueueFull)
    }

    @Test(arguments: [
        // Address fits, password right, what comes of it under `satisfy any` and `all`.
        ("192.0.2.7:1", true, 0, 0), ("192.0.2.7:1", false, 0, 401), ("10.0.0.1:1", true, 0, 403),
        ("10.0.0.1:1", false, 401, 403),
    ])
    func satisfyTellsWhetherOneSuffices(peer: String, isKnown: Bool, any: Int, all: Int) throws {
        let users = try Users()
        let rules = "allow 192.0.2.0/24; deny all;"
        let head = isKnown ? Self.basic("ann:secret") : Self.get
        for (word, status) in [("any", any), ("all", all)] {
            let rig = try authRig(users, "satisfy \(word); \(rules)", peer: peer)
            let decision = try rig.run(head, through: .access)
            #expect(try outcome(rig, decision) == status, "\(word)")
        }
    }

    @Test func satisfyAnyWithoutLoginStillDenies() throws {
        let rig = try rig("satisfy any; allow 192.0.2.0/24; deny all;", peer: "10.0.0.1:1")
        #expect(try rig.status(Self.get, through: .access) == 403)
    }

    @Test func nobodyPassesWithoutTheFile() throws {
        let users = try Users()
        let rig = try rig("auth_basic x; auth_basic_user_file \(users.path).gone;")
        #expect(try rig.status(Self.basic("ann:secret"), through: .access) == 403)
        #expect(rig.exchange.value.refusal == .passwordFileUnavailable)
    }

    /// A file that takes too long to read lets nobody in, and nobody wait for ever.
    @Test func waitsForTheUsersForABoundedTime() throws {
        let users = try Users()
        let rig = try authRig(users)
        try rig.run(Self.basic("ann:secret"), through: .limits)
        guard case .suspend(.file) = rig.decideAtOnce(.access) else {
            Issue.record("users from nowhere")
            return
        }
        let deadline = rig.exchange.value.passwordDeadline
        #expect(deadline == rig.environment.value.now + AccessPhase.readingPatience)
        rig.environment.value.now = deadline - 1
        guard case .suspend(.file) = rig.decideAtOnce(.access) else {
            Issue.record("gave up early")
            return
        }
        #expect(rig.exchange.value.passwordDeadline == deadline)
        rig.environment.value.now = deadline
        guard case .respond(let reply) = rig.decideAtOnce(.access) else {
            Issue.record("waits on")
            return
        }
        #expect(reply.status == 503 && reply.retryAfter > 0)
        #expect(rig.exchange.value.refusal == .passwordFileUnavailable)
    }

    /// A removed user is out at the next request, whatever was proved before.
    @Test func aRemovedUserIsOut() throws {
        let users = try Users()
        let rig = try authRig(users)
        var decision = try rig.run(Self.basic("ann:secret"), through: .access)
        #expect(try outcome(rig, decision) == 0)
        try users.directory.write("bob:{PLAIN}other\n", to: "htpasswd")
        rig.environment.value.now += 2_000_000
        decision = try rig.run(Self.basic("ann:secret"), through: .access)
        #expect(try outcome(rig, decision) == 401)
    }

    /// 0 for `next`, else the reply's status; a hash is awaited and the phase run again, as a loop does.
    private func outcome(_ rig: Rig, _ decision: Decision) throws -> Int {
        switch decision {
        case .next: return 0
        case .respond(let reply): return reply.status
        case .suspend(.hashing):
            let verdict = Verdict()
            guard AccessPhase.submit(rig.context, services: rig.services, deliver: { verdict.set($0) }) else {
                return 503
            }
            guard TestProxy.wait({ verdict.value != .none }) else { throw TestError("the hash never came") }
            rig.exchange.value.hashOutcome = verdict.value
            return try outcome(rig, rig.decide(.access))
        default: throw TestError("unexpected")
        }
    }
}

/// What a hashing thread answers.
private final class Verdict: Sendable {
    private let state = Mutex(HashVerdict.none)
    var value: HashVerdict { state.withLock { $0 } }
    func set(_ verdict: HashVerdict) { state.withLock { $0 = verdict } }
}
