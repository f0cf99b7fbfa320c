package import Bytes
import CLinux
import Glibc

/// Stream sockets: making, connecting, options (socket(7), tcp(7)).
package enum Sockets {
    /// What an attempt to connect brought.
    @frozen
    package enum ConnectResult: ~Copyable, Sendable {
        case connected(OwnedDescriptor)
        /// Wait until the socket is writable, then ask `error(of:)`.
        case inProgress(OwnedDescriptor)
        case failed(SystemError)

        /// The error's number, closing any socket; nil when there is no error.
        consuming func errorCodeClosing() -> Int32? {
            switch consume self {
            case .connected(let socket):
                socket.close()
                return nil
            case .inProgress(let socket):
                socket.close()
                return nil
            case .failed(let error):
                return error.code
            }
        }
    }

    /// Begins to connect a non-blocking socket, from `source` if given.
    package static func connect(to address: SocketAddress, from source: SocketAddress? = nil) -> ConnectResult {
        do {
            return begin(try make(address.family), address, source)
        } catch {
            return .failed(error)
        }
    }

    private static func begin(
        _ socket: consuming OwnedDescriptor,
        _ address: SocketAddress,
        _ source: SocketAddress?
    ) -> ConnectResult {
        let raw = socket.raw
        if let source, unsafe source.withSockaddr({ unsafe Glibc.bind(raw, $0, $1) }) != 0 {
            return .failed(SystemError("bind", code: errno))
        }
        if unsafe address.withSockaddr({ unsafe Glibc.connect(raw, $0, $1) }) == 0 { return .connected(socket) }
        switch errno {
        // Interrupted, it goes on by itself (connect(2)).
        case EINPROGRESS, EINTR: return .inProgress(socket)
        // EAGAIN among them: a path's listener with a full backlog, on which the socket would never become connected.
        case let code: return .failed(SystemError("connect", code: code))
        }
    }

    /// Whether the peer has ended the stream, or sent something, though nothing has been read yet (recv(2), MSG_PEEK).
    package static func hasNews(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, clinux_msg_peek_dontwait)
        return count >= 0 || (errno != EAGAIN && errno != EINTR)
    }

    /// Whether the peer has sent something that hasn't been read yet (recv(2), MSG_PEEK).
    package static func hasBytes(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        return unsafe recv(descriptor, &byte, 1, clinux_msg_peek_dontwait) > 0
    }

    /// Looks at what has come, at most `limit` bytes, without taking it (recv(2), MSG_PEEK).
    package static func peek(_ descriptor: Int32, into buffer: inout ByteBuffer, limit: Int) -> IOResult {
        var result = IOResult.wantsRead
        _ = unsafe buffer.withWritable(minimum: limit) { memory -> Int in
            while true {
                let count = unsafe recv(
                    descriptor,
                    memory.baseAddress,
                    min(limit, memory.count),
                    clinux_msg_peek_dontwait
                )
                if count > 0 {
                    result = .bytes(count)
                    return count
                }
                if count == 0 {
                    result = .endOfStream
                    return 0
                }
                switch errno {
                case EINTR: continue
                case EAGAIN: return 0
                case let code:
                    result = .failed(SystemError("recv", code: code))
                    return 0
                }
            }
        }
        return result
    }

    /// Takes `count` bytes that `peek` has shown, and drops them.
    package static func discard(_ descriptor: Int32, count: Int) {
        unsafe withUnsafeTemporaryAllocation(byteCount: max(count, 1), alignment: 1) { memory in
            var left = count
            while left > 0 {
                let taken = unsafe recv(descriptor, memory.baseAddress, left, clinux_msg_dontwait)
                if taken > 0 { left -= taken } else if taken == 0 || errno != EINTR { return }
            }
        }
    }

    /// Bytes that the peer's kernel has acknowledged since the connection was opened (tcp(7), TCP_INFO); nil where that isn't
    /// known.
    package static func acknowledgedBytes(_ descriptor: Int32) -> UInt64? {
        unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { memory in
            var length = socklen_t(256)
            guard unsafe getsockopt(descriptor, clinux_ipproto_tcp, TCP_INFO, memory.baseAddress, &length) == 0,
                length >= 128
            else { return nil }
            // tcpi_bytes_acked, which counts the handshake's own number.
            let count = unsafe memory.load(fromByteOffset: 120, as: UInt64.self)
            return count > 0 ? count - 1 : 0
        }
    }

    /// The error that waits on a socket (SO_ERROR), taken from it; nil when there is none.
    package static func error(of descriptor: Int32) -> SystemError? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
            return SystemError("getsockopt", code: errno)
        }
        return code == 0 ? nil : SystemError("connect", code: code)
    }

    /// Sends small segments at once. Without effect on sockets that are not TCP.
    package static func setNoDelay(_ descriptor: Int32, _ isOn: Bool = true) {
        trySet(descriptor, clinux_ipproto_tcp, TCP_NODELAY, isOn ? 1 : 0)
    }

    /// Probes a silent peer after `idle` seconds, every `interval` seconds, and gives it up after `count` probes.
    package static func setKeepAlive(_ descriptor: Int32, idle: Int32, interval: Int32, count: Int32) {
        trySet(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        trySet(descriptor, clinux_ipproto_tcp, TCP_KEEPIDLE, idle)
        trySet(descriptor, clinux_ipproto_tcp, TCP_KEEPINTVL, interval)
        trySet(descriptor, clinux_ipproto_tcp, TCP_KEEPCNT, count)
    }

    /// Makes closing drop what is unsent and reset the connection.
    package static func setResetOnClose(_ descriptor: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Bounds what the kernel keeps for the socket, in bytes; it doubles the figure.
    package static func setBufferSizes(_ descriptor: Int32, receive: Int32? = nil, send: Int32? = nil) {
        if let receive { trySet(descriptor, SOL_SOCKET, SO_RCVBUF, receive) }
        if let send { trySet(descriptor, SOL_SOCKET, SO_SNDBUF, send) }
    }

    /// Bounds what waits unsent in the kernel before the socket counts as writable, in bytes.
    package static func setUnsentLowWater(_ descriptor: Int32, _ bytes: Int32) {
        trySet(descriptor, clinux_ipproto_tcp, TCP_NOTSENT_LOWAT, bytes)
    }

    /// The address that the socket is bound to.
    package static func localAddress(of descriptor: Int32) -> SocketAddress? {
        unsafe address(of: descriptor, clinux_getsockname)
    }

    /// The address that the socket is connected to.
    package static func peerAddress(of descriptor: Int32) -> SocketAddress? {
        unsafe address(of: descriptor, clinux_getpeername)
    }

    /// Two connected non-blocking sockets without addresses (socketpair(2)).
    package static func pair() throws(SystemError) -> Pair {
        var first: Int32 = -1
        var second: Int32 = -1
        var descriptors: (Int32, Int32) = (-1, -1)
        let type = clinux_sock_stream | clinux_sock_nonblock_cloexec
        let code = unsafe withUnsafeMutableBytes(of: &descriptors) { bytes -> Int32 in
            unsafe socketpair(AF_UNIX, type, 0, bytes.baseAddress?.assumingMemoryBound(to: Int32.self))
        }
        guard code == 0 else { throw SystemError("socketpair", code: errno) }
        (first, second) = descriptors
        return Pair(first: OwnedDescriptor(adopting: first), second: OwnedDescriptor(adopting: second))
    }

    /// Two connected sockets.
    @frozen
    package struct Pair: ~Copyable, Sendable {
        package let first: OwnedDescriptor
        package let second: OwnedDescriptor
    }

    // MARK: Plumbing

    static func make(_ family: SocketAddress.Family) throws(SystemError) -> OwnedDescriptor {
        let domain: Int32
        switch family {
        case .ipv4: domain = AF_INET
        case .ipv6: domain = AF_INET6
        case .unix: domain = AF_UNIX
        }
        let descriptor = socket(domain, clinux_sock_stream | clinux_sock_nonblock_cloexec, 0)
        guard descriptor >= 0 else { throw SystemError("socket", code: errno) }
        return OwnedDescriptor(adopting: descriptor)
    }

    static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) throws(SystemError) {
        var value = value
        guard unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw SystemError("setsockopt", code: errno)
        }
    }

    private static func trySet(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func address(
        of descriptor: Int32,
        _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var code: Int32 = -1
        let address = unsafe SocketAddress.fill { address, length in
            code = unsafe call(descriptor, address, &length)
        }
        return code == 0 ? address : nil
    }
}
