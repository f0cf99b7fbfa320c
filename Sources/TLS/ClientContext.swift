internal import COpenSSL

/// How this side speaks TLS to upstreams; immutable, shared by all loops.
package final class ClientContext: Sendable {
    let handle: ContextHandle
    let settings: ClientTLSSettings
    /// How the files looked just before they were read.
    package let stamp: CertificateStamp

    /// Reads the files and sets everything up.
    /// - Throws: with the file at fault and OpenSSL's reason.
    package init(_ settings: ClientTLSSettings) throws(TLSError) {
        stamp = settings.stamp()
        let handle = try ContextHandle(server: false)
        try handle.setProtocols(settings.protocols)
        try handle.setCiphers(settings.ciphers, suites: settings.cipherSuites)
        if let certificate = settings.certificate { try handle.load(certificate) }
        if settings.verifiesPeer {
            try handle.loadAuthorities(settings.authorityFile)
            unsafe SSL_CTX_set_verify(handle.pointer, SSL_VERIFY_PEER, nil)
            unsafe SSL_CTX_set_verify_depth(handle.pointer, Int32(settings.verificationDepth))
        }
        let list = settings.applicationProtocols.flatMap(\.wire)
        if !list.isEmpty { unsafe SSL_CTX_set_alpn_protos(handle.pointer, list, UInt32(list.count)) }
        self.settings = settings
        self.handle = handle
    }

    /// Has `session` ask for `name`, and insist on it where the peer is verified. An address is not sent (RFC 6066, 3).
    /// - Returns: whether OpenSSL took the name.
    func prepare(_ session: OpaquePointer, name: String) -> Bool {
        let parameters = unsafe SSL_get0_param(session)
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 { return true }
        ERR_clear_error()
        guard unsafe COpenSSL_set_tlsext_host_name(session, name) == 1 else { return false }
        guard settings.verifiesPeer else { return true }
        unsafe SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        return unsafe SSL_set1_host(session, name) == 1
    }
}
