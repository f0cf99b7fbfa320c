package import Bytes
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
/// It belongs to one loop at a time.
@safe
package struct TLSSession: ~Copyable {
    private enum State { case handshaking, established, closed, broken }

    let session: OpaquePointer
    let transport: UnsafeMutablePointer<Transport>
    /// What the callbacks look at stays as long as the session.
    private let listener: ListenerTLS?
    private let client: ClientContext?
    private var state = State.handshaking
    /// A byte was encrypted and kept, yet not reported as taken: see `write`.
    private var owesByte = false
    /// Why a `handshake`, `read` or `write` failed.
    package private(set) var lastError: TLSError?
    /// The peer ended its side without saying so (RFC 8446, 6.1): what it sent may have been cut short by anyone on the way.
    package private(set) var isTruncated = false

    /// The server's side.
    package init(server listener: ListenerTLS, descriptor: Int32) throws(TLSError) {
        let session = unsafe try Self.makeSession(listener.defaultContext.handle.pointer)
        unsafe SSL_set_accept_state(session)
        unsafe self.session = session
        self.listener = listener
        client = nil
        unsafe transport = UnsafeMutablePointer<Transport>.allocate(capacity: 1)
        unsafe transport.initialize(to: Transport(descriptor: descriptor))
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
        // Closing without the alert is common and no reason to forget the session; OpenSSL would.
        if state == .established { unsafe SSL_set_shutdown(session, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
        unsafe SSL_free(session)
        unsafe transport.deinitialize(count: 1)
        unsafe transport.deallocate()
    }

    // MARK: Handshake

    /// Whether `handshake` is done and nothing has failed or was shut down since.
    package var isEstablished: Bool { state == .established }

    /// Takes the handshake as far as the descriptor allows.
    package mutating func handshake() -> HandshakeResult {
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
        let result = unsafe SSL_do_handshake(session)
        unsafe transport.pointee.isHolding = false
        if result == 1 {
            state = .established
            // The request is here already: the ticket can go out together with its answer.
            if unsafe SSL_version(session) >= TLS1_3_VERSION, unsafe SSL_has_pending(session) == 1 { return .done }
            return flushPending(.handshake)
        }
        let outcome = classify(result, .handshake)
        switch outcome {
        case .wantsRead:
            let flushed = flushPending(.handshake)
            return flushed == .done ? .wantsRead : flushed
        case .wantsWrite: return .wantsWrite
        case .bytes, .endOfStream, .failed:
            // Tell the peer why, if that is still possible.
            _ = unsafe transport.pointee.flush()
            return .failed(lastError ?? TLSError(.handshake, category: .peerReset))
        }
    }

    private mutating func flushPending(_ stage: TLSError.Stage) -> HandshakeResult {
        switch unsafe transport.pointee.flush() {
        case .done: return .done
        case .blocked: return .wantsWrite
        case .failed(let code): return .failed(fail(Self.systemFailure(stage, code)))
        }
    }

    // MARK: Reading

    /// Decrypts at most one record's worth into `space`.
    ///
    /// `.endOfStream` also stands for a peer that closed without a close_notify alert, as many do: `isTruncated` tells them apart.
    /// A failure of TLS itself has the code `EPROTO`; `lastError` says more.
    package mutating func read(into space: UnsafeMutableRawBufferPointer) -> IOResult {
        guard state == .established else { return refusal(.read) }
        if unsafe space.isEmpty { return .bytes(0) }
        clearErrors()
        let count = unsafe SSL_read(session, space.baseAddress, Int32(clamping: space.count))
        if count > 0 { return .bytes(Int(count)) }
        let result = classify(count, .read)
        if case .wantsRead = result {
            // Nobody may ever write: what still waits from the handshake goes now.
            if !owesByte, case .failed(let code) = unsafe transport.pointee.flush() {
                return .failed(SystemError("send", code: fail(Self.systemFailure(.write, code)).systemCode))
            }
        }
        return result
    }

    /// Nothing can be read before the descriptor is reported readable again: the last receive emptied the socket's buffer, and
    /// OpenSSL holds nothing back. A caller whose poller is edge-triggered saves the read that would bring `.wantsRead`, unless
    /// the event said that the peer has shut its side down.
    package var isReadDrained: Bool {
        unsafe transport.pointee.isDrained && SSL_has_pending(session) == 0
    }

    /// Bytes were received that `read` hasn't delivered.
    package var hasPending: Bool { unsafe SSL_has_pending(session) == 1 }

    // MARK: Writing

    /// Encrypts and sends `bytes`, as much as the socket takes.
    ///
    /// After `.bytes` with less than all, or `.wantsWrite`, the next write must begin with the first byte not yet taken: that byte may
    /// have been encrypted already. Ciphertext the socket doesn't take is kept, one record of it at most.
    package mutating func write(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        if let early = unsafe beginWrite(bytes) { return early }
        var taken = owesByte ? 1 : 0
        owesByte = false
        while taken < bytes.count, unsafe transport.pointee.pending.isEmpty || taken == 0 {
            let count = unsafe SSL_write(session, bytes.baseAddress! + taken, Int32(clamping: bytes.count - taken))
            guard count > 0 else {
                let result = classify(count, .write)
                if taken > 0, result == .wantsWrite || result == .wantsRead { break }
                return result
            }
            taken += Int(count)
        }
        return endWrite(taken)
    }

    /// Encrypts `bytes` into `scratch` and sends its content with one call, at most 64 KiB or so at a time.
    ///
    /// For bodies: a record carries 16 KiB, and `write` without `scratch` makes a system call for each. What holds for that one
    /// holds here; 64 KiB of ciphertext may be kept. `scratch` belongs to the loop, is empty, and is empty again afterwards.
    package mutating func write(_ bytes: UnsafeRawBufferPointer, coalescing scratch: inout ByteBuffer) -> IOResult {
        guard bytes.count > Self.recordLength else { return unsafe write(bytes) }
        if let early = unsafe beginWrite(bytes) { return early }
        var taken = owesByte ? 1 : 0
        owesByte = false
        while taken < bytes.count, unsafe transport.pointee.pending.isEmpty || taken == 0 {
            let batch = min(bytes.count - taken, Self.coalescedLength)
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[taken..<(taken + batch)])
            let result = unsafe encrypt(rest, into: &scratch)
            guard unsafe transport.pointee.flushScratch(&scratch) else {
                scratch.clear()
                let error = fail(unsafe Self.systemFailure(.write, transport.pointee.failure))
                return .failed(SystemError("send", code: error.systemCode))
            }
            guard case .bytes(let count) = result else {
                if taken > 0, result == .wantsWrite || result == .wantsRead { break }
                return result
            }
            taken += count
        }
        return endWrite(taken)
    }

    /// Sends what earlier calls kept back, without new bytes.
    package mutating func flush() -> HandshakeResult { flushPending(.write) }

    private static let recordLength = 16 * 1024
    private static let coalescedLength = 4 * recordLength - 1024

    /// Gets rid of what waits from earlier; nil when writing may go on.
    private mutating func beginWrite(_ bytes: UnsafeRawBufferPointer) -> IOResult? {
        guard state == .established else { return refusal(.write) }
        if unsafe bytes.isEmpty { return .bytes(0) }
        clearErrors()
        // What waits without a byte owed is small, a ticket say, and goes out together with the first record.
        guard owesByte else { return nil }
        switch flushPending(.write) {
        case .done: return nil
        case .wantsRead, .wantsWrite: return .wantsWrite
        case .failed(let error): return .failed(SystemError("send", code: error.systemCode))
        }
    }

    /// Holds a byte back while ciphertext waits, so that the caller comes again when the descriptor is writable.
    private mutating func endWrite(_ taken: Int) -> IOResult {
        owesByte = unsafe !transport.pointee.pending.isEmpty
        let reported = owesByte ? taken - 1 : taken
        return reported > 0 ? .bytes(reported) : .wantsWrite
    }

    private mutating func encrypt(_ bytes: UnsafeRawBufferPointer, into scratch: inout ByteBuffer) -> IOResult {
        var taken = 0
        var failure: IOResult?
        let transport = unsafe transport
        let session = unsafe session
        if unsafe !transport.pointee.pending.isEmpty {
            unsafe scratch.append(transport.pointee.pending.readable)
            unsafe transport.pointee.pending = ByteBuffer()
        }
        unsafe withUnsafeMutablePointer(to: &scratch) { lent in
            unsafe transport.pointee.scratch = lent
            while taken < bytes.count {
                let count = unsafe SSL_write(session, bytes.baseAddress! + taken, Int32(bytes.count - taken))
                guard count > 0 else {
                    failure = classify(count, .write)
                    break
                }
                taken += Int(count)
            }
            unsafe transport.pointee.scratch = nil
        }
        return taken > 0 ? .bytes(taken) : failure ?? .wantsWrite
    }

    // MARK: Closing

    /// Says that nothing more will be sent (close_notify), once. Doesn't wait for the peer to say the same.
    package mutating func shutdown() -> ShutdownResult {
        switch state {
        case .handshaking, .broken: return .done
        case .established:
            clearErrors()
            state = .closed
            owesByte = false
            if unsafe SSL_shutdown(session) < 0 { clearErrors() }
        case .closed: break
        }
        if case .blocked = unsafe transport.pointee.flush() { return .wantsWrite }
        return .done
    }

    // MARK: Failures

    /// An error that another session left on this thread must not be taken for this one's.
    private func clearErrors() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    private func refusal(_ stage: TLSError.Stage) -> IOResult {
        switch state {
        case .handshaking, .established: .failed(SystemError(stage == .read ? "SSL_read" : "SSL_write", code: ENOTCONN))
        case .closed where stage == .read: .endOfStream
        case .closed, .broken: .failed(SystemError(stage == .read ? "SSL_read" : "SSL_write", code: EPIPE))
        }
    }

    @discardableResult
    private mutating func fail(_ error: TLSError) -> TLSError {
        state = .broken
        lastError = error
        return error
    }

    /// Turns what an SSL_… function returned into what the caller must do (SSL_get_error(3)).
    private mutating func classify(_ result: Int32, _ stage: TLSError.Stage) -> IOResult {
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
            fail(error)
            return .failed(SystemError(stage == .write ? "SSL_write" : "SSL_read", code: EPROTO))
        default:
            ERR_clear_error()
            let code = unsafe transport.pointee.failure
            if code == 0, stage == .read {
                isTruncated = true
                return .endOfStream
            }
            fail(Self.systemFailure(stage, code))
            return .failed(SystemError(stage == .write ? "send" : "recv", code: code == 0 ? ECONNRESET : code))
        }
    }

    private static func systemFailure(_ stage: TLSError.Stage, _ code: Int32) -> TLSError {
        let isPeers = [0, ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNABORTED].contains(code)
        return TLSError(stage, category: isPeers ? .peerReset : .other, systemCode: code)
    }
}
