import Bytes
package import CLinux
import Glibc

/// Where a socket is bound or connects to: IPv4, IPv6 or a path. A small plain value that owns no memory.
///
/// An IPv4 address that arrives mapped into IPv6 becomes an IPv4 address, so that rules for addresses see one form.
package struct SocketAddress: Sendable, BitwiseCopyable {
    /// The sort of address.
    @frozen
    @usableFromInline
    package enum Family: UInt8, Sendable, BitwiseCopyable {
        case ipv4
        case ipv6
        /// A socket of the local machine (unix(7)); its path is empty for an unnamed peer.
        case unix

        /// Whether both are the same. Spelt out and inlinable, as the one for raw values is generic and called through a
        /// table.
        @inlinable
        package static func == (left: Family, right: Family) -> Bool {
            unsafe unsafeBitCast(left, to: UInt8.self) == unsafeBitCast(right, to: UInt8.self)
        }
    }

    /// An IP address as 128 bits in two halves, an IPv4 one mapped (`::ffff:a.b.c.d`). Fit as a table's key.
    @frozen
    package struct IPBytes: Equatable, Hashable, Sendable, BitwiseCopyable {
        /// The first eight bytes, most significant first.
        package let high: UInt64
        /// The last eight bytes, most significant first.
        package let low: UInt64

        @inlinable
        package init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }

        /// Whether this is a mapped IPv4 address.
        @inlinable package var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }
    }

    /// Bytes that a path may have: `sun_path` less its terminator.
    package static let maximumPathCount = 107

    /// Zero halves for `unix`.
    package let ipBytes: IPBytes
    /// The interface of a link-local IPv6 address, the number of a `unix` path, or zero.
    private let detail: UInt32
    /// Zero for `unix`.
    package private(set) var port: UInt16
    package let family: Family

    /// An IPv4 address, first byte most significant.
    package init(ipv4 address: UInt32, port: UInt16) {
        self.init(ip: IPBytes(high: 0, low: 0xFFFF << 32 | UInt64(address)), port: port)
    }

    /// An address of either version; a mapped one becomes IPv4.
    package init(ip: IPBytes, port: UInt16, scope: UInt32 = 0) {
        family = ip.isIPv4 ? .ipv4 : .ipv6
        self.port = port
        ipBytes = ip
        detail = ip.isIPv4 ? 0 : scope
    }

    /// A path, or nil for one that is empty, too long or holds a NUL, and for one more than the 4096 that a process may name.
    package init?(path text: String) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.maximumPathCount, !bytes.contains(0),
            let number = SocketPaths.number(of: bytes)
        else { return nil }
        self.init(pathNumber: number)
    }

    private init(pathNumber: UInt32) {
        family = .unix
        port = 0
        ipBytes = IPBytes(high: 0, low: 0)
        detail = pathNumber
    }

    /// The path's bytes; none for an unnamed socket and for other families.
    private var path: [UInt8] { family == .unix ? SocketPaths.path(detail) : [] }

    /// The same address with another port.
    package func with(port: UInt16) -> SocketAddress {
        var copy = self
        if family != .unix { copy.port = port }
        return copy
    }

    /// 127.0.0.0/8, ::1, or a path.
    package var isLoopback: Bool {
        switch family {
        case .ipv4: return ipBytes.low >> 24 & 0xFF == 127
        case .ipv6: return ipBytes.high == 0 && ipBytes.low == 1
        case .unix: return true
        }
    }

    /// 0.0.0.0 or ::.
    package var isUnspecified: Bool {
        switch family {
        case .ipv4: return ipBytes.low & 0xFFFF_FFFF == 0
        case .ipv6: return ipBytes.high == 0 && ipBytes.low == 0
        case .unix: return false
        }
    }

    /// The path of a `unix` address; empty for others.
    package var pathText: String {
        String(decoding: path, as: UTF8.self)
    }

    // MARK: For the kernel

    /// Runs `body` with the address in the kernel's form.
    package func withSockaddr<Result, Failure: Error>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch family {
        case .ipv4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(truncatingIfNeeded: ipBytes.low).bigEndian
            return try unsafe Self.run(&address, MemoryLayout<sockaddr_in>.size, body)
        case .ipv6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_scope_id = detail
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
                unsafe bytes.storeBytes(of: ipBytes.high.bigEndian, as: UInt64.self)
                unsafe bytes.storeBytes(of: ipBytes.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return try unsafe Self.run(&address, MemoryLayout<sockaddr_in6>.size, body)
        case .unix:
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let path = path
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
            return try unsafe Self.run(&address, MemoryLayout<sa_family_t>.size + path.count + 1, body)
        }
    }

    private static func run<Address, Result, Failure: Error>(
        _ address: inout Address,
        _ count: Int,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withUnsafeBytes(of: &address) { bytes throws(Failure) in
            guard let base = bytes.baseAddress else { fatalError("a value always has an address") }
            return try unsafe body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(count))
        }
    }

    /// The address that `body` fills in, as accept(2) and getsockname(2) do; nil when the family is none of ours. Of a `unix`
    /// socket it has the path only if a listener or an upstream of ours has it: a peer's name for itself is not kept.
    static func fill(_ body: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Void) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutableBytes(of: &storage) { bytes -> SocketAddress? in
            guard let base = bytes.baseAddress else { return nil }
            unsafe body(base.assumingMemoryBound(to: sockaddr.self), &length)
            return unsafe SocketAddress(kernel: UnsafeRawBufferPointer(bytes), count: Int(length))
        }
    }

    /// Reads an address in the kernel's form, `count` bytes of it valid.
    package init?(kernel bytes: UnsafeRawBufferPointer, count: Int) {
        guard count >= MemoryLayout<sa_family_t>.size else { return nil }
        switch Int32(unsafe bytes.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET:
            guard count >= MemoryLayout<sockaddr_in>.size else { return nil }
            let address = unsafe bytes.loadUnaligned(as: sockaddr_in.self)
            self.init(ipv4: UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            guard count >= MemoryLayout<sockaddr_in6>.size else { return nil }
            let address = unsafe bytes.loadUnaligned(as: sockaddr_in6.self)
            let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 8
            let ip = unsafe IPBytes(
                high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
            )
            self.init(ip: ip, port: UInt16(bigEndian: address.sin6_port), scope: address.sin6_scope_id)
        case AF_UNIX:
            var path: [UInt8] = []
            for index in MemoryLayout<sa_family_t>.size..<min(max(count, 2), 2 + Self.maximumPathCount) {
                let byte = unsafe bytes[index]
                if byte == 0 { break }
                path.append(byte)
            }
            self.init(pathNumber: SocketPaths.known(path))
        default:
            return nil
        }
    }
}

extension SocketAddress: Hashable {
    package static func == (left: SocketAddress, right: SocketAddress) -> Bool {
        left.ipBytes == right.ipBytes && left.port == right.port && left.family.rawValue == right.family.rawValue
            && left.detail == right.detail
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(family.rawValue)
        hasher.combine(port)
        hasher.combine(ipBytes)
        hasher.combine(detail)
    }
}

extension SocketAddress {
    /// Appends the path of a `unix` address.
    func appendPath(to buffer: inout ByteBuffer) { buffer.append(path) }
}
