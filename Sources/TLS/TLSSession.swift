internal import Bytes
internal import COpenSSL
package import EventLoop
internal import Glibc

/// What one step of a handshake brought.
package enum HandshakeResult: Sendable, Equatable {
    case done
    /// Step again when the descriptor is readable.
    case wantsRead
    /// Step again when the descriptor is writable.
    case wantsWrite
    case failed(TLSError)
}

/// What became of the closing of a session.
package enum ShutdownResult: Sendable, Equatable {
    /// The descriptor may be closed.
    case done
    /// Shut down again when the descriptor is writable.
    case wantsWrite
}

/// One TLS session over a connected, nonblocking descriptor, which it uses and doesn't own.
///
/// ```
///  handshaking ── handshake() ──▶ established ── shutdown() ──▶ closed
///       └──────────── any failure ─────┴──▶ broken
/// ```
/// It belongs to one loop at a time. OpenSSL shakes hands; of a server's TLS 1.3 session Postern protects the records
/// afterwards (`TLSSession+HandOver.swift`), of any other OpenSSL does.
@safe
package struct TLSSession: ~Copyable {
    enum State { case handshaking, established, closed, broken }

    /// nil once Postern has taken over.
    var session: OpaquePointer?
    /// Copied to a local where what it points to is changed in place: with ThreadSanitizer's checks the compiler emits code
    /// for the member itself that its own verifier refuses.
    let transport: UnsafeMutablePointer<Transport>
    /// What the callbacks look at stays as long as the session.
    private let listener: ListenerTLS?
    private let client: ClientContext?
    var state = State.handshaking
    /// A byte was encrypted and kept, yet not reported as taken: see `write`.
    var owesByte = false
    /// Why a `handshake`, `read` or `write` failed.
    package private(set) var lastError: TLSError?
    /// The peer ended its side without saying so (RFC 8446, 6.1): what it sent may have been cut short by anyone on the way.
    package internal(set) var isTruncated = false

    /// The server's side.
    package init(server listener: ListenerTLS, descriptor: Int32) throws(TLSError) {
        let session = unsafe try Self.makeSession(listener.defaultContext.handle.pointer)
        unsafe SSL_set_accept_state(session)
        unsafe self.session = session
        self.listener = listener
        client = nil
        unsafe transport = UnsafeMutablePointer<Transport>.allocate(capacity: 1)
        unsafe transport.initialize(to: Transport(descriptor: descriptor))
        unsafe transport.pointee.isFraming = true
        unsafe transport.pointee.listener = Unmanaged.passUnretained(listener)
        unsafe transport.pointee.context = Unmanaged.passUnretained(listener.defaultContext)
        unsafe BIO_set_data(SSL_get_rbio(session), transport)
    }

    /// The client's side. `serverName` is sent in the hello and the peer's certificate must be for it; an IP address is only
    /// looked for in the certificate.
    package init(client context: ClientContext, descriptor: Int32, serverName: String?) throws(TLSError) {
        if serverName == nil, context.settings.verifiesPeer {
            throw TLSError(.settings, note: "a peer to be verified needs a name")
        }
        let session = unsafe try Self.makeSession(context.handle.pointer)
        unsafe SSL_set_connect_state(session)
        if let serverName, unsafe !context.prepare(session, name: serverName) {
            unsafe SSL_free(session)
            throw TLSError.drained(.settings)
        }
        unsafe self.session = session
        listener = nil
        client = context
        unsafe transport = UnsafeMutablePointer<Transport>.allocate(capacity: 1)
        unsafe transport.initialize(to: Transport(descriptor: descriptor))
        unsafe BIO_set_data(SSL_get_rbio(session), transport)
    }

    /// A session with its BIO, which still lacks its transport.
    private static func makeSession(_ context: OpaquePointer) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let session = unsafe SSL_new(context) else { throw TLSError.drained(.settings) }
        guard let bio = unsafe BIO_new(TransportMethod.shared.pointer) else {
            unsafe SSL_free(session)
            throw TLSError.drained(.settings)
        }
        unsafe SSL_set_bio(session, bio, bio)
        return unsafe session
    }

    deinit {
        if let session = unsafe session {
            // Closing without the alert is common and no reason to forget the session; OpenSSL would.
            if state == .established { unsafe SSL_set_shutdown(session, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
            unsafe SSL_free(session)
        }
        unsafe transport.deinitialize(count: 1)
        unsafe transport.deallocate()
    }

    // MARK: Handshake

    /// Whether `handshake` is done and nothing has failed or was shut down since.
    package var isEstablished: Bool { state == .established }

    /// Takes the handshake as far as the descriptor allows.
    package mutating func handshake() -> HandshakeResult {
        let transport = unsafe transport
        switch state {
        case .handshaking: break
        case .established:
            return flushPending(.handshake)
        case .closed, .broken:
            return .failed(lastError ?? TLSError(.handshake, note: "the session is closed"))
        }
        clearErrors()
        // What one flight consists of goes out in one send, when the peer's turn has come.
        unsafe transport.pointee.isHolding = true
        let mark = unsafe transport.pointee.pending.readableCount
        let session = unsafe session
        let result =
            unsafe transport.pointee.isFraming
            ? unsafe KeyDerivation.whileDeriving(for: transport) { unsafe SSL_do_handshake(session) }
            : unsafe SSL_do_handshake(session)
        unsafe transport.pointee.isHolding = false
        if result == 1 {
            state = .established
            keepCertificate()
            handOver(emittedFrom: mark)
            // The request is here already: the ticket can go out together with its answer.
            if unsafe self.session == nil || SSL_version(session) >= TLS1_3_VERSION, hasPending { return .done }
            return flushPending(.handshake)
        }
        let outcome = classify(result, .handshake)
        switch outcome {
        case .wantsRead:
            let flushed = flushPending(.handshake)
            return flushed == .done ? .wantsRead : flushed
        case .wantsWrite: return .wantsWrite
        case .bytes, .endOfStream, .failed:
            // Tell the peer why, if that is still possible; one that knows no TLS would only be confused.
            if lastError?.category == .plainHTTP {
                unsafe transport.pointee.pending = ByteBuffer()
            } else {
                _ = unsafe transport.pointee.flush()
            }
            return .failed(lastError ?? TLSError(.handshake, category: .peerReset))
        }
    }

    mutating func flushPending(_ stage: TLSError.Stage) -> HandshakeResult {
        let transport = unsafe transport
        switch unsafe transport.pointee.flush() {
        case .done: return .done
        case .blocked: return .wantsWrite
        case .failed(let code): return .failed(fail(Self.systemFailure(stage, code)))
        }
    }

    // MARK: Reading

    /// Decrypts into `space`: one record's worth at most where OpenSSL does it, else as many records as came and fit.
    ///
    /// `.endOfStream` also stands for a peer that closed without a close_notify alert, as many do: `isTruncated` tells them apart.
    /// A failure of TLS itself has the code `EPROTO`; `lastError` says more.
    package mutating func read(into space: UnsafeMutableRawBufferPointer) -> IOResult {
        let transport = unsafe transport
        guard state == .established else { return refusal(.read) }
        if unsafe space.isEmpty { return .bytes(0) }
        // What an earlier receive found says nothing any more: bytes may have come, and their edge gone by, since.
        unsafe transport.pointee.isDrained = false
        if unsafe session == nil { return unsafe readRecords(into: space) }
        clearErrors()
        unsafe transport.pointee.isReadingClient = listener != nil
        let count = unsafe SSL_read(session, space.baseAddress, Int32(clamping: space.count))
        unsafe transport.pointee.isReadingClient = false
        if count > 0 {
            unsafe transport.pointee.refusalCount = 0
            return .bytes(Int(count))
        }
        let result = classify(count, .read)
        if case .wantsRead = result {
            // Nobody may ever write: what still waits from the handshake goes now.
            if !owesByte, case .failed(let code) = unsafe transport.pointee.flush() {
                return .failed(SystemError("send", code: fail(Self.systemFailure(.write, code)).systemCode))
            }
        }
        return result
    }

    /// Nothing can be read before the descriptor is reported readable again: the last read emptied the socket's buffer, and
    /// nothing is held back. A caller whose poller is edge-triggered saves the read that would bring `.wantsRead`, unless
    /// the event said that the peer has shut its side down.
    package var isReadDrained: Bool {
        unsafe transport.pointee.isDrained && !hasPending
    }

    /// Bytes were received that `read` hasn't delivered. An incomplete record counts only where OpenSSL holds it.
    package var hasPending: Bool {
        guard let session = unsafe session else {
            return switch unsafe transport.pointee.records {
            case .some(let records): records.isReady
            case .none: false
            }
        }
        return unsafe SSL_has_pending(session) == 1 || !transport.pointee.incoming.isEmpty
    }

    // MARK: Closing

    /// Says that nothing more will be sent (close_notify), once. Doesn't wait for the peer to say the same.
    ///
    /// - Parameter isLast: the caller closes the descriptor, or its sending side, right after. Then the alert travels with the
    ///   end of the stream, in one segment.
    package mutating func shutdown(isLast: Bool = false) -> ShutdownResult {
        let transport = unsafe transport
        unsafe transport.pointee.isLast = isLast
        defer { unsafe transport.pointee.isLast = false }
        switch state {
        case .handshaking, .broken: return .done
        case .established:
            state = .closed
            owesByte = false
            guard let session = unsafe session else {
                sendAlert(UInt8(SSL_AD_CLOSE_NOTIFY))
                break
            }
            clearErrors()
            if unsafe SSL_shutdown(session) < 0 { clearErrors() }
        case .closed: break
        }
        if case .blocked = unsafe transport.pointee.flush() { return .wantsWrite }
        return .done
    }

    // MARK: Failures

    /// An error that another session left on this thread must not be taken for this one's.
    func clearErrors() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    func refusal(_ stage: TLSError.Stage) -> IOResult {
        switch state {
        case .handshaking, .established: .failed(SystemError(stage == .read ? "SSL_read" : "SSL_write", code: ENOTCONN))
        case .closed where stage == .read: .endOfStream
        case .closed, .broken: .failed(SystemError(stage == .read ? "SSL_read" : "SSL_write", code: EPIPE))
        }
    }

    @discardableResult
    mutating func fail(_ error: TLSError) -> TLSError {
        state = .broken
        lastError = error
        return error
    }

    /// Turns what an SSL_… function returned into what the caller must do (SSL_get_error(3)).
    mutating func classify(_ result: Int32, _ stage: TLSError.Stage) -> IOResult {
        switch unsafe SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN where stage == .read:
            isTruncated = unsafe transport.pointee.sawEnd
            return .endOfStream
        case SSL_ERROR_SSL:
            var error = TLSError.drained(stage)
            if error.category == .certificateVerify {
                error = TLSError(
                    stage,
                    category: .certificateVerify,
                    code: error.code,
                    verification: unsafe SSL_get_verify_result(session)
                )
            }
            if stage == .handshake, error.category == .protocolMismatch, unsafe transport.pointee.openedWithMethod {
                error = TLSError(stage, category: .plainHTTP, code: error.code)
            }
            fail(error)
            return .failed(SystemError(stage == .write ? "SSL_write" : "SSL_read", code: EPROTO))
        default:
            ERR_clear_error()
            let code = unsafe transport.pointee.failure
            if code == 0, stage == .read {
                isTruncated = true
                return .endOfStream
            }
            if unsafe transport.pointee.refusalCount > Transport.refusalLimit {
                fail(TLSError(stage, category: .protocolMismatch, note: "too many attempts at renegotiation"))
            } else {
                fail(Self.systemFailure(stage, code))
            }
            return .failed(SystemError(stage == .write ? "send" : "recv", code: code == 0 ? ECONNRESET : code))
        }
    }

    static func systemFailure(_ stage: TLSError.Stage, _ code: Int32) -> TLSError {
        let isPeers = [0, ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNABORTED].contains(code)
        return TLSError(stage, category: isPeers ? .peerReset : .other, systemCode: code)
    }
}
