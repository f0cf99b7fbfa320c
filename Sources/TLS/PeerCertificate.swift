package import Bytes
internal import COpenSSL
internal import Glibc

/// What a client's certificate says, taken out of it when the handshake ends: OpenSSL's own copy goes with its session.
///
/// Texts are as Nginx's variables have them, printable ASCII throughout: they can stand in a field.
package final class PeerCertificate: Sendable {
    /// Whether it verified; never `.none`.
    package let verification: PeerVerification
    /// Distinguished names (RFC 2253), bytes beyond ASCII escaped.
    package let subject: [UInt8]
    package let issuer: [UInt8]
    /// Hexadecimal digits, upper case.
    package let serial: [UInt8]
    /// SHA-1 of the certificate in hexadecimal digits, lower case.
    package let fingerprint: [UInt8]
    /// `Nov 22 20:41:20 2026 GMT`
    package let start: [UInt8]
    package let end: [UInt8]
    /// `end` in seconds of the Unix epoch.
    package let expiry: Int
    private let encoded: [UInt8]

    /// The certificate that a peer of `session` showed; nil where it showed none.
    init?(of session: OpaquePointer) {
        guard let certificate = unsafe SSL_get0_peer_certificate(session) else { return nil }
        let result = unsafe SSL_get_verify_result(session)
        verification = result == Int(X509_V_OK) ? .verified : .failed(result)
        subject = unsafe Self.text {
            unsafe X509_NAME_print_ex($0, X509_get_subject_name(certificate), 0, COPENSSL_NAME_ASCII)
        }
        issuer = unsafe Self.text {
            unsafe X509_NAME_print_ex($0, X509_get_issuer_name(certificate), 0, COPENSSL_NAME_ASCII)
        }
        serial = unsafe Self.text { unsafe i2a_ASN1_INTEGER($0, X509_get0_serialNumber(certificate)) }
        start = unsafe Self.text { unsafe ASN1_TIME_print($0, X509_get0_notBefore(certificate)) }
        end = unsafe Self.text { unsafe ASN1_TIME_print($0, X509_get0_notAfter(certificate)) }
        encoded = unsafe Self.text { unsafe i2d_X509_bio($0, certificate) }
        var time = unsafe tm()
        expiry = unsafe ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1 ? unsafe timegm(&time) : 0
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        _ = unsafe X509_digest(certificate, EVP_sha1(), &digest, &count)
        fingerprint = digest[..<Int(count)].flatMap {
            [ASCII.lowercaseHexDigit($0 >> 4), ASCII.lowercaseHexDigit($0 & 15)]
        }
        ERR_clear_error()
    }

    /// Appends the certificate in PEM form, escaped as part of a URI is (RFC 3986, section 2.1).
    package func appendEscaped(to buffer: inout ByteBuffer) {
        buffer.append("-----BEGIN%20CERTIFICATE-----%0A")
        var position = 0
        while position < encoded.count {
            let count = min(3, encoded.count - position)
            var bits: UInt32 = 0
            for step in 0..<3 { bits = bits << 8 | (step < count ? UInt32(encoded[position + step]) : 0) }
            for step in 0..<4 {
                if step > count {
                    buffer.append("%3D")
                } else {
                    Self.appendDigit(bits >> UInt32(18 - 6 * step) & 63, to: &buffer)
                }
            }
            position += count
            if position % 48 == 0 || position == encoded.count { buffer.append("%0A") }
        }
        buffer.append("-----END%20CERTIFICATE-----%0A")
    }

    private static func appendDigit(_ value: UInt32, to buffer: inout ByteBuffer) {
        switch UInt8(truncatingIfNeeded: value) {
        case let digit where digit < 26: buffer.append(0x41 + digit)
        case let digit where digit < 52: buffer.append(0x61 + digit - 26)
        case let digit where digit < 62: buffer.append(0x30 + digit - 52)
        case 62: buffer.append("%2B")
        default: buffer.append("%2F")
        }
    }

    /// What `print` writes; empty where it fails.
    private static func text(_ print: (OpaquePointer?) -> Int32) -> [UInt8] {
        guard let memory = unsafe BIO_new(BIO_s_mem()) else { return [] }
        defer { unsafe BIO_free(memory) }
        guard unsafe print(memory) >= 0 else { return [] }
        let available = unsafe BIO_ctrl_pending(memory)
        var bytes = [UInt8](repeating: 0, count: available)
        let count = unsafe BIO_read(memory, &bytes, Int32(available))
        return Array(bytes.prefix(max(0, Int(count))))
    }
}

extension ClientVerification {
    /// What this makes of a client that has shaken hands.
    package enum Verdict: Sendable, Equatable {
        case admitted
        /// It showed no certificate.
        case missing
        /// It showed one that doesn't verify.
        case untrusted
    }

    /// Judges as Nginx does: no mode admits a certificate that fails for more than an unknown issuer.
    package func judge(_ verification: PeerVerification) -> Verdict {
        if self == .off { return .admitted }
        switch verification {
        case .verified: return .admitted
        case .none: return self == .required ? .missing : .admitted
        case .failed(let code): return self == .optionalNoCA && Self.isUnknownIssuer(code) ? .admitted : .untrusted
        }
    }

    private static func isUnknownIssuer(_ code: Int) -> Bool {
        switch Int32(truncatingIfNeeded: code) {
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            true
        default: false
        }
    }
}

extension PeerVerification {
    /// Why it failed, in OpenSSL's words; empty where it didn't.
    package var reason: StaticText {
        guard case .failed(let code) = self, let text = unsafe X509_verify_cert_error_string(code) else {
            return StaticText()
        }
        return unsafe StaticText(text)
    }
}

/// Text of OpenSSL's that stays where it is, for as long as the process runs.
@safe
package struct StaticText: Sendable, CustomStringConvertible {
    private nonisolated(unsafe) let start: UnsafePointer<CChar>?

    init() { unsafe start = nil }
    init(_ start: UnsafePointer<CChar>) { unsafe self.start = start }

    package func append(to buffer: inout ByteBuffer) {
        guard let start = unsafe start else { return }
        var position = 0
        while unsafe start[position] != 0 {
            unsafe buffer.append(UInt8(bitPattern: start[position]))
            position += 1
        }
    }

    package var description: String { unsafe start.map { unsafe String(cString: $0) } ?? "" }
}
