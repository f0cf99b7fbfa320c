import Bytes
import COpenSSL
import EventLoop
import Glibc

@testable import TLS

/// Two connected nonblocking descriptors.
final class SocketPair {
    let server: Int32
    let client: Int32
    private var clientIsOpen = true

    /// - Parameter bufferSize: bytes of socket buffer; nil leaves the system's.
    init(bufferSize: Int32? = nil) {
        var descriptors: [Int32] = [0, 0]
        let result = unsafe socketpair(
            AF_UNIX,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            0,
            &descriptors
        )
        precondition(result == 0)
        (server, client) = (descriptors[0], descriptors[1])
        if var bufferSize {
            for descriptor in descriptors {
                unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bufferSize, 4)
                unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bufferSize, 4)
            }
        }
    }

    deinit {
        close(server)
        closeClient()
    }

    func closeClient() {
        if clientIsOpen { close(client) }
        clientIsOpen = false
    }

    /// Sends bytes past any session.
    func sendRaw(_ bytes: [UInt8]) {
        precondition(unsafe send(client, bytes, bytes.count, 0) == bytes.count)
    }

    /// What the server has sent and nobody has read.
    func receiveRaw() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = unsafe recv(client, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(0, count)))
    }
}

/// Steps both sides until both are done or one has failed.
func shakeHands(_ server: inout TLSSession, _ client: inout TLSSession) -> (
    server: HandshakeResult, client: HandshakeResult
) {
    var results = (server: HandshakeResult.wantsRead, client: HandshakeResult.wantsRead)
    for _ in 0..<100 {
        results.client = client.handshake()
        results.server = server.handshake()
        if results.client == .done, results.server == .done { break }
        if case .failed = results.client { break }
        if case .failed = results.server {
            results.client = client.handshake()
            break
        }
    }
    return results
}

/// One server's side and one client's side, connected.
struct Connection: ~Copyable {
    let pair: SocketPair
    var server: TLSSession
    var client: TLSSession

    init(
        _ listener: ListenerTLS,
        _ context: ClientContext,
        name: String? = "localhost",
        resuming session: Resumable? = nil,
        bufferSize: Int32? = nil
    ) throws {
        let pair = SocketPair(bufferSize: bufferSize)
        let server = try TLSSession(server: listener, descriptor: pair.server)
        let client = try TLSSession(client: context, descriptor: pair.client, serverName: name)
        if let session { unsafe SSL_set_session(client.session, session.pointer) }
        self.pair = pair
        self.server = server
        self.client = client
    }

    mutating func shakeHands() -> (server: HandshakeResult, client: HandshakeResult) {
        TLSTests.shakeHands(&server, &client)
    }

    /// The session to resume later; a ticket has to arrive before.
    mutating func resumable() -> Resumable {
        _ = receive(&client)
        return unsafe Resumable(pointer: SSL_get1_session(client.session))
    }
}

/// Owns an `SSL_SESSION`.
@safe
final class Resumable {
    let pointer: OpaquePointer
    init(pointer: OpaquePointer) { unsafe self.pointer = pointer }
    deinit { unsafe SSL_SESSION_free(pointer) }
}

/// Reads what there is; empty where nothing is.
func receive(_ session: inout TLSSession) -> [UInt8] {
    var all: [UInt8] = []
    var space = [UInt8](repeating: 0, count: 20000)
    while case .bytes(let count) = unsafe space.withUnsafeMutableBytes({ unsafe session.read(into: $0) }) {
        all += space[..<count]
    }
    return all
}

/// One read.
func readOnce(_ session: inout TLSSession, limit: Int = 20000) -> (result: IOResult, bytes: [UInt8]) {
    var space = [UInt8](repeating: 0, count: limit)
    let result = unsafe space.withUnsafeMutableBytes { unsafe session.read(into: $0) }
    guard case .bytes(let count) = result else { return (result, []) }
    return (result, Array(space[..<count]))
}

/// One write.
func writeOnce(_ session: inout TLSSession, _ bytes: some Collection<UInt8>) -> IOResult {
    let copy = Array(bytes)
    return unsafe copy.withUnsafeBytes { unsafe session.write($0) }
}
