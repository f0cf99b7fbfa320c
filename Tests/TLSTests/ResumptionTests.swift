import EventLoop
import Testing

@testable import TLS

@Suite struct ResumptionTests {
    let certificates = TestCertificates()
    let keys = TicketKeys(now: 0, lifetime: 100)

    func context(_ name: String, _ change: (inout ServerTLSSettings) -> Void = { _ in }) throws -> ServerContext {
        var settings = ServerTLSSettings(certificates: [certificates.make(name, names: [name])])
        settings.sessionContext = Array(name.utf8)
        change(&settings)
        return try ServerContext(settings, ticketKeys: keys)
    }

    func client(_ version: TLSProtocol, certificate: CertificateFiles? = nil) throws -> ClientContext {
        var settings = ClientTLSSettings()
        settings.verifiesPeer = false
        settings.protocols = [version]
        settings.certificate = certificate
        return try ClientContext(settings)
    }

    /// A first session's secret with `first`, then whether it is resumed with `second`.
    func resumes(
        _ first: ListenerTLS,
        _ firstName: String,
        _ second: ListenerTLS,
        _ secondName: String,
        _ client: ClientContext,
        between: () -> Void = {}
    ) throws -> Bool {
        var one = try Connection(first, client, name: firstName)
        #expect(one.shakeHands() == (.done, .done))
        let session = one.resumable()
        between()
        var two = try Connection(second, client, name: secondName, resuming: session)
        #expect(two.shakeHands() == (.done, .done))
        #expect(writeOnce(&two.server, [1, 2, 3]) == .bytes(3))
        #expect(receive(&two.client) == [1, 2, 3])
        #expect(two.server.isResumed == two.client.isResumed)
        return two.server.isResumed
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func ticketsResume(version: TLSProtocol) throws {
        let listener = try ListenerTLS(defaultContext: context("one"))
        #expect(try resumes(listener, "one", listener, "one", client(version)))
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func ticketsSurviveAReload(version: TLSProtocol) throws {
        let before = try ListenerTLS(defaultContext: context("one"))
        let after = try ListenerTLS(defaultContext: context("one"))
        #expect(try resumes(before, "one", after, "one", client(version)))
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func ticketsAreNotForAnotherServer(version: TLSProtocol) throws {
        let (one, two) = (try context("one"), try context("two"))
        let both = ListenerTLS(defaultContext: one, names: [("one", one), ("two", two)])
        let client = try client(version)
        #expect(try resumes(both, "two", both, "two", client))
        #expect(try !resumes(both, "one", both, "two", client))
        #expect(try !resumes(both, "two", both, "one", client))
        #expect(try !resumes(ListenerTLS(defaultContext: one), "x", ListenerTLS(defaultContext: two), "x", client))
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func aCachedSessionIsNotForAnotherServer(version: TLSProtocol) throws {
        func cached(_ name: String) throws -> ServerContext {
            try context(name) {
                $0.ticketsEnabled = false
                $0.sessionCache = .builtin(sessions: 10)
            }
        }
        let (one, two) = (try cached("one"), try cached("two"))
        let both = ListenerTLS(defaultContext: one, names: [("one", one), ("two", two)])
        let client = try client(version)
        #expect(try resumes(both, "one", both, "one", client))
        #expect(try !resumes(both, "one", both, "two", client))
        #expect(try !resumes(both, "two", both, "one", client))
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func stricterClientChecksEndOldSessions(version: TLSProtocol) throws {
        let lax = try ListenerTLS(defaultContext: context("one"))
        let strict = try ListenerTLS(
            defaultContext: context("one") {
                $0.clientVerification = .required
                $0.clientAuthorityFile = certificates.authorityFile
            }
        )
        let person = certificates.make("person", names: ["person"])
        #expect(try !resumes(lax, "one", strict, "one", client(version, certificate: person)))
        #expect(try resumes(strict, "one", strict, "one", client(version, certificate: person)))
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func withoutTicketsNothingResumes(version: TLSProtocol) throws {
        let listener = try ListenerTLS(defaultContext: context("one") { $0.ticketsEnabled = false })
        #expect(try !resumes(listener, "one", listener, "one", client(version)))
    }

    /// OpenSSL asks the first context about tickets, whichever one they are of.
    @Test func aServerBesideOneWithoutTicketsHasItsOwnKeys() throws {
        let two = try context("two")
        let without = try context("one") { $0.ticketsEnabled = false }
        let both = ListenerTLS(defaultContext: without, names: [("two", two)])
        #expect(try resumes(both, "two", both, "two", client(.v1_2)))
        #expect(try !resumes(both, "two", both, "one", client(.v1_2)))
        let resumed = try resumes(both, "two", both, "two", client(.v1_2)) {
            #expect(keys.rotateIfDue(now: 100))
            #expect(keys.rotateIfDue(now: 200))
        }
        #expect(!resumed, "its keys are gone")
    }

    @Test(arguments: [(99, true), (100, true), (200, true)])
    func lastKeysStillOpenTickets(time: UInt64, expected: Bool) throws {
        let listener = try ListenerTLS(defaultContext: context("one"))
        #expect(
            try resumes(listener, "one", listener, "one", client(.v1_3)) { keys.rotateIfDue(now: time) } == expected
        )
    }

    @Test func olderKeysDoNot() throws {
        let listener = try ListenerTLS(defaultContext: context("one"))
        let resumed = try resumes(listener, "one", listener, "one", client(.v1_3)) {
            #expect(!keys.rotateIfDue(now: 99))
            #expect(keys.rotateIfDue(now: 100))
            #expect(!keys.rotateIfDue(now: 199))
            #expect(keys.rotateIfDue(now: 200))
        }
        #expect(!resumed)
    }

    @Test func aTicketUnderTheLastKeysIsRenewed() throws {
        let listener = try ListenerTLS(defaultContext: context("one"))
        let client = try client(.v1_3)
        var one = try Connection(listener, client, name: "one")
        #expect(one.shakeHands() == (.done, .done))
        let first = one.resumable()
        keys.rotateIfDue(now: 100)
        var two = try Connection(listener, client, name: "one", resuming: first)
        #expect(two.shakeHands() == (.done, .done))
        let second = two.resumable()
        keys.rotateIfDue(now: 200)
        var three = try Connection(listener, client, name: "one", resuming: second)
        #expect(three.shakeHands() == (.done, .done))
        #expect(three.server.isResumed == true)
    }
}
