import COpenSSL
import EventLoop
import Glibc
import Testing

@testable import TLS

@Suite struct FailureTests {
    let certificates = TestCertificates()

    func listener() throws -> ListenerTLS {
        try ListenerTLS(defaultContext: ServerContext(ServerTLSSettings(certificates: [certificates.make("server")])))
    }

    func client(_ protocols: Set<TLSProtocol> = [.v1_2, .v1_3]) throws -> ClientContext {
        var settings = ClientTLSSettings()
        settings.authorityFile = certificates.authorityFile
        settings.protocols = protocols
        return try ClientContext(settings)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", TLSError.Category.plainHTTP),
        ("POST / HTTP/1.1\r\n\r\n", .plainHTTP), ("HEAD / HTTP/1.0\r\n\r\n", .plainHTTP),
        ("CONNECT a:443 HTTP/1.1\r\n\r\n", .plainHTTP),
        ("SSH-2.0-OpenSSH_9.2p1\r\n", .protocolMismatch), ("\u{16}\u{3}\u{1}\0\u{4}\u{1}\0\0\0", .protocolMismatch),
    ])
    func whatIsNotTLS(sent: String, expected: TLSError.Category) throws {
        let pair = SocketPair()
        var server = try TLSSession(server: listener(), descriptor: pair.server)
        pair.sendRaw(Array(sent.utf8))
        guard case .failed(let error) = server.handshake() else {
            Issue.record("took \(sent) for TLS")
            return
        }
        #expect(error.category == expected, "\(error)")
        #expect(error.isNoise)
        #expect(server.handshake() == .failed(error))
        #expect(server.shutdown() == .done)
    }

    @Test func otherMethodsOfPlainHTTPAreRecognised() throws {
        for method in ["DELETE", "OPTIONS", "PATCH", "PUT", "PROPFIND", "PRI"] {
            let pair = SocketPair()
            var server = try TLSSession(server: listener(), descriptor: pair.server)
            pair.sendRaw(Array("\(method) /path HTTP/1.1\r\n\r\n".utf8))
            guard case .failed(let error) = server.handshake() else {
                Issue.record("took \(method) for TLS")
                continue
            }
            #expect(error.category == .plainHTTP, "\(method)")
        }
    }

    @Test func peerThatLeavesIsNoNews() throws {
        let pair = SocketPair()
        var server = try TLSSession(server: listener(), descriptor: pair.server)
        #expect(server.handshake() == .wantsRead)
        pair.closeClient()
        guard case .failed(let error) = server.handshake() else {
            Issue.record("nobody is there")
            return
        }
        #expect(error.category == .peerReset)
        #expect(error.isNoise)
    }

    @Test func anotherSessionsErrorDoesNoHarm() throws {
        var connection = try Connection(listener(), client())
        #expect(connection.shakeHands() == (.done, .done))
        func soil() {
            let empty = unsafe BIO_new(BIO_s_mem())
            unsafe #expect(PEM_read_bio_X509(empty, nil, nil, nil) == nil)
            unsafe BIO_free(empty)
        }
        soil()
        #expect(readOnce(&connection.server).result == .wantsRead)
        soil()
        #expect(writeOnce(&connection.server, [1]) == .bytes(1))
        soil()
        #expect(readOnce(&connection.client).bytes == [1])
        soil()
        var fresh = try Connection(listener(), client())
        soil()
        #expect(fresh.shakeHands() == (.done, .done))
        ERR_clear_error()
    }

    @Test func garbageAmongRecordsBreaksTheSession() throws {
        var connection = try Connection(listener(), client())
        #expect(connection.shakeHands() == (.done, .done))
        connection.pair.sendRaw([23, 3, 3, 0, 32] + Array(repeating: 0xAA, count: 32))
        #expect(readOnce(&connection.server).result == .failed(SystemError("SSL_read", code: EPROTO)))
        #expect(connection.server.lastError?.isNoise == true)
        #expect(connection.server.lastError?.stage == .read)
        #expect(writeOnce(&connection.server, [1]) == .failed(SystemError("SSL_write", code: EPIPE)))
        #expect(connection.server.shutdown() == .done)
    }

    @Test func closeNotifyIsNotTruncation() throws {
        var connection = try Connection(listener(), client())
        #expect(connection.shakeHands() == (.done, .done))
        #expect(writeOnce(&connection.client, [7]) == .bytes(1))
        #expect(connection.client.shutdown() == .done)
        #expect(connection.client.shutdown() == .done)
        connection.pair.closeClient()
        #expect(readOnce(&connection.server).bytes == [7])
        #expect(readOnce(&connection.server).result == .endOfStream)
        #expect(connection.server.isTruncated == false)
    }

    @Test(arguments: [TLSProtocol.v1_2, .v1_3])
    func endWithoutCloseNotifyIs(version: TLSProtocol) throws {
        var connection = try Connection(listener(), client([version]))
        #expect(connection.shakeHands() == (.done, .done))
        #expect(writeOnce(&connection.client, [7]) == .bytes(1))
        // A socket closed with something unread would reset the connection.
        _ = receive(&connection.client)
        connection.pair.closeClient()
        #expect(readOnce(&connection.server).bytes == [7])
        #expect(readOnce(&connection.server).result == .endOfStream)
        #expect(connection.server.isTruncated == true)
    }

    @Test func renegotiationIsRefused() throws {
        var connection = try Connection(listener(), client([.v1_2]))
        #expect(connection.shakeHands() == (.done, .done))
        // The client's own context would not start one.
        unsafe SSL_clear_options(connection.client.session, COPENSSL_OP_NO_RENEGOTIATION)
        #expect(unsafe SSL_renegotiate(connection.client.session) == 1)
        #expect(unsafe SSL_do_handshake(connection.client.session) <= 0)
        #expect(connection.client.flush() == .done)
        #expect(readOnce(&connection.server).result == .wantsRead)
        #expect(unsafe SSL_do_handshake(connection.client.session) <= 0)
        #expect(ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION)
        ERR_clear_error()
    }

    @Test func anAbandonedSessionLeavesNothing() throws {
        let listener = try listener()
        for _ in 0..<50 {
            let pair = SocketPair()
            var server = try TLSSession(server: listener, descriptor: pair.server)
            pair.sendRaw([22, 3, 1])
            #expect(server.handshake() == .wantsRead)
        }
    }
}
