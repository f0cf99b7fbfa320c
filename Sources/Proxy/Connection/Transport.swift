import Bytes
import EventLoop
import Glibc
import HTTP
import TLS

/// The bytes of one connection: a socket, with or without TLS; or of one HTTP/2 stream.
struct Transport: ~Copyable {
    private var socket: OwnedDescriptor?
    private var session: TLSSession?
    /// Instead of a socket.
    private(set) var stream: HTTP2StreamHandle?
    /// The socket's number, or -1.
    private(set) var descriptor: Int32 = -1
    /// The last read brought less than it asked for: the next edge tells when to read on.
    private(set) var isDrained = false

    init() {}

    /// Takes a socket over.
    mutating func open(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor.raw
        socket = consume descriptor
        isDrained = false
    }

    /// Takes a stream over.
    mutating func open(_ stream: HTTP2StreamHandle) {
        self.stream = stream
        // Events tell when there is more.
        isDrained = false
    }

    /// Speaks TLS from here on.
    mutating func secure(_ session: consuming TLSSession) {
        self.session = consume session
    }

    var isOpen: Bool { socket != nil }
    var isSecure: Bool { session != nil }

    /// Closes the socket at once, without a word to the peer.
    mutating func close() {
        if let stream {
            stream.release()
            self.stream = nil
        }
        session = nil
        socket = nil
        descriptor = -1
    }

    /// Speaks in the clear from here on: the peer never spoke TLS.
    mutating func dropSession() { session = nil }

    mutating func handshake() -> HandshakeResult {
        session?.handshake() ?? .done
    }

    /// Reads what fits into the buffer's free storage, at least `minimum` bytes of room.
    mutating func read(into buffer: inout ByteBuffer, minimum: Int) -> IOResult {
        if session == nil {
            if let stream { return read(stream, into: &buffer) }
            return IO.read(descriptor, into: &buffer, minimum: minimum, isDrained: &isDrained)
        }
        var result = IOResult.wantsRead
        _ = unsafe buffer.withWritable(minimum: minimum) { memory -> Int in
            result = unsafe session?.read(into: memory) ?? .endOfStream
            if case .bytes(let count) = result { return count }
            return 0
        }
        isDrained =
            switch session {
            case .some(let session): session.isReadDrained
            case .none: false
            }
        return result
    }

    private func read(_ stream: HTTP2StreamHandle, into buffer: inout ByteBuffer) -> IOResult {
        switch stream.read(into: &buffer) {
        case .bytes(let count): .bytes(count)
        case .wantsRead: .wantsRead
        case .end: .endOfStream
        case .reset: .failed(SystemError("HTTP/2 stream", code: ECONNRESET))
        }
    }

    private func write(_ stream: HTTP2StreamHandle, from buffer: inout ByteBuffer) -> IOResult {
        switch stream.write(from: &buffer) {
        case .bytes(let count): .bytes(count)
        case .wantsWrite: .wantsWrite
        case .reset: .failed(SystemError("HTTP/2 stream", code: ECONNRESET))
        }
    }

    /// Reads what comes on the socket itself, past TLS: for a peer that is only waited for, after `endWriting`.
    mutating func readPastSession(into buffer: inout ByteBuffer) -> IOResult {
        IO.read(descriptor, into: &buffer, minimum: 1, isDrained: &isDrained)
    }

    /// Writes what is readable in the buffer and consumes what went over.
    mutating func write(from buffer: inout ByteBuffer) -> IOResult {
        if session == nil {
            if let stream { return write(stream, from: &buffer) }
            return IO.write(descriptor, from: &buffer)
        }
        let result = unsafe buffer.withReadable { unsafe session?.write($0) ?? .endOfStream }
        if case .bytes(let count) = result { buffer.consume(count) }
        return result
    }

    /// Tells a TLS peer that nothing follows.
    mutating func endSession() {
        _ = session?.shutdown(isLast: true)
    }

    /// Ends our side of the stream.
    mutating func endWriting() {
        if let stream {
            stream.end()
            return
        }
        endSession()
        if isOpen { IO.shutdownWrite(descriptor) }
    }

    /// The TLS session continues an earlier one.
    var isResumed: Bool {
        switch session {
        case .some(let session): session.isResumed
        case .none: false
        }
    }

    /// What ALPN chose; nil without TLS, or where the peer doesn't offer it.
    var applicationProtocol: ApplicationProtocol? {
        switch session {
        case .some(let session): session.applicationProtocol
        case .none: nil
        }
    }

    /// The protocol's name as OpenSSL has it; empty without TLS.
    var protocolName: StaticString {
        switch session {
        case .some(let session): session.protocolName
        case .none: ""
        }
    }

    func appendCipher(to buffer: inout ByteBuffer) {
        switch session {
        case .some(let session): session.appendCipherName(to: &buffer)
        case .none: break
        }
    }

    func appendServerName(to buffer: inout ByteBuffer) {
        switch session {
        case .some(let session): session.appendServerName(to: &buffer)
        case .none: break
        }
    }

    /// What a client showed of itself; nil where it was not asked, or showed nothing.
    var peerCertificate: PeerCertificate? {
        switch session {
        case .some(let session): session.peerCertificate
        case .none: nil
        }
    }

    var peerVerification: PeerVerification { peerCertificate?.verification ?? .none }

    /// A failed read or write in words; in those of TLS where it was TLS.
    func describe(_ error: SystemError) -> String {
        switch session {
        case .some(let session): if error.code == EPROTO, let cause = session.lastError { return "\(cause)" }
        case .none: break
        }
        return "\(error)"
    }
}
