package import Bytes
internal import COpenSSL

/// Whether the peer proved itself with a certificate.
package enum PeerVerification: Sendable, Equatable {
    /// It sent none.
    case none
    case verified
    /// It sent one that doesn't verify: an X509_V_ERR_… code (X509_STORE_CTX_get_error(3)).
    case failed(Int)
}

/// What the getters below say once OpenSSL's session is gone.
struct Agreement {
    let suite: RecordSuite
    let applicationProtocol: ApplicationProtocol?
    let isResumed: Bool
}

/// What was agreed on, and with whom.
extension TLSSession {
    private var agreement: Agreement? { unsafe transport.pointee.agreement }

    /// What ALPN chose; nil where the peer doesn't offer it.
    package var applicationProtocol: ApplicationProtocol? {
        if let agreement { return agreement.applicationProtocol }
        var start: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(session, &start, &count)
        guard let start = unsafe start, count > 0 else { return nil }
        let isHTTP2 = unsafe count == 2 && start[0] == 0x68 && start[1] == 0x32
        return isHTTP2 ? .http2 : .http11
    }

    /// The name that the client asked for, in lower case; empty where it named none.
    package func appendServerName(to buffer: inout ByteBuffer) {
        unsafe buffer.append(transport.pointee.serverName.span)
    }

    /// Whether the client asked for a name.
    package var hasServerName: Bool { unsafe !transport.pointee.serverName.isEmpty }

    /// The version as logs show it: `TLSv1.3`.
    package var protocolName: StaticString {
        if agreement != nil { return "TLSv1.3" }
        return switch unsafe SSL_version(session) {
        case TLS1_3_VERSION: "TLSv1.3"
        case TLS1_2_VERSION: "TLSv1.2"
        case TLS1_1_VERSION: "TLSv1.1"
        case TLS1_VERSION: "TLSv1"
        default: "unknown"
        }
    }

    /// Appends the cipher suite as logs show it, in OpenSSL's notation.
    package func appendCipherName(to buffer: inout ByteBuffer) {
        if let agreement {
            buffer.append(agreement.suite.name)
            return
        }
        guard let cipher = unsafe SSL_get_current_cipher(session), let name = unsafe SSL_CIPHER_get_name(cipher) else {
            return
        }
        var position = 0
        while unsafe name[position] != 0 {
            unsafe buffer.append(UInt8(bitPattern: name[position]))
            position += 1
        }
    }

    /// Whether an earlier session was resumed.
    package var isResumed: Bool {
        if let agreement { return agreement.isResumed }
        return unsafe SSL_session_reused(session) == 1
    }

    /// What a client showed of itself; nil where it was not asked, or showed nothing. A server's side only.
    package var peerCertificate: PeerCertificate? { unsafe transport.pointee.certificate }

    /// Takes the facts out of a client's certificate, new or of the session it resumed.
    func keepCertificate() {
        guard let session = unsafe session,
            let context = unsafe transport.pointee.context?.takeUnretainedValue(),
            context.settings.clientVerification != .off
        else { return }
        unsafe transport.pointee.certificate = PeerCertificate(of: session)
    }

    package var peerVerification: PeerVerification {
        if let certificate = peerCertificate { return certificate.verification }
        guard let session = unsafe session, unsafe SSL_get0_peer_certificate(session) != nil else { return .none }
        let result = unsafe SSL_get_verify_result(session)
        return result == Int(X509_V_OK) ? .verified : .failed(result)
    }

    /// Appends the subject of the peer's certificate (RFC 2253); nothing where it showed none.
    package func appendPeerSubject(to buffer: inout ByteBuffer) {
        if let certificate = peerCertificate {
            let subject = certificate.subject
            buffer.append(subject.span)
            return
        }
        guard let session = unsafe session,
            let certificate = unsafe SSL_get0_peer_certificate(session),
            let memory = unsafe BIO_new(BIO_s_mem())
        else { return }
        defer { unsafe BIO_free(memory) }
        let flags = COPENSSL_NAME_RFC2253
        guard unsafe X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, flags) >= 0 else { return }
        let count = unsafe BIO_ctrl_pending(memory)
        guard count > 0 else { return }
        _ = unsafe buffer.withWritable(minimum: count) { space in
            unsafe max(0, Int(BIO_read(memory, space.baseAddress, Int32(count))))
        }
    }

    /// Bytes received from the descriptor so far.
    package var receivedCount: UInt64 { unsafe transport.pointee.receivedCount }
    /// Bytes sent to the descriptor so far.
    package var sentCount: UInt64 { unsafe transport.pointee.sentCount }
}
