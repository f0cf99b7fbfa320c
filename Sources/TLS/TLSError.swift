internal import COpenSSL
internal import Glibc

/// Why a context could not be made, or a session failed.
package struct TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was being done.
    package enum Stage: UInt8, Sendable {
        case loadingCertificate, loadingKey, matchingKey, loadingAuthorities, loadingRevocations, loadingStaple,
            settings
        case handshake, read, write
    }

    /// What kind of failure it was, for whoever logs it.
    package enum Category: UInt8, Sendable {
        /// The peer spoke plain HTTP.
        case plainHTTP
        /// No version of the protocol in common, or not TLS at all.
        case protocolMismatch
        /// No cipher suite, group, signature algorithm or application protocol in common.
        case noSharedCipher
        /// A certificate didn't verify, or was missing.
        case certificateVerify
        /// The peer refused, with an alert.
        case peerAlert
        /// The peer went away.
        case peerReset
        /// No virtual server takes handshakes for the name.
        case rejectedName
        case other
    }

    package let stage: Stage
    package let category: Category
    /// The file at fault, where one is.
    package let file: String?
    /// OpenSSL's packed error code, or 0.
    package let code: UInt
    /// `errno` of the failed system call, or 0.
    package let systemCode: Int32
    /// X509_V_ERR_… of a certificate that didn't verify, or 0.
    package let verification: Int
    private let note: String?

    init(
        _ stage: Stage,
        category: Category = .other,
        file: String? = nil,
        code: UInt = 0,
        systemCode: Int32 = 0,
        verification: Int = 0,
        note: String? = nil
    ) {
        self.stage = stage
        self.category = category
        self.file = file
        self.code = code
        self.systemCode = systemCode
        self.verification = verification
        self.note = note
    }

    /// The first error on this thread's queue, which is emptied. The first is the cause; later ones only say who passed it on.
    static func drained(_ stage: Stage, file: String? = nil, note: String? = nil) -> TLSError {
        let code = ERR_get_error()
        ERR_clear_error()
        return TLSError(stage, category: category(of: code), file: file, code: code, note: note)
    }

    /// Whether this is a client's routine failure, which is no news to an operator.
    package var isNoise: Bool {
        switch stage {
        case .handshake, .read, .write: category != .other || code == 0 || Self.isPeersFault(code)
        default: false
        }
    }

    /// The SSL library numbers what a peer does wrong below 1256; OpenSSL's own troubles (memory, internal errors) lie above.
    private static func isPeersFault(_ code: UInt) -> Bool {
        code & 0x8000_0000 == 0 && ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) < 1256
    }

    /// OpenSSL's words for what went wrong, or the system's.
    package var reason: String {
        if let note { return note }
        if verification != 0, let text = unsafe X509_verify_cert_error_string(verification) {
            return unsafe String(cString: text)
        }
        if systemCode != 0 { return unsafe String(cString: strerror(systemCode)) }
        if code == 0 { return "the peer closed the connection" }
        // System errors come packed with errno where other libraries have a reason.
        if code & 0x8000_0000 != 0 { return unsafe String(cString: strerror(Int32(code & 0x7FFF_FFFF))) }
        guard let text = unsafe ERR_reason_error_string(code) else { return "error \(String(code, radix: 16))" }
        return unsafe String(cString: text)
    }

    package var description: String {
        let what =
            switch stage {
            case .loadingCertificate: "can't load the certificate"
            case .loadingKey: "can't load the private key"
            case .matchingKey: "the private key doesn't belong to the certificate"
            case .loadingAuthorities: "can't load the certificate authorities"
            case .loadingRevocations: "can't load the certificate revocation lists"
            case .loadingStaple: "can't load the OCSP response"
            case .settings: "can't apply the TLS settings"
            case .handshake: "TLS handshake failed"
            case .read: "TLS read failed"
            case .write: "TLS write failed"
            }
        return file.map { "\(what) \"\($0)\": \(reason)" } ?? "\(what): \(reason)"
    }

    static func category(of code: UInt) -> Category {
        guard code != 0, code & 0x8000_0000 == 0, ERR_GET_LIB(code) == ERR_LIB_SSL else { return .other }
        let reason = ERR_GET_REASON(code)
        switch reason {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: return .plainHTTP
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_VERSION_NUMBER, SSL_R_UNKNOWN_PROTOCOL, SSL_R_VERSION_TOO_LOW,
            SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_INAPPROPRIATE_FALLBACK, SSL_R_PACKET_LENGTH_TOO_LONG,
            SSL_R_WRONG_SSL_VERSION, SSL_R_BAD_RECORD_TYPE, SSL_R_UNEXPECTED_MESSAGE, SSL_R_BAD_PROTOCOL_VERSION_NUMBER,
            SSL_R_LENGTH_MISMATCH, SSL_R_LENGTH_TOO_SHORT, SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_BAD_LENGTH,
            SSL_R_DATA_LENGTH_TOO_LONG,
            SSL_R_ENCRYPTED_LENGTH_TOO_LONG, SSL_R_UNEXPECTED_RECORD, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC,
            SSL_R_BAD_EXTENSION, SSL_R_RECORD_TOO_SMALL, SSL_R_UNEXPECTED_CCS_MESSAGE, SSL_R_NO_RENEGOTIATION,
            SSL_R_BAD_PACKET, SSL_R_CCS_RECEIVED_EARLY, SSL_R_APP_DATA_IN_HANDSHAKE, SSL_R_EXCESSIVE_MESSAGE_SIZE,
            SSL_R_DIGEST_CHECK_FAILED, SSL_R_BAD_DIGEST_LENGTH, SSL_R_BAD_CHANGE_CIPHER_SPEC:
            return .protocolMismatch
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_GROUPS,
            SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
            SSL_R_NO_APPLICATION_PROTOCOL, SSL_R_NO_CIPHERS_SPECIFIED, SSL_R_NO_SUITABLE_GROUPS,
            SSL_R_WRONG_SIGNATURE_TYPE, SSL_R_BAD_ECPOINT, SSL_R_WRONG_CURVE:
            return .noSharedCipher
        case SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return .certificateVerify
        case SSL_R_UNEXPECTED_EOF_WHILE_READING: return .peerReset
        case SSL_R_CALLBACK_FAILED, SSL_R_CLIENTHELLO_TLSEXT: return .rejectedName
        // Alerts the peer sent are numbered from here (RFC 8446, 6).
        case 1000..<1256: return .peerAlert
        default: return .other
        }
    }
}
