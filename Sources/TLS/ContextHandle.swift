internal import COpenSSL

/// Owns an `SSL_CTX` and sets it up. OpenSSL locks what it changes in one after it is set up.
@safe
struct ContextHandle: ~Copyable, @unchecked Sendable {
    let pointer: OpaquePointer

    init(server: Bool) throws(TLSError) {
        let method = unsafe server ? TLS_server_method() : TLS_client_method()
        let properties = server && KeyDerivation.isAvailable ? KeyDerivation.properties : nil
        guard let made = unsafe SSL_CTX_new_ex(nil, properties, method) else { throw TLSError.drained(.settings) }
        unsafe pointer = made
        let modes =
            SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
            // A chain comes from its file as it is; OpenSSL would otherwise build it anew at every handshake.
            | SSL_MODE_NO_AUTO_CHAIN
        _ = unsafe COpenSSL_CTX_set_mode(made, Int(modes))
        _ = unsafe COpenSSL_CTX_set_read_ahead(made, 1)
        _ = unsafe SSL_CTX_set_options(
            made,
            COPENSSL_OP_NO_COMPRESSION | COPENSSL_OP_NO_RENEGOTIATION | COPENSSL_OP_IGNORE_UNEXPECTED_EOF
        )
        // Never prompt for a pass phrase on the terminal: a locked key is an error.
        unsafe SSL_CTX_set_default_passwd_cb(made) { _, _, _, _ in -1 }
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    /// Restricts the versions to `protocols`, gaps among them allowed.
    func setProtocols(_ protocols: Set<TLSProtocol>) throws(TLSError) {
        guard let lowest = protocols.min(), let highest = protocols.max() else {
            throw TLSError(.settings, note: "no protocol version is enabled")
        }
        var excluded: UInt64 = 0
        for version in TLSProtocol.allCases where !protocols.contains(version) { excluded |= version.exclusion }
        _ = unsafe SSL_CTX_set_options(pointer, excluded)
        guard unsafe COpenSSL_CTX_set_min_proto_version(pointer, lowest.wireVersion) == 1,
            unsafe COpenSSL_CTX_set_max_proto_version(pointer, highest.wireVersion) == 1
        else { throw TLSError.drained(.settings) }
    }

    func setCiphers(_ list: String, suites: String?) throws(TLSError) {
        guard unsafe SSL_CTX_set_cipher_list(pointer, list) == 1 else {
            throw TLSError.drained(.settings, note: "no usable cipher in \"\(list)\"")
        }
        if let suites {
            guard unsafe SSL_CTX_set_ciphersuites(pointer, suites) == 1 else {
                throw TLSError.drained(.settings, note: "no usable TLS 1.3 cipher suite in \"\(suites)\"")
            }
        }
    }

    func setGroups(_ list: String) throws(TLSError) {
        guard unsafe COpenSSL_CTX_set1_groups_list(pointer, list) == 1 else {
            throw TLSError.drained(.settings, note: "unknown key exchange group in \"\(list)\"")
        }
    }

    /// Loads a chain and its key, and makes sure that they belong together.
    func load(_ files: CertificateFiles) throws(TLSError) {
        ERR_clear_error()
        guard unsafe SSL_CTX_use_certificate_chain_file(pointer, files.chain) == 1 else {
            throw TLSError.drained(.loadingCertificate, file: files.chain)
        }
        // The key is checked against the certificate of its own kind when it is set.
        guard unsafe SSL_CTX_use_PrivateKey_file(pointer, files.key, SSL_FILETYPE_PEM) == 1 else {
            let error = TLSError.drained(.loadingKey, file: files.key)
            let mismatch = ERR_GET_LIB(error.code) == ERR_LIB_X509
            throw mismatch ? TLSError(.matchingKey, file: files.key, code: error.code) : error
        }
        guard unsafe SSL_CTX_check_private_key(pointer) == 1 else {
            throw TLSError.drained(.matchingKey, file: files.key)
        }
    }

    /// Trusts the authorities of a PEM file; of the system, where `file` is nil.
    func loadAuthorities(_ file: String?) throws(TLSError) {
        ERR_clear_error()
        if let file {
            guard unsafe SSL_CTX_load_verify_file(pointer, file) == 1 else {
                throw TLSError.drained(.loadingAuthorities, file: file)
            }
        } else {
            guard unsafe SSL_CTX_set_default_verify_paths(pointer) == 1 else {
                throw TLSError.drained(.loadingAuthorities)
            }
        }
    }
}

/// Bytes at an address that stays, for OpenSSL to keep.
@safe
struct StableBytes: ~Copyable, @unchecked Sendable {
    let start: UnsafeMutablePointer<UInt8>
    let count: Int

    init(_ bytes: [UInt8]) {
        unsafe start = UnsafeMutablePointer.allocate(capacity: max(bytes.count, 1))
        count = bytes.count
        for (offset, byte) in bytes.enumerated() { unsafe start[offset] = byte }
    }

    deinit { unsafe start.deallocate() }
}

/// Reads a small file whole; nil with `errno` set where that fails or it holds more than `limit` bytes.
func readFile(_ path: String, limit: Int) -> [UInt8]? {
    guard let bio = unsafe BIO_new_file(path, "rb") else { return nil }
    defer { unsafe BIO_free(bio) }
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while content.count < limit {
        let count = unsafe BIO_read(bio, &piece, Int32(piece.count))
        if count <= 0 { break }
        content += piece.prefix(Int(count))
    }
    return content.count < limit ? content : nil
}
