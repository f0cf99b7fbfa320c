package import EventLoop
import Glibc

/// Finds the addresses of a host name. May block for as long as it likes; called on a thread of its own.
package typealias Lookup = @Sendable (_ name: String) -> Result<[SocketAddress], LookupError>

/// Why a name has no addresses.
package enum LookupError: Error, Sendable, Equatable, CustomStringConvertible {
    /// getaddrinfo(3) failed: its code, and `errno` where the code is `EAI_SYSTEM`.
    case failed(code: Int32, errno: Int32)
    /// The name exists, without an IPv4 or IPv6 address.
    case noAddress
    /// No thread could be started for the lookup.
    case noThread(SystemError)

    package var description: String {
        switch self {
        case .failed(EAI_SYSTEM, let code): SystemError("getaddrinfo", code: code).description
        case .failed(let code, _): unsafe String(cString: gai_strerror(code))
        case .noAddress: "the name has no address"
        case .noThread(let error): error.description
        }
    }
}

/// A lookup that failed, for the log.
package struct LookupFailure: Sendable, Equatable, CustomStringConvertible {
    package let name: String
    package let error: LookupError
    /// Failures in a row, this one among them. Logging the first of a row is enough.
    package let failures: Int
    /// Earlier addresses stay in use.
    package let keepsAddresses: Bool
    /// Nanoseconds until the next lookup.
    package let retryIn: UInt64

    package init(name: String, error: LookupError, failures: Int, keepsAddresses: Bool, retryIn: UInt64) {
        self.name = name
        self.error = error
        self.failures = failures
        self.keepsAddresses = keepsAddresses
        self.retryIn = retryIn
    }

    /// One line for the error log. Allocates.
    package var description: String {
        let rest = keepsAddresses ? "; the addresses known before stay in use" : ""
        return "host \"\(name)\" of an upstream can't be looked up: \(error)\(rest)"
    }
}

/// Asks the system: /etc/hosts, DNS and whatever nsswitch.conf(5) names, each time anew. IPv4 and IPv6.
package func systemLookup(_ name: String) -> Result<[SocketAddress], LookupError> {
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(name, nil, &hints, &list)
    guard code == 0 else { return .failure(.failed(code: code, errno: code == EAI_SYSTEM ? errno : 0)) }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
        if let address = unsafe entry.pointee.ai_addr {
            let count = unsafe Int(entry.pointee.ai_addrlen)
            let bytes = unsafe UnsafeRawBufferPointer(start: address, count: count)
            if let address = unsafe SocketAddress(kernel: bytes, count: count) { addresses.append(address) }
        }
        unsafe next = unsafe entry.pointee.ai_next
    }
    return .success(addresses)
}
