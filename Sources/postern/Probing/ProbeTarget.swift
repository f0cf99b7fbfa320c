import Bytes
import EventLoop

/// Where `postern probe` asks, and for what.
struct ProbeTarget: Equatable {
    /// This machine's own: nobody else is ever asked.
    var address: SocketAddress
    var isTLS = false
    /// A header of the PROXY protocol goes first.
    var needsProxyHeader = false
    /// For the Host field and the TLS hello.
    var host: String
    var path: String

    /// For people.
    var url: String { "\(isTLS ? "https" : "http")://\(address)\(path)" }

    init(address: SocketAddress, isTLS: Bool = false, host: String, path: String) {
        self.address = address
        self.isTLS = isTLS
        self.host = host
        self.path = path
    }

    /// Reads `http://127.0.0.1:8080/health`. The host must be `localhost`, which stands for 127.0.0.1, or a loopback address:
    /// certificates are not verified, so nobody else is asked.
    init(url: String) throws(CommandError) {
        let bytes = Array(url.utf8)
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw CommandError("\"\(url)\" is no URL: it may hold neither spaces nor \"#\" nor anything beyond ASCII")
        }
        let rest: Substring
        if url.hasPrefix("http://") {
            rest = url.dropFirst(7)
        } else if url.hasPrefix("https://") {
            rest = url.dropFirst(8)
            isTLS = true
        } else {
            throw CommandError("\"\(url)\" is no URL: it must begin with http:// or https://")
        }
        let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) ?? rest.endIndex
        let authority = String(rest[..<slash])
        path = rest[slash...].hasPrefix("/") ? String(rest[slash...]) : "/" + rest[slash...]
        host = authority
        let isLocalhost = authority == "localhost" || authority.hasPrefix("localhost:")
        let literal = isLocalhost ? "127.0.0.1" + authority.dropFirst(9) : authority
        guard let address = SocketAddress(parsing: literal, defaultPort: isTLS ? 443 : 80), address.family != .unix,
            address.port > 0
        else { throw CommandError("\"\(url)\": \"\(authority)\" is neither localhost nor an address") }
        guard address.isLoopback else {
            throw CommandError("\"\(url)\": a probe asks this machine only, at localhost, 127.0.0.1 or [::1]")
        }
        self.address = address
    }

    /// The name for the TLS hello.
    var serverName: String {
        if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
        return String(host.prefix { $0 != ":" })
    }
}
