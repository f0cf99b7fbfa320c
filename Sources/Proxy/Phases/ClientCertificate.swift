import Bytes
import TLS

/// `ssl_verify_client`: what a server makes of the certificate that the client showed in its handshake.
///
/// It is a condition to be met before anything else is looked at, and says nothing of who the client is: a login stays one.
struct ClientCertificate {
    /// The answer to a client that doesn't meet the condition, as Nginx has it (its statuses 495 and 496).
    static func refuse(_ request: RequestContext, _ server: Ref<ServerRuntime>) -> Reply? {
        // A stream of HTTP/2 has met what its connection has.
        let client = request.client.connection
        guard server.value.clientVerification != .off, client.value.transport.isSecure else { return nil }
        var reply = Reply(400)
        reply.closes = true
        switch server.value.clientVerification.judge(client.value.transport.peerVerification) {
        case .admitted: return nil
        case .missing:
            request.exchange.value.refusal = .certificateMissing
            reply.body = .certificateMissing
        case .untrusted:
            request.exchange.value.refusal = .certificateUntrusted
            reply.body = .certificateUntrusted
        }
        return reply
    }
}

extension RequestContext {
    /// Appends a variable of the client's certificate; nothing where it showed none, but for `$ssl_client_verify`.
    func appendCertificate(_ code: VariableCode, to output: inout ByteBuffer) {
        let client = client.connection
        guard client.value.transport.isSecure else { return }
        guard let certificate = client.value.transport.peerCertificate else {
            if code == .tlsClientVerify { output.append("NONE") }
            return
        }
        switch code {
        case .tlsClientVerify:
            if certificate.verification == .verified {
                output.append("SUCCESS")
            } else {
                output.append("FAILED:")
                certificate.verification.reason.append(to: &output)
            }
        case .tlsClientEscapedCertificate:
            certificate.appendEscaped(to: &output)
        case .tlsClientRemaining:
            let seconds = certificate.expiry - Int(environment.value.time.milliseconds) / 1000
            output.append(decimal: UInt64(max(0, seconds) / 86_400))
        case .tlsClientSubject: Self.append(certificate.subject, to: &output)
        case .tlsClientIssuer: Self.append(certificate.issuer, to: &output)
        case .tlsClientSerial: Self.append(certificate.serial, to: &output)
        case .tlsClientFingerprint: Self.append(certificate.fingerprint, to: &output)
        case .tlsClientStart: Self.append(certificate.start, to: &output)
        case .tlsClientEnd: Self.append(certificate.end, to: &output)
        default: break
        }
    }

    private static func append(_ text: [UInt8], to output: inout ByteBuffer) { output.append(text.span) }
}
