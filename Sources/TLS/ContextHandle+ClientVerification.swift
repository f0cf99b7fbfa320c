internal import COpenSSL

/// What is demanded of clients.
extension ContextHandle {
    /// Has clients show a certificate, and knows by which authorities.
    ///
    /// A handshake goes on whatever a client shows: it gets its answer in HTTP, in words (`ClientVerification.judge`). That a
    /// client has the key to what it shows is proved in any case.
    func setClientVerification(_ settings: ServerTLSSettings) throws(TLSError) {
        unsafe SSL_CTX_set_verify_depth(pointer, Int32(settings.clientVerificationDepth))
        // Read even where nobody is verified: a file that can't be read is a mistake wherever it is named.
        if let file = settings.clientTrustedFile { try loadAuthorities(file) }
        if let file = settings.clientRevocationFile { try loadRevocations(file) }
        if settings.clientVerification == .off { return }
        if let file = settings.clientAuthorityFile {
            try loadAuthorities(file)
            guard let names = unsafe SSL_load_client_CA_file(file) else {
                throw TLSError.drained(.loadingAuthorities, file: file)
            }
            unsafe SSL_CTX_set_client_CA_list(pointer, names)
        } else if settings.clientTrustedFile == nil, settings.clientVerification != .optionalNoCA {
            throw TLSError(.settings, note: "clients are to be verified, but by no authority")
        }
        // OpenSSL's verdict is kept with the session, and with what a client resumes.
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER) { _, _ in 1 }
    }

    /// Counts what the PEM file's lists revoke as untrusted, and so every certificate whose issuer has no list there.
    private func loadRevocations(_ file: String) throws(TLSError) {
        ERR_clear_error()
        guard let store = unsafe SSL_CTX_get_cert_store(pointer),
            let lookup = unsafe X509_STORE_add_lookup(store, X509_LOOKUP_file()),
            unsafe X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) > 0,
            unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)) == 1
        else { throw TLSError.drained(.loadingRevocations, file: file) }
    }
}

extension ServerTLSSettings {
    /// Bytes that are equal for two servers exactly when they demand the same of a client's certificate, files' content
    /// included; empty where they demand nothing.
    package func clientDemands() throws(TLSError) -> [UInt8] {
        guard clientVerification != .off else { return [] }
        var message = [clientVerification.rawValue, UInt8(truncatingIfNeeded: clientVerificationDepth)]
        for file in [clientAuthorityFile, clientTrustedFile, clientRevocationFile] {
            var content: [UInt8] = []
            if let file {
                guard let read = readFile(file, limit: 1 << 24) else {
                    throw TLSError.drained(.loadingAuthorities, file: file)
                }
                content = read
            }
            unsafe withUnsafeBytes(of: content.count) { unsafe message.append(contentsOf: $0) }
            message += content
        }
        return Self.digest(message)
    }

    static func digest(_ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        unsafe EVP_Digest(message, message.count, &digest, nil, EVP_sha256(), nil)
        return digest
    }
}
