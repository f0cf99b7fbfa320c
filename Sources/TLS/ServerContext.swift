internal import COpenSSL
internal import Synchronization

/// What one virtual server shows and accepts, ready for handshakes; immutable, shared by all loops.
package final class ServerContext: Sendable {
    let handle: ContextHandle
    let settings: ServerTLSSettings
    let keys: TicketKeys
    /// SHA-256 over what a session must have in common with this context to be resumed here.
    let identity: [UInt8]
    let protocolList: StableBytes
    /// An OCSP response, or nothing.
    let staple: StableBytes
    private let derivedKeys: Mutex<DerivedTicketKeys>
    /// How the files looked just before they were read.
    package let stamp: CertificateStamp
    /// Versions asked for that the system's OpenSSL security level rules out (SSL_CTX_set_security_level(3)).
    package let unsupportedProtocols: [TLSProtocol]

    /// Reads the files and sets everything up.
    ///
    /// - Parameter ticketKeys: shared by all contexts, and kept across reloads; nil makes keys for this one alone.
    /// - Throws: with the file at fault and OpenSSL's reason. Nothing half made remains.
    package init(_ settings: ServerTLSSettings, ticketKeys: TicketKeys? = nil) throws(TLSError) {
        let stamp = settings.stamp()
        let handle = try ContextHandle(server: true)
        guard !settings.certificates.isEmpty || settings.rejectsHandshake else {
            throw TLSError(.settings, note: "no certificate")
        }
        for files in settings.certificates { try handle.load(files) }
        try handle.setProtocols(settings.protocols)
        try handle.setCiphers(settings.ciphers, suites: settings.cipherSuites)
        if let groups = settings.groups { try handle.setGroups(groups) }

        let identity = try Self.identity(of: settings)
        handle.setResumption(settings, identity: identity)
        try handle.setClientVerification(settings)

        var staple: [UInt8] = []
        if let file = settings.stapleFile {
            guard let content = readFile(file, limit: 1 << 16) else {
                throw TLSError.drained(.loadingStaple, file: file)
            }
            guard Self.isResponse(content) else {
                throw TLSError(.loadingStaple, file: file, note: "it holds no OCSP response in DER form")
            }
            staple = content
        }

        let level = unsafe SSL_CTX_get_security_level(handle.pointer)
        let keys = ticketKeys ?? TicketKeys()
        self.stamp = stamp
        self.settings = settings
        self.keys = keys
        self.identity = identity
        self.protocolList = StableBytes(settings.applicationProtocols.flatMap(\.wire))
        self.staple = StableBytes(staple)
        self.derivedKeys = Mutex(keys.derive(identity: identity))
        self.unsupportedProtocols = level > 0 ? settings.protocols.filter(\.isObsolete).sorted() : []
        self.handle = handle
        installCallbacks()
    }

    /// This context's ticket keys as they are now.
    func ticketKeys() -> DerivedTicketKeys {
        derivedKeys.withLock { derived in
            if derived.generation != keys.generation { derived = keys.derive(identity: identity) }
            return derived
        }
    }

    /// Whether the bytes are an OCSP response, whatever it says (RFC 6960, section 4.2.1).
    private static func isResponse(_ content: [UInt8]) -> Bool {
        defer { ERR_clear_error() }
        return unsafe content.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            guard let response = unsafe d2i_OCSP_RESPONSE(nil, &position, bytes.count) else { return false }
            unsafe OCSP_RESPONSE_free(response)
            return true
        }
    }

    /// A session must not outlive a change in what clients have to prove, so that is part of its context.
    private static func identity(of settings: ServerTLSSettings) throws(TLSError) -> [UInt8] {
        ServerTLSSettings.digest(settings.sessionContext + (try settings.clientDemands()))
    }
}

extension ContextHandle {
    fileprivate func setResumption(_ settings: ServerTLSSettings, identity: [UInt8]) {
        unsafe SSL_CTX_set_session_id_context(pointer, identity, UInt32(identity.count))
        unsafe SSL_CTX_set_timeout(pointer, settings.sessionTimeout)
        unsafe SSL_CTX_set_num_tickets(pointer, 1)
        // Replays matter to early data only, which is never accepted.
        var options = COPENSSL_OP_NO_ANTI_REPLAY
        if !settings.ticketsEnabled { options |= COPENSSL_OP_NO_TICKET }
        if settings.prefersServerCiphers {
            options |= COPENSSL_OP_CIPHER_SERVER_PREFERENCE | COPENSSL_OP_PRIORITIZE_CHACHA
        }
        _ = unsafe SSL_CTX_set_options(pointer, options)

        let mode: Int32
        switch settings.sessionCache {
        case .off: mode = SSL_SESS_CACHE_OFF
        case .none: mode = SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL
        case .builtin(let sessions):
            mode = SSL_SESS_CACHE_SERVER
            _ = unsafe COpenSSL_CTX_sess_set_cache_size(pointer, max(sessions, 1))
        case .shared(let bytes):
            mode = SSL_SESS_CACHE_SERVER
            // A session takes about a kilobyte of memory, those of TLS 1.2 with their master secrets included.
            _ = unsafe COpenSSL_CTX_sess_set_cache_size(pointer, max(bytes / 1024, 1))
        }
        _ = unsafe COpenSSL_CTX_set_session_cache_mode(pointer, Int(mode))
    }
}
