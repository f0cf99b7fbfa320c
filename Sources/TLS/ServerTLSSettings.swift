/// A certificate chain and its private key, both PEM files.
package struct CertificateFiles: Sendable, Hashable {
    /// The server's certificate first, then its issuers'.
    package var chain: String
    package var key: String

    package init(chain: String, key: String) {
        self.chain = chain
        self.key = key
    }
}

/// Where a server keeps sessions for clients that resume by session id.
package enum SessionCache: Sendable, Equatable {
    /// Resumption by id is refused.
    case off
    /// Resumption by id is offered, and never happens.
    case none
    /// So many sessions at most, in this process.
    case builtin(sessions: Int)
    /// About so many bytes of sessions. All loops are threads of one process, so that this one is shared as well.
    case shared(bytes: Int)
}

/// What a virtual server says and accepts in a handshake.
package struct ServerTLSSettings: Sendable {
    /// At least one unless `rejectsHandshake`; one of each kind of key (ECDSA is taken before RSA where a client can do both).
    package var certificates: [CertificateFiles]
    /// The versions accepted.
    package var protocols: Set<TLSProtocol> = [.v1_2, .v1_3]
    /// TLS 1.2 suites in OpenSSL's notation (ciphers(1)). The default asks for forward secrecy and AEAD.
    package var ciphers: String = ServerTLSSettings.modernCiphers
    /// TLS 1.3 suites, separated by colons; nil takes OpenSSL's.
    package var cipherSuites: String?
    /// Whether the server's order of suites counts, not the client's.
    package var prefersServerCiphers = false
    /// Key exchange groups, best first, separated by colons; nil takes OpenSSL's.
    package var groups: String? = "X25519:P-256:P-384"
    package var sessionCache: SessionCache = .none
    /// How long a session can be resumed, in seconds.
    package var sessionTimeout: Int = 300
    /// Whether sessions are offered as tickets (RFC 5077; in TLS 1.3 RFC 8446, 4.6.1).
    package var ticketsEnabled = true
    /// What names the virtual server. A session can only be resumed where this, and what is demanded of clients, are the same.
    package var sessionContext: [UInt8] = []
    /// What may be spoken, the server's preference first; none turns ALPN off.
    package var applicationProtocols: [ApplicationProtocol] = []
    package var clientVerification: ClientVerification = .off
    /// PEM file of the authorities that may have issued clients' certificates; their names are sent to clients.
    package var clientAuthorityFile: String?
    /// PEM file of more such authorities, of which nothing is sent.
    package var clientTrustedFile: String?
    /// PEM file of lists of revoked certificates, one of each authority in a chain (RFC 5280, section 5).
    package var clientRevocationFile: String?
    /// How many authorities may stand between a client's certificate and a trusted one.
    package var clientVerificationDepth = 1
    /// File of a DER OCSP response to staple (RFC 6066, 8).
    package var stapleFile: String?
    /// Every handshake for this server ends with the alert `unrecognized_name`.
    package var rejectsHandshake = false

    package init(certificates: [CertificateFiles]) { self.certificates = certificates }

    /// ECDHE with AES-GCM or ChaCha20-Poly1305.
    package static let modernCiphers = """
        ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
        ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
        ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
        """

    /// The suites of TLS 1.3, the cheapest of its strong ones first.
    package static let modernSuites =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

    /// How the files named here look now: when it changes, the context is out of date.
    package func stamp() -> CertificateStamp {
        var paths: [String] = []
        for pair in certificates { paths += [pair.chain, pair.key] }
        paths += [clientAuthorityFile, clientTrustedFile, clientRevocationFile].compactMap(\.self)
        if let stapleFile { paths.append(stapleFile) }
        return CertificateStamp(paths)
    }
}

/// What a client demands of, and shows to, an upstream.
package struct ClientTLSSettings: Sendable {
    /// Whether the upstream's certificate must be valid and for the name asked for.
    package var verifiesPeer = true
    /// PEM file of trusted authorities; nil takes the system's.
    package var authorityFile: String?
    package var verificationDepth = 9
    package var protocols: Set<TLSProtocol> = [.v1_2, .v1_3]
    /// TLS 1.2 suites in OpenSSL's notation (ciphers(1)).
    package var ciphers: String = "DEFAULT"
    package var cipherSuites: String?
    /// What this side shows when asked for a certificate.
    package var certificate: CertificateFiles?
    package var applicationProtocols: [ApplicationProtocol] = []

    package init() {}

    /// How the files named here look now: when it changes, the context is out of date.
    package func stamp() -> CertificateStamp {
        var paths: [String] = []
        if let certificate { paths += [certificate.chain, certificate.key] }
        if let authorityFile { paths.append(authorityFile) }
        return CertificateStamp(paths)
    }
}
