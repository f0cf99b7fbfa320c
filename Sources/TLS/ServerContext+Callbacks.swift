internal import COpenSSL

extension ServerContext {
    /// Has OpenSSL ask this context. The argument stays valid: whoever has a session retains its contexts.
    func installCallbacks() {
        let pointer = unsafe handle.pointer
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe SSL_CTX_set_client_hello_cb(pointer, selectContext, nil)
        // OpenSSL asks the context that a session began with, even where another one's tickets are meant.
        unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(pointer, prepareTicket)
        if protocolList.count > 0 { unsafe SSL_CTX_set_alpn_select_cb(pointer, selectProtocol, this) }
        if staple.count > 0 {
            _ = unsafe COpenSSL_CTX_set_tlsext_status_cb(pointer, stapleResponse)
            _ = unsafe COpenSSL_CTX_set_tlsext_status_arg(pointer, this)
        }
    }

    /// Makes `session` one of this context, before its handshake has looked at anything else.
    func adopt(_ session: OpaquePointer, from other: ServerContext) {
        let pointer = unsafe handle.pointer
        // The session id context goes over with it, as long as the session has that of its first context.
        unsafe SSL_set_SSL_CTX(session, pointer)
        // All else was copied when the session was made and must follow by hand.
        unsafe SSL_set_verify(session, SSL_CTX_get_verify_mode(pointer), SSL_CTX_get_verify_callback(pointer))
        unsafe SSL_set_verify_depth(session, SSL_CTX_get_verify_depth(pointer))
        let options = unsafe SSL_CTX_get_options(pointer)
        _ = unsafe SSL_clear_options(session, SSL_get_options(session) & ~options)
        _ = unsafe SSL_set_options(session, options)
        _ = unsafe COpenSSL_set_min_proto_version(session, COpenSSL_CTX_get_min_proto_version(pointer))
        _ = unsafe COpenSSL_set_max_proto_version(session, COpenSSL_CTX_get_max_proto_version(pointer))
        if settings.groups != other.settings.groups, let groups = settings.groups {
            _ = unsafe COpenSSL_set1_groups_list(session, groups)
        }
        if settings.cipherSuites != other.settings.cipherSuites, let suites = settings.cipherSuites {
            _ = unsafe SSL_set_ciphersuites(session, suites)
        }
    }
}

/// Picks the virtual server by the name in the client's hello (RFC 6066, 3). This runs before a session is looked up, so that
/// one of another server isn't found.
private func selectContext(
    session: OpaquePointer?,
    alert: UnsafeMutablePointer<Int32>?,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    guard let session = unsafe session, let transport = unsafe Transport.of(session),
        let first = unsafe transport.pointee.context?.takeUnretainedValue()
    else { return SSL_CLIENT_HELLO_ERROR }
    // After a HelloRetryRequest the client says hello again; the choice stands.
    if unsafe transport.pointee.hasSelected { return SSL_CLIENT_HELLO_SUCCESS }
    unsafe transport.pointee.hasSelected = true

    var chosen = first
    var start: UnsafePointer<UInt8>?
    var count = 0
    if unsafe SSL_client_hello_get0_ext(session, UInt32(TLSEXT_TYPE_server_name), &start, &count) == 1 {
        let span = unsafe Span(_unsafeStart: start!, count: count)
        if let range = hostName(in: span) {
            let name = span.extracting(range)
            unsafe transport.pointee.setServerName(name)
            if let listener = unsafe transport.pointee.listener?.takeUnretainedValue(),
                let context = listener.context(for: name)
            {
                chosen = context
            }
        }
    }
    if chosen.settings.rejectsHandshake {
        unsafe alert?.pointee = SSL_AD_UNRECOGNIZED_NAME
        return SSL_CLIENT_HELLO_ERROR
    }
    if chosen !== first {
        unsafe chosen.adopt(session, from: first)
        unsafe transport.pointee.context = Unmanaged.passUnretained(chosen)
    }
    return SSL_CLIENT_HELLO_SUCCESS
}

/// Where the host's name lies in a server_name extension; nil where it isn't one. OpenSSL refuses a misshapen one itself.
private func hostName(in bytes: borrowing Span<UInt8>) -> Range<Int>? {
    guard bytes.count > 5, bytes[2] == 0 else { return nil }
    let list = Int(bytes[0]) << 8 | Int(bytes[1])
    let length = Int(bytes[3]) << 8 | Int(bytes[4])
    guard list == bytes.count - 2, length == bytes.count - 5, length <= NameSelector.maximumLength else { return nil }
    return 5..<bytes.count
}

private func selectProtocol(
    session: OpaquePointer?,
    chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    chosenCount: UnsafeMutablePointer<UInt8>?,
    offered: UnsafePointer<UInt8>?,
    offeredCount: UInt32,
    argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let argument = unsafe argument else { return SSL_TLSEXT_ERR_NOACK }
    let context = unsafe Unmanaged<ServerContext>.fromOpaque(argument).takeUnretainedValue()
    var match: UnsafeMutablePointer<UInt8>?
    let found = unsafe SSL_select_next_proto(
        &match,
        chosenCount,
        context.protocolList.start,
        UInt32(context.protocolList.count),
        offered,
        offeredCount
    )
    // RFC 7301, 3.2: where nothing is in common the handshake ends.
    guard found == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    unsafe chosen?.pointee = UnsafePointer(match)
    return SSL_TLSEXT_ERR_OK
}

private func stapleResponse(session: OpaquePointer?, argument: UnsafeMutableRawPointer?) -> Int32 {
    guard let argument = unsafe argument else { return SSL_TLSEXT_ERR_NOACK }
    let context = unsafe Unmanaged<ServerContext>.fromOpaque(argument).takeUnretainedValue()
    let count = context.staple.count
    guard let copy = unsafe COpenSSL_memdup(context.staple.start, count) else { return SSL_TLSEXT_ERR_NOACK }
    _ = unsafe COpenSSL_set_tlsext_status_ocsp_resp(session, copy.assumingMemoryBound(to: UInt8.self), count)
    return SSL_TLSEXT_ERR_OK
}
