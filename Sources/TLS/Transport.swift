internal import Bytes
internal import COpenSSL
internal import Glibc

/// What lies between OpenSSL and a socket: the state of one session's BIO, at an address that stays.
///
/// Writes never block towards OpenSSL: what the socket doesn't take is kept in `pending`, up to a bound. So no record is ever
/// stuck inside OpenSSL, its write buffer goes back at once, and several records can go out with one system call.
@safe
struct Transport: ~Copyable {
    /// What became of the bytes that wait to be sent.
    enum Flush {
        case done, blocked
        case failed(Int32)
    }

    /// OpenSSL may refuse a client so many handshakes within a session before that ends (RFC 5246, section 7.2.2).
    static let refusalLimit = 4
    /// More than this is never kept; a handshake's flight is far smaller, and a write stops long before.
    static let pendingLimit = 256 * 1024

    let descriptor: Int32
    /// The last receive emptied the socket's buffer.
    var isDrained = false
    /// The peer closed its side of the connection below TLS.
    var sawEnd = false
    /// Gathering a flight of a handshake, to be sent with one call.
    var isHolding = false
    /// The end of the stream follows what is sent now.
    var isLast = false
    /// A client's data is being read: what OpenSSL emits meanwhile refuses another handshake.
    var isReadingClient = false
    /// How many refusals that were since the last data.
    var refusalCount = 0
    /// The client's hello was seen, its context chosen.
    var hasSelected = false
    /// The `errno` of the call that failed, or 0.
    var failure: Int32 = 0
    var receivedCount: UInt64 = 0
    /// The first bytes the peer sent, at most eight.
    var opening: InlineArray<8, UInt8> = .init(repeating: 0)
    var sentCount: UInt64 = 0
    /// Ciphertext that waits for the socket.
    var pending = ByteBuffer()
    /// The session retains these.
    var listener: Unmanaged<ListenerTLS>?
    var context: Unmanaged<ServerContext>?
    private(set) var serverName: [UInt8] = []

    /// OpenSSL gets no byte beyond the end of a record, so that what follows the handshake is still here.
    var isFraming = false
    private var framer = RecordFramer()
    /// What OpenSSL didn't get yet.
    var incoming = ByteBuffer()
    /// What the handshake told so far.
    var secrets = TrafficSecrets()
    /// Takes OpenSSL's place after the handshake.
    var records: RecordReader?
    /// What was agreed on, kept when OpenSSL's session goes.
    var agreement: Agreement?
    /// A client's, where a server asked for one.
    var certificate: PeerCertificate?

    init(descriptor: Int32) { self.descriptor = descriptor }

    static func of(_ session: OpaquePointer) -> UnsafeMutablePointer<Transport>? {
        unsafe BIO_get_data(SSL_get_rbio(session))?.assumingMemoryBound(to: Transport.self)
    }

    mutating func setServerName(_ name: borrowing Span<UInt8>) {
        serverName = unsafe Array(unsafeUninitializedCapacity: name.count) { space, count in
            for index in name.indices { unsafe space[index] = ASCIILowercase(name[index]) }
            count = name.count
        }
    }

    /// Whether the peer opened with what looks like an HTTP method. OpenSSL knows but a few of them.
    var openedWithMethod: Bool {
        for index in opening.indices {
            if opening[index] == 0x20 { return index >= 3 }
            guard opening[index] &- 0x41 < 26 else { return false }
        }
        return true
    }

    // MARK: Receiving

    /// What OpenSSL gets when it reads: of a handshake, at most the rest of one record at a time.
    mutating func supply(_ space: UnsafeMutableRawPointer, _ count: Int) -> Int {
        // OpenSSL would go on refusing for as long as more comes, without ever coming back.
        if refusalCount > Self.refusalLimit {
            failure = EPROTO
            return -1
        }
        if incoming.isEmpty {
            let received = unsafe receive(space, count)
            guard isFraming, received > 0 else { return received }
            let bytes = unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(start: space, count: received))
            let admitted = framer.admit(bytes)
            incoming.append(bytes, admitted..<received)
            return admitted
        }
        var held = ByteBuffer()
        swap(&held, &incoming)
        let offered = min(count, held.readableCount)
        let supplied = isFraming ? framer.admit(held.readable.extracting(0..<offered)) : offered
        unsafe held.withReadable { unsafe space.copyMemory(from: $0.baseAddress!, byteCount: supplied) }
        held.consume(supplied)
        if !held.isEmpty { swap(&held, &incoming) }
        return supplied
    }

    /// As recv(2): the count, 0 at the end, -1 where nothing can be read now or ever.
    mutating func receive(_ space: UnsafeMutableRawPointer, _ count: Int) -> Int {
        while true {
            let received = unsafe recv(descriptor, space, count, 0)
            if received > 0 {
                if receivedCount == 0 {
                    let bytes = unsafe UnsafeRawBufferPointer(start: space, count: min(received, opening.count))
                    for index in bytes.indices { opening[index] = unsafe bytes[index] }
                }
                isDrained = received < count
                receivedCount &+= UInt64(received)
                return received
            }
            if received == 0 {
                sawEnd = true
                isDrained = true
                return 0
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: isDrained = true
            case let code:
                failure = code
                isDrained = true
            }
            return -1
        }
    }

    // MARK: Sending

    /// Takes all of `bytes`, or nothing where too much waits already.
    mutating func emit(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if isReadingClient { refusalCount += 1 }
        if isHolding || !pending.isEmpty {
            guard pending.readableCount + bytes.count <= Self.pendingLimit else {
                if case .failed = flush() { return false }
                guard pending.readableCount + bytes.count <= Self.pendingLimit else { return false }
                return unsafe keep(bytes)
            }
            _ = unsafe keep(bytes)
            if !isHolding, case .failed = flush() { return false }
            return true
        }
        switch unsafe transmit(bytes) {
        case -1: return false
        case let count where count < bytes.count:
            return unsafe keep(UnsafeRawBufferPointer(rebasing: bytes[count...]))
        default: return true
        }
    }

    /// Sends what waits; the storage goes back when nothing does any more.
    mutating func flush() -> Flush {
        if pending.isEmpty { return .done }
        if failure != 0 { return .failed(failure) }
        // The storage stays where it is while it is sent.
        let bytes = unsafe pending.withReadable { bytes in unsafe bytes }
        let count = unsafe transmit(bytes)
        if count < 0 { return .failed(failure) }
        pending.consume(count)
        guard pending.isEmpty else { return .blocked }
        pending = ByteBuffer()
        return .done
    }

    @discardableResult
    mutating func keep(_ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe pending.append(Span(_unsafeBytes: bytes))
        return true
    }

    /// One send: the count taken, 0 where the socket is full, -1 where it is broken.
    mutating func transmit(_ bytes: UnsafeRawBufferPointer) -> Int {
        if unsafe bytes.isEmpty { return 0 }
        let flags = Int32(MSG_NOSIGNAL) | (isLast ? Int32(MSG_MORE) : 0)
        while true {
            let count = unsafe send(descriptor, bytes.baseAddress, bytes.count, flags)
            if count >= 0 {
                sentCount &+= UInt64(count)
                return count
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: return 0
            case let code:
                failure = code
                return -1
            }
        }
    }
}

private func ASCIILowercase(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

/// The kind of BIO whose data is a `Transport`, made once (BIO_meth_new(3)).
@safe
struct TransportMethod: @unchecked Sendable {
    let pointer: OpaquePointer

    static let shared = TransportMethod()

    private init() {
        let kind = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR
        unsafe pointer = BIO_meth_new(kind, "postern")!
        unsafe BIO_meth_set_read(pointer) { bio, space, count in
            guard let bio = unsafe bio, let space = unsafe space, count > 0,
                let transport = unsafe BIO_get_data(bio)?.assumingMemoryBound(to: Transport.self)
            else { return -1 }
            unsafe COpenSSL_BIO_clear_retry(bio)
            let received = unsafe transport.pointee.supply(space, Int(count))
            if received < 0, unsafe transport.pointee.failure == 0 { unsafe COpenSSL_BIO_set_retry_read(bio) }
            return Int32(received)
        }
        unsafe BIO_meth_set_write(pointer) { bio, bytes, count in
            guard let bio = unsafe bio, let bytes = unsafe bytes, count > 0,
                let transport = unsafe BIO_get_data(bio)?.assumingMemoryBound(to: Transport.self)
            else { return -1 }
            unsafe COpenSSL_BIO_clear_retry(bio)
            if unsafe transport.pointee.emit(UnsafeRawBufferPointer(start: bytes, count: Int(count))) { return count }
            if unsafe transport.pointee.failure == 0 { unsafe COpenSSL_BIO_set_retry_write(bio) }
            return -1
        }
        unsafe BIO_meth_set_ctrl(pointer) { bio, command, _, _ in
            switch command {
            case BIO_CTRL_FLUSH, BIO_CTRL_DUP: return 1
            case BIO_CTRL_EOF:
                let transport = unsafe BIO_get_data(bio)?.assumingMemoryBound(to: Transport.self)
                return unsafe transport?.pointee.sawEnd == true ? 1 : 0
            default: return 0
            }
        }
        unsafe BIO_meth_set_create(pointer) { bio in
            unsafe BIO_set_init(bio, 1)
            return 1
        }
    }
}
