import Bytes
import COpenSSL
import EventLoop
import Glibc
import Testing

@testable import TLS

extension Connection {
    /// OpenSSL's session of the server's side is gone.
    var isTakenOver: Bool { unsafe server.session == nil }
}

/// Sessions that Postern takes over from OpenSSL, with OpenSSL as the client.
@Suite struct HandOverTests {
    let certificates = TestCertificates()

    func connect(
        suites: String? = nil,
        protocols: Set<TLSProtocol> = [.v1_3],
        change: (inout ServerTLSSettings) -> Void = { _ in },
        prepare: (OpaquePointer?, OpaquePointer?) -> Void = { _, _ in }
    ) throws -> Connection {
        var server = ServerTLSSettings(certificates: [certificates.make("server")])
        server.sessionContext = [1]
        server.cipherSuites = suites
        server.applicationProtocols = [.http11]
        change(&server)
        var client = ClientTLSSettings()
        client.authorityFile = certificates.authorityFile
        client.protocols = protocols
        client.applicationProtocols = [.http11]
        var connection = try Connection(ListenerTLS(defaultContext: ServerContext(server)), ClientContext(client))
        unsafe prepare(connection.server.session, connection.client.session)
        #expect(connection.shakeHands() == (.done, .done))
        return connection
    }

    @Test(arguments: RecordSuite.allCases)
    func everySuite(suite: RecordSuite) throws {
        var connection = unsafe try connect(suites: suite.name.description)
        #expect(connection.isTakenOver == true)
        for count in [1, 100, 16384, 16385, 70_000, 200_000] {
            let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 13) }
            var (up, down, sentUp, sentDown): ([UInt8], [UInt8], Int, Int) = ([], [], 0, 0)
            for _ in 0..<1000 where up.count < count || down.count < count {
                if sentUp < count, case .bytes(let more) = writeOnce(&connection.client, content[sentUp...]) {
                    sentUp += more
                }
                if sentDown < count, case .bytes(let more) = writeOnce(&connection.server, content[sentDown...]) {
                    sentDown += more
                }
                up += receive(&connection.server)
                down += receive(&connection.client)
            }
            #expect(up == content)
            #expect(down == content)
        }
        #expect(connection.server.isReadDrained == true)
        #expect(connection.client.sentCount == connection.server.receivedCount)
    }

    @Test func whatWasAgreedOnIsRemembered() throws {
        let person = certificates.make("person", names: ["person"])
        let authorities = certificates.authorityFile
        var server = ServerTLSSettings(certificates: [certificates.make("server")])
        server.clientVerification = .required
        server.clientAuthorityFile = authorities
        server.applicationProtocols = [.http11]
        server.sessionContext = [1]
        var client = ClientTLSSettings()
        client.authorityFile = authorities
        client.protocols = [.v1_3]
        client.certificate = person
        client.applicationProtocols = [.http2, .http11]
        var connection = try Connection(ListenerTLS(defaultContext: ServerContext(server)), ClientContext(client))
        #expect(connection.shakeHands() == (.done, .done))
        #expect(connection.isTakenOver == true)
        #expect(connection.server.protocolName.description == "TLSv1.3")
        #expect(connection.server.applicationProtocol == .http11)
        #expect(connection.server.isResumed == false)
        #expect(connection.server.peerVerification == .verified)
        #expect(connection.server.hasServerName == true)
        var texts = ByteBuffer()
        var expected = ByteBuffer()
        connection.server.appendCipherName(to: &texts)
        connection.client.appendCipherName(to: &expected)
        #expect(bytes(texts) == bytes(expected))
        texts.clear()
        connection.server.appendPeerSubject(to: &texts)
        texts.append(" ")
        connection.server.appendServerName(to: &texts)
        #expect(bytes(texts) == Array("CN=person localhost".utf8))
    }

    @Test func resumedSessionsAreTakenOverToo() throws {
        var server = ServerTLSSettings(certificates: [certificates.make("server")])
        server.sessionContext = [1]
        let listener = try ListenerTLS(defaultContext: ServerContext(server))
        var settings = ClientTLSSettings()
        settings.authorityFile = certificates.authorityFile
        settings.protocols = [.v1_3]
        let client = try ClientContext(settings)
        var session: Resumable?
        for round in 0..<4 {
            var connection = try Connection(listener, client, resuming: session)
            #expect(connection.shakeHands() == (.done, .done))
            #expect(connection.isTakenOver == true)
            #expect(connection.server.isResumed == (round > 0))
            #expect(writeOnce(&connection.server, [1]) == .bytes(1))
            #expect(readOnce(&connection.client).bytes == [1])
            session = connection.resumable()
        }
    }

    /// Sessions of which something can't be proved stay with OpenSSL, and work.
    @Test(arguments: [0, 2])
    func anotherNumberOfTickets(count: Int) throws {
        var connection = unsafe try connect(change: { _ in }) { server, _ in unsafe SSL_set_num_tickets(server, count) }
        #expect(connection.isTakenOver == false)
        try exchange(&connection)
    }

    @Test func olderVersionsStayWithOpenSSL() throws {
        var connection = unsafe try connect(protocols: [.v1_2])
        #expect(connection.isTakenOver == false)
        try exchange(&connection)
    }

    @Test func statefulTicketsWillDo() throws {
        var connection = unsafe try connect {
            $0.ticketsEnabled = false
            $0.sessionCache = .builtin(sessions: 10)
        }
        #expect(connection.isTakenOver == true)
        try exchange(&connection)
    }

    func exchange(_ connection: inout Connection) throws {
        for _ in 0..<3 {
            #expect(writeOnce(&connection.client, [1, 2]) == .bytes(2))
            #expect(readOnce(&connection.server).bytes == [1, 2])
            #expect(writeOnce(&connection.server, [3, 4]) == .bytes(2))
            #expect(readOnce(&connection.client).bytes == [3, 4])
        }
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func requestsInTheSegmentOfFinished(version: TLSProtocol) throws {
        var server = ServerTLSSettings(certificates: [certificates.make("server")])
        server.sessionContext = [1]
        var client = ClientTLSSettings()
        client.authorityFile = certificates.authorityFile
        client.protocols = [version]
        var connection = try Connection(ListenerTLS(defaultContext: ServerContext(server)), ClientContext(client))
        for _ in 0..<5 where !connection.client.isEstablished {
            _ = connection.client.handshake()
            if !connection.client.isEstablished { _ = connection.server.handshake() }
        }
        #expect(writeOnce(&connection.client, [1, 2]) == .bytes(2))
        #expect(writeOnce(&connection.client, [3]) == .bytes(1))
        #expect(connection.server.handshake() == .done)
        #expect(connection.isTakenOver == (version == .v1_3))
        if version == .v1_3 { #expect(connection.server.hasPending == true) }
        #expect(receive(&connection.server) == [1, 2, 3])
        #expect(connection.server.hasPending == false)
        try exchange(&connection)
    }

    @Test(arguments: [0, 1])
    func keyUpdatesOfTheClient(isRequested: Int32) throws {
        var connection = unsafe try connect()
        for _ in 0..<5 {
            let isAccepted = unsafe SSL_key_update(connection.client.session, isRequested) == 1
            #expect(isAccepted)
            try exchange(&connection)
            // The answer came, and nothing is owed.
            #expect(connection.server.isReadDrained == true)
        }
    }

    @Test func ownKeyUpdate() throws {
        var connection = unsafe try connect()
        try exchange(&connection)
        unsafe connection.server.transport.pointee.records?.protection.setUpdateInterval(4)
        for _ in 0..<6 { try exchange(&connection) }
        let big = [UInt8](repeating: 7, count: 100_000)
        #expect(writeOnce(&connection.server, big) == .bytes(big.count))
        #expect(receive(&connection.client) == big)
    }

    // MARK: Ends

    @Test func closingEitherWay() throws {
        var connection = unsafe try connect()
        try exchange(&connection)
        #expect(connection.client.shutdown() == .done)
        #expect(readOnce(&connection.server).result == .endOfStream)
        #expect(connection.server.isTruncated == false)
        #expect(writeOnce(&connection.server, [9]) == .bytes(1))
        #expect(connection.server.shutdown() == .done)
        #expect(connection.server.shutdown() == .done)
        _ = receive(&connection.client)
        #expect(readOnce(&connection.server).result == .endOfStream)
        guard case .failed = writeOnce(&connection.server, [1]) else {
            Issue.record("wrote after the end")
            return
        }
    }

    @Test func leavingWithoutAWord() throws {
        var connection = unsafe try connect()
        #expect(writeOnce(&connection.client, [1]) == .bytes(1))
        // With something unread, the close would be a reset.
        _ = receive(&connection.client)
        connection.pair.closeClient()
        #expect(readOnce(&connection.server).bytes == [1])
        #expect(readOnce(&connection.server).result == .endOfStream)
        #expect(connection.server.isTruncated == true)
    }

    @Test func leavingWithinARecord() throws {
        var connection = unsafe try connect()
        connection.pair.sendRaw([23, 3, 3, 0, 100, 1, 2, 3])
        #expect(readOnce(&connection.server).result == .wantsRead)
        #expect(connection.server.isReadDrained == true)
        // With something unread, the close would be a reset.
        _ = receive(&connection.client)
        connection.pair.closeClient()
        #expect(readOnce(&connection.server).result == .endOfStream)
        #expect(connection.server.isTruncated == true)
    }

    /// One event may tell of both, and none will tell of the end again.
    @Test func leavingWithARecordsFirstPart() throws {
        var connection = unsafe try connect()
        _ = receive(&connection.client)
        connection.pair.sendRaw([23, 3, 3, 0, 100, 1, 2, 3])
        connection.pair.closeClient()
        #expect(readOnce(&connection.server).result == .endOfStream)
        #expect(connection.server.isTruncated == true)
    }

    /// What is sent past OpenSSL's client, and the alert it then gets from the server.
    @Test(
        arguments: [
            ([20, 3, 3, 0, 1, 1], SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE),
            ([23, 3, 3, 0, 20] + [UInt8](repeating: 1, count: 20), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC),
            ([23, 3, 3, 0xFF, 0], SSL_R_TLSV1_ALERT_RECORD_OVERFLOW),
            ([23, 3, 1, 0, 20], SSL_R_TLSV1_ALERT_DECODE_ERROR),
        ] as [([UInt8], Int32)]
    )
    func alertsSayWhy(bytes: [UInt8], reason: Int32) throws {
        var connection = unsafe try connect()
        try exchange(&connection)
        connection.pair.sendRaw(bytes)
        #expect(readOnce(&connection.server).result == .failed(SystemError("SSL_read", code: EPROTO)))
        let lastError = connection.server.lastError
        let error = try #require(lastError)
        #expect(error.stage == .read)
        #expect(error.isNoise)
        #expect(!error.reason.hasPrefix("error "))
        #expect(connection.server.isEstablished == false)
        let sent = connection.server.sentCount
        #expect(readOnce(&connection.client).result == .failed(SystemError("SSL_read", code: EPROTO)))
        let lastSeen = connection.client.lastError
        let seen = try #require(lastSeen)
        #expect(seen.category == .peerAlert)
        #expect(Int32(seen.code & 0x7F_FFFF) == reason)
        // Once is enough.
        guard case .failed = readOnce(&connection.server).result else {
            Issue.record("read on")
            return
        }
        #expect(connection.server.shutdown() == .done)
        #expect(connection.server.sentCount == sent)
    }

    @Test func theClientsAlertIsNamed() throws {
        var connection = unsafe try connect()
        // The client finds a record that nobody sealed, and says so.
        let junk: [UInt8] = [23, 3, 3, 0, 20] + [UInt8](repeating: 1, count: 20)
        _ = receive(&connection.client)
        let sent = unsafe send(connection.pair.server, junk, junk.count, 0)
        #expect(sent == junk.count)
        guard case .failed = readOnce(&connection.client).result else {
            Issue.record("took junk")
            return
        }
        guard case .failed = readOnce(&connection.server).result else {
            Issue.record("took no note")
            return
        }
        let lastError = connection.server.lastError
        let error = try #require(lastError)
        #expect(error.category == .peerAlert)
        #expect(error.reason.contains("bad record mac"))
    }

    @Test func secretsAreKeptNowhereElse() throws {
        let connection = unsafe try connect()
        let isForgotten = unsafe connection.server.transport.pointee.secrets.isEmpty
        #expect(isForgotten)
        let older = unsafe try connect(protocols: [.v1_2])
        let isForgottenToo = unsafe older.server.transport.pointee.secrets.isEmpty
        #expect(isForgottenToo)
    }
}
