import CLinux
import Glibc

/// Sockets that wait for connections.
package enum Listener {
    /// What an attempt to accept brought.
    @frozen
    package enum AcceptResult: ~Copyable, Sendable {
        /// A connection, non-blocking, and who it comes from.
        case connection(OwnedDescriptor, SocketAddress)
        /// Nobody waits.
        case wouldBlock
        /// The process or the machine is out of descriptors or memory: pause accepting.
        case outOfDescriptors(SystemError)
        /// The one that waited is gone: try again.
        case retry
        /// The listener is broken.
        case failed(SystemError)
    }

    /// A non-blocking socket that listens on `address`.
    ///
    /// - Parameters:
    ///   - backlog: connections that may wait to be accepted; the kernel caps it (somaxconn).
    ///   - reusePort: several sockets, one for each loop, share the address and the kernel spreads connections over them.
    ///   - ipv6Only: an IPv6 socket takes no IPv4 connections.
    ///   - deferAccept: seconds for which a connection is kept back until it has sent something; zero for not at all.
    ///   - mode: permissions of a path's socket.
    ///
    /// A path's socket file that nobody listens on is replaced; one that somebody does fails with EADDRINUSE.
    package static func listen(
        on address: SocketAddress,
        backlog: Int32 = 511,
        reusePort: Bool = false,
        ipv6Only: Bool = true,
        deferAccept: Int32 = 0,
        mode: UInt32 = 0o666
    ) throws(SystemError) -> OwnedDescriptor {
        let socket = try Sockets.make(address.family)
        if address.family != .unix {
            try Sockets.set(socket.raw, SOL_SOCKET, SO_REUSEADDR, 1)
            if reusePort { try Sockets.set(socket.raw, SOL_SOCKET, SO_REUSEPORT, 1) }
            if deferAccept > 0 { try Sockets.set(socket.raw, clinux_ipproto_tcp, TCP_DEFER_ACCEPT, deferAccept) }
        }
        if address.family == .ipv6 { try Sockets.set(socket.raw, clinux_ipproto_ipv6, IPV6_V6ONLY, ipv6Only ? 1 : 0) }
        var code = bind(socket.raw, address)
        if code == EADDRINUSE, address.family == .unix, isStale(address) {
            _ = unsafe unlink(address.pathText)
            code = bind(socket.raw, address)
        }
        guard code == 0 else { throw SystemError("bind", code: code) }
        if address.family == .unix, unsafe chmod(address.pathText, mode) != 0 {
            throw SystemError("chmod", code: errno)
        }
        guard Glibc.listen(socket.raw, backlog) == 0 else { throw SystemError("listen", code: errno) }
        return socket
    }

    /// Accepts one connection (accept4(2)).
    package static func accept(_ listener: Int32) -> AcceptResult {
        var descriptor: Int32 = -1
        let peer = unsafe SocketAddress.fill { address, length in
            repeat {
                descriptor = unsafe clinux_accept4(listener, address, &length, clinux_sock_nonblock_cloexec)
            } while descriptor < 0 && errno == EINTR
            if descriptor < 0 { descriptor = -errno }
        }
        if descriptor >= 0 {
            let connection = OwnedDescriptor(adopting: descriptor)
            guard let peer else { return .retry }
            return .connection(connection, peer)
        }
        let code = -descriptor
        switch code {
        case EAGAIN:
            return .wouldBlock
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            return .outOfDescriptors(SystemError("accept4", code: code))
        // What befell the connection itself, as accept(2) lists it.
        case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
            EPERM:
            return .retry
        default:
            return .failed(SystemError("accept4", code: code))
        }
    }

    private static func bind(_ socket: Int32, _ address: SocketAddress) -> Int32 {
        unsafe address.withSockaddr { unsafe Glibc.bind(socket, $0, $1) } == 0 ? 0 : errno
    }

    /// Whether `address` is a socket file that nobody listens on.
    private static func isStale(_ address: SocketAddress) -> Bool {
        var status = stat()
        guard unsafe lstat(address.pathText, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        return Sockets.connect(to: address).errorCodeClosing() == ECONNREFUSED
    }
}
