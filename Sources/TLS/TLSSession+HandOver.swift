internal import Bytes
internal import COpenSSL

/// From OpenSSL, which has shaken hands, to `RecordProtection`, which does the rest.
///
/// An `SSL` is kilobytes of state for what an established session will never do again, and much of what it does per record
/// is to look things up. What is left to do is small: RFC 8446, sections 5 and 4.6.3.
extension TLSSession {
    /// Takes the session over, if it is a server's of TLS 1.3 and everything proves to be as it should; else OpenSSL goes on.
    ///
    /// Proved is: that OpenSSL has received nothing beyond the handshake; that it has sent one record under the session's
    /// keys; and that this record, a ticket, opens with the key that was derived here, under the first number.
    ///
    /// - Parameter mark: where in `pending` begins what OpenSSL emitted in the handshake's last step.
    mutating func handOver(emittedFrom mark: Int) {
        let transport = unsafe transport
        guard unsafe transport.pointee.isFraming else { return }
        unsafe transport.pointee.isFraming = false
        guard let finished = unsafe session, unsafe SSL_version(finished) == TLS1_3_VERSION,
            unsafe SSL_has_pending(finished) == 0, unsafe SSL_is_init_finished(finished) == 1,
            let cipher = unsafe SSL_get_current_cipher(finished),
            let suite = unsafe RecordSuite(identifier: SSL_CIPHER_get_protocol_id(cipher)),
            let secrets = unsafe transport.pointee.secrets.surrender(suite.hash),
            var protection = RecordProtection(
                suite,
                secrets,
                isServer: true,
                updateInterval: RecordProtection.updateInterval
            ),
            unsafe protection.acceptTicket(transport.pointee.pending.readable, from: mark)
        else {
            unsafe transport.pointee.secrets = TrafficSecrets()
            clearErrors()
            return
        }
        unsafe transport.pointee.agreement = Agreement(
            suite: suite,
            applicationProtocol: applicationProtocol,
            isResumed: isResumed
        )
        var received = ByteBuffer()
        unsafe swap(&received, &transport.pointee.incoming)
        unsafe transport.pointee.records = RecordReader(protection, received: received)

        // The session has not gone wrong: its ticket stays good.
        unsafe SSL_set_shutdown(finished, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        unsafe SSL_free(finished)
        unsafe session = nil
    }
}
