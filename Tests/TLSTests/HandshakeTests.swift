import Bytes
import COpenSSL
import EventLoop
import Testing

@testable import TLS

@Suite struct HandshakeTests {
    let certificates = TestCertificates()

    func client(_ change: (inout ClientTLSSettings) -> Void = { _ in }) throws -> ClientContext {
        var settings = ClientTLSSettings()
        settings.authorityFile = certificates.authorityFile
        change(&settings)
        return try ClientContext(settings)
    }

    func listener(_ change: (inout ServerTLSSettings) -> Void = { _ in }) throws -> ListenerTLS {
        var settings = ServerTLSSettings(certificates: [certificates.make("server")])
        change(&settings)
        return try ListenerTLS(defaultContext: ServerContext(settings))
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func exchangesBytes(version: TLSProtocol) throws {
        var connection = try Connection(listener(), client { $0.protocols = [version] })
        #expect(connection.shakeHands() == (.done, .done))
        #expect(connection.server.protocolName.description == version.description)
        #expect(writeOnce(&connection.client, Array("ping".utf8)) == .bytes(4))
        #expect(receive(&connection.server) == Array("ping".utf8))
        #expect(writeOnce(&connection.server, Array("pong".utf8)) == .bytes(4))
        #expect(receive(&connection.client) == Array("pong".utf8))
        #expect(connection.server.isReadDrained == true)
        #expect(connection.server.isResumed == false)
        #expect(connection.server.sentCount == connection.client.receivedCount)
        #expect(connection.client.peerVerification == .verified)
        var text = ByteBuffer()
        connection.server.appendCipherName(to: &text)
        text.append(" ")
        connection.client.appendPeerSubject(to: &text)
        #expect(text.readableCount > 14)
    }

    @Test(arguments: [TestCertificates.Kind.ecdsa, .rsa])
    func takesTheCertificateTheClientCanUse(kind: TestCertificates.Kind) throws {
        let files = [certificates.make("rsa", kind: .rsa), certificates.make("ecdsa")]
        var connection = try Connection(
            listener { $0.certificates = files },
            client {
                $0.protocols = [.v1_2]
                $0.ciphers = kind == .rsa ? "ECDHE-RSA-AES128-GCM-SHA256" : "ECDHE-ECDSA-AES128-GCM-SHA256"
            }
        )
        #expect(connection.shakeHands() == (.done, .done))
    }

    @Test func protocolSetMayHaveGaps() throws {
        var refused = try Connection(listener { $0.protocols = [.v1_3] }, client { $0.protocols = [.v1_2] })
        guard case .failed(let error) = refused.shakeHands().server else {
            Issue.record("a version that is off was taken")
            return
        }
        #expect(error.category == .protocolMismatch)
        #expect(error.isNoise)
        #expect(throws: TLSError.self) { try listener { $0.protocols = [] } }
    }

    @Test func obsoleteVersionsAreReported() throws {
        var settings = ServerTLSSettings(certificates: [certificates.make("old")])
        settings.protocols = [.v1_0, .v1_1, .v1_2]
        let context = try ServerContext(settings)
        let level = unsafe SSL_CTX_get_security_level(context.handle.pointer)
        #expect(context.unsupportedProtocols == (level > 0 ? [.v1_0, .v1_1] : []))
    }

    @Test func noSharedCipher() throws {
        var connection = try Connection(
            listener { $0.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" },
            client {
                $0.protocols = [.v1_2]
                $0.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"
            }
        )
        guard case .failed(let error) = connection.shakeHands().server else {
            Issue.record("shook hands without a cipher")
            return
        }
        #expect(error.category == .noSharedCipher)
    }

    @Test(
        arguments: [
            ([.http2, .http11], [.http11, .http2], .http2),
            ([.http11], [.http2, .http11], .http11),
            ([.http2, .http11], [.http11], .http11),
            ([], [.http2], nil),
            ([.http2], [], nil),
        ] as [([ApplicationProtocol], [ApplicationProtocol], ApplicationProtocol?)]
    )
    func applicationProtocol(
        server: [ApplicationProtocol],
        client offered: [ApplicationProtocol],
        expected: ApplicationProtocol?
    ) throws {
        var connection = try Connection(
            listener { $0.applicationProtocols = server },
            client { $0.applicationProtocols = offered }
        )
        #expect(connection.shakeHands() == (.done, .done))
        #expect(connection.server.applicationProtocol == expected)
        #expect(connection.client.applicationProtocol == expected)
    }

    @Test func noSharedApplicationProtocolEndsTheHandshake() throws {
        var connection = try Connection(
            listener { $0.applicationProtocols = [.http2] },
            client { $0.applicationProtocols = [.http11] }
        )
        guard case .failed(let error) = connection.shakeHands().server else {
            Issue.record("shook hands without a protocol")
            return
        }
        #expect(error.category == .noSharedCipher)
    }

    @Test(
        arguments: [
            ("a.example.com", "a"), ("b.example.com", "wild"), ("mail.test", "mail"), ("A.EXAMPLE.COM", "a"),
            ("nobody.test", "default"), (nil, "default"),
        ] as [(String?, String)]
    )
    func serverNamePicksTheContext(name: String?, expected: String) throws {
        func context(_ subject: String) throws -> ServerContext {
            try ServerContext(ServerTLSSettings(certificates: [certificates.make(subject, names: [subject])]))
        }
        let listener = try ListenerTLS(
            defaultContext: context("default"),
            names: [
                ("a.example.com", context("a")), ("*.example.com", context("wild")), ("mail.*", context("mail")),
            ]
        )
        var connection = try Connection(listener, client { $0.verifiesPeer = false }, name: name)
        #expect(connection.shakeHands() == (.done, .done))
        var subject = ByteBuffer()
        connection.client.appendPeerSubject(to: &subject)
        #expect(text(subject) == "CN=\(expected)")
        var asked = ByteBuffer()
        connection.server.appendServerName(to: &asked)
        #expect(text(asked) == name?.lowercased() ?? "")
        #expect(connection.server.hasServerName == (name != nil))
    }

    @Test func rejectedNameGetsAnAlert() throws {
        var rejecting = ServerTLSSettings(certificates: [])
        rejecting.rejectsHandshake = true
        let good = try ServerContext(ServerTLSSettings(certificates: [certificates.make("good", names: ["good.test"])]))
        let listener = try ListenerTLS(defaultContext: ServerContext(rejecting), names: [("good.test", good)])
        var refused = try Connection(listener, client(), name: "bad.test")
        guard case .failed(let error) = refused.shakeHands().server else {
            Issue.record("the name was accepted")
            return
        }
        #expect(error.category == .rejectedName)
        #expect(refused.client.lastError?.category == .peerAlert)
        var accepted = try Connection(listener, client(), name: "good.test")
        #expect(accepted.shakeHands() == (.done, .done))
    }

    @Test func clientInsistsOnTheName() throws {
        var connection = try Connection(listener(), client(), name: "other.test")
        guard case .failed(let error) = connection.shakeHands().client else {
            Issue.record("a certificate for another name was believed")
            return
        }
        #expect(error.category == .certificateVerify)
        #expect(error.verification == Int(X509_V_ERR_HOSTNAME_MISMATCH))
    }

    @Test func clientTakesAnAddress() throws {
        let files = certificates.make("address", names: ["localhost", "127.0.0.1"])
        var connection = try Connection(listener { $0.certificates = [files] }, client(), name: "127.0.0.1")
        #expect(connection.shakeHands() == (.done, .done))
        #expect(connection.server.hasServerName == false)
    }

    @Test func verifyingWithoutNameIsRefused() throws {
        let pair = SocketPair()
        let context = try client()
        #expect(throws: TLSError.self) {
            _ = try TLSSession(client: context, descriptor: pair.client, serverName: nil)
        }
    }

    /// The handshake succeeds whatever a client shows: what counts is how it is judged.
    @Test(
        arguments: [
            (.required, true, .verified, .admitted), (.required, false, PeerVerification.none, .missing),
            (.optional, false, .none, .admitted), (.optional, true, .verified, .admitted),
            (.optionalNoCA, true, .verified, .admitted), (.off, true, .none, .admitted),
        ] as [(ClientVerification, Bool, PeerVerification, ClientVerification.Verdict)]
    )
    func clientCertificates(
        mode: ClientVerification,
        shows: Bool,
        expected: PeerVerification,
        verdict: ClientVerification.Verdict
    ) throws {
        let files = certificates.make("person", names: ["person"])
        var connection = try Connection(
            listener {
                $0.clientVerification = mode
                $0.clientAuthorityFile = certificates.authorityFile
            },
            client { if shows { $0.certificate = files } }
        )
        #expect(connection.shakeHands().server == .done)
        #expect(connection.server.peerVerification == expected)
        #expect(mode.judge(connection.server.peerVerification) == verdict)
    }

    /// 10 is an expired certificate, 18 to 21 are unknown issuers, 23 a revoked one.
    @Test(arguments: [10, 18, 19, 20, 21, 23])
    func whatDoesNotVerifyIsAdmittedOnlyForAnUnknownIssuer(code: Int) {
        for mode in [ClientVerification.required, .optional] { #expect(mode.judge(.failed(code)) == .untrusted) }
        #expect(ClientVerification.optionalNoCA.judge(.failed(code)) == (18...21 ~= code ? .admitted : .untrusted))
        #expect(ClientVerification.off.judge(.failed(code)) == .admitted)
    }

    @Test func clientsAreVerifiedBySomebody() {
        #expect(throws: TLSError.self) { try listener { $0.clientVerification = .required } }
        for change in [
            { $0.clientTrustedFile = "/nowhere" }, { $0.clientRevocationFile = "/nowhere" },
        ] as [(inout ServerTLSSettings) -> Void] {
            let error = #expect(throws: TLSError.self) { try listener { change(&$0) } }
            #expect(error?.file == "/nowhere")
        }
    }

    @Test func stapleIsAResponse() {
        certificates.write("staple.der", "not a response")
        let error = #expect(throws: TLSError.self) { try listener { $0.stapleFile = certificates.path("staple.der") } }
        #expect(error?.stage == .loadingStaple)
    }

    @Test func responseIsStapled() throws {
        // An OCSPResponse that says "unauthorized".
        certificates.write("staple.der", "\u{30}\u{03}\u{0A}\u{01}\u{06}")
        let listener = try listener { $0.stapleFile = certificates.path("staple.der") }
        var connection = try Connection(listener, client())
        unsafe SSL_ctrl(connection.client.session, SSL_CTRL_SET_TLSEXT_STATUS_REQ_TYPE, 1, nil)
        #expect(connection.shakeHands() == (.done, .done))
        var response: UnsafeMutableRawPointer?
        let count = unsafe withUnsafeMutablePointer(to: &response) { place in
            unsafe SSL_ctrl(connection.client.session, SSL_CTRL_GET_TLSEXT_STATUS_REQ_OCSP_RESP, 0, place)
        }
        #expect(count == 5)
    }
}

func text(_ buffer: borrowing ByteBuffer) -> String {
    unsafe buffer.withReadable { bytes in unsafe String(decoding: bytes, as: UTF8.self) }
}
