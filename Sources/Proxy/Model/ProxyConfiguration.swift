package import Access
package import EventLoop
package import TLS
package import Upstream

/// Which defaults and meanings a configuration file has.
package enum Dialect: Sendable, Equatable {
    /// A file with an `http` block: what Nginx means, it means.
    case nginx
    /// A file without one: safe defaults.
    case native
}

/// A whole configuration, checked: the immutable value that every loop runs on. A reload makes another and swaps it in.
///
/// Lists refer to each other by index: locations to upstreams, zones, password files, logs and maps.
package struct ProxyConfiguration: Sendable {
    package var dialect: Dialect
    package var process = ProcessSettings()
    package var errorLog = ErrorLogSettings()
    package var listeners: [ListenerConfiguration] = []
    package var servers: [VirtualServerConfiguration] = []
    package var upstreams: [UpstreamConfiguration] = []
    package var limitZones: [LimitZone] = []
    package var connectionZones: [ConnectionZone] = []
    /// Paths of htpasswd files, each once.
    package var passwordFiles: [String] = []
    /// Paths of files of API keys, each once.
    package var keyFiles: [String] = []
    package var secretFile: SecretFile?
    /// What callers with limited permissions may do (`permission`).
    package var permissions = PermissionTable.standard
    /// Where sessions and devices outlive the process; nil: nowhere.
    package var stateDirectory: String?
    /// The path of the socket that the command line speaks to; nil: none.
    package var controlSocket: String?
    package var accessLogs: [AccessLogConfiguration] = []
    package var maps: [ValueMap] = []

    package init(dialect: Dialect) { self.dialect = dialect }
}

/// What concerns the process and not its traffic.
package struct ProcessSettings: Sendable, Equatable {
    /// The account to change to once the sockets are bound, or nil to stay.
    package var user: String?
    package var group: String?
    /// Event loops; nil for one per processor.
    package var workerCount: Int? = 1
    /// The soft limit of open descriptors to set (`worker_rlimit_nofile`), or nil.
    package var descriptorLimit: Int?
    /// The longest a drain may take, in nanoseconds; nil for no bound (`worker_shutdown_timeout`).
    package var shutdownTimeout: UInt64?
    package var pidFile: String?
    /// Client and upstream connections per event loop at the most.
    package var connectionsPerWorker = 512

    package init() {}
}

/// Where the operator's log goes, and from which level on.
package struct ErrorLogSettings: Sendable, Equatable {
    package enum Level: Int, Sendable, CaseIterable, Comparable {
        case debug, info, notice, warn, error, crit, alert, emerg
        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    package enum Destination: Sendable, Equatable {
        case standardError
        case file(String)
        case off
    }

    package var destination = Destination.standardError
    package var level = Level.error

    package init() {}
}

/// A socket to listen on and the virtual servers behind it.
package struct ListenerConfiguration: Sendable {
    package var address: SocketAddress
    package var isTLS = false
    package var isHTTP2 = false
    package var backlog = 511
    package var isIPv6Only = true
    /// Answer every request with a redirect to the same host and target over https (`listen 80 redirect`).
    package var redirectsToHTTPS = false
    /// Each connection begins with a header of the PROXY protocol, before TLS (`listen … proxy_protocol`).
    package var takesProxyProtocol = false
    /// Indices into `ProxyConfiguration.servers`, in order of appearance.
    package var servers: [Int] = []
    /// Index of the server that answers when no name fits. Also an element of `servers`.
    package var defaultServer = 0

    package init(address: SocketAddress) { self.address = address }
}

/// A name of a virtual server, in lower case.
package enum ServerName: Sendable, Hashable {
    /// `example.com`; an empty name matches requests without Host.
    case exact(String)
    /// `*.example.com`: holds `.example.com`. `includesBare` for `.example.com`, which also matches `example.com`.
    case leadingWildcard(suffix: String, includesBare: Bool)
    /// `www.example.*`: holds `www.example.`.
    case trailingWildcard(prefix: String)
}

/// A virtual server.
package struct VirtualServerConfiguration: Sendable {
    package var names: [ServerName] = []
    /// The first name as written, for `$server_name`.
    package var primaryName = ""
    /// Certificates and protocol settings, when a TLS listener leads here.
    package var tls: ServerTLSSettings?
    /// Runs before any location is looked for.
    package var returnRule: ReturnRule?
    /// Every location, nested ones flattened, in no particular order. The server's own level, for requests that no location
    /// matches, is `root`.
    package var locations: [LocationConfiguration] = []
    package var root = LocationConfiguration(match: .prefix([0x2F]))
    package var realIP = RealIPSettings()
    package var client = ClientSettings()
    /// Rejects what two dialects of a path could read differently (`DESIGN`: one path).
    package var mergesSlashes = true

    package init() {}
}

/// Bounds and waits for a client's connection. Taken from the listener's default server until the server is known.
package struct ClientSettings: Sendable, Equatable {
    /// For a whole request head, from its first byte, and for a TLS handshake; nanoseconds.
    package var headerTimeout: UInt64 = 60_000_000_000
    /// Between requests; nanoseconds. Zero turns keep-alive off.
    package var keepaliveTimeout: UInt64 = 75_000_000_000
    package var keepaliveRequests = 1000
    /// Bytes of the request line, and of one field, at the most.
    package var largestField = 8192
    /// Bytes of the whole head at the most.
    package var largestHead = 32768
    /// Fields of a head at the most; no more than a `FieldTable` holds.
    package var fieldCount = 100
    /// Whether a head's line may end in a bare LF (an Nginx file allows it).
    package var allowsBareLineFeed = false
    /// Whether a field whose name holds `_` or `.` is dropped (Nginx's default) or passed on unless it aliases one of ours.
    package var dropsUnusualFieldNames = false
    /// How many connections an address may have, over all listeners; nil for no bound.
    package var connectionLimit: ClientConnectionLimit?
    package var http2 = HTTP2Limits()

    package init() {}
}

/// Bounds of an HTTP/2 connection.
package struct HTTP2Limits: Sendable, Equatable {
    /// Streams under way at once.
    package var streams = 128
    /// Bytes of a DATA frame that is sent, 1 to 16,384.
    package var chunk = 16384
    /// Bytes of a request's body that may come before any is taken: a stream's initial window.
    package var window = 65535

    package init() {}
}

/// Whose word about the client's address counts.
package struct RealIPSettings: Sendable, Equatable {
    package enum Header: Sendable, Equatable {
        case xRealIP
        case xForwardedFor
        /// No field: the PROXY protocol's header.
        case proxyProtocol
        case field([UInt8])
    }

    package var trusted: [AddressRange] = []
    package var trustsUnixSockets = false
    package var header = Header.xRealIP
    /// On a connection that began with a header of the PROXY protocol, that header holds the client's address, and no field.
    package var prefersProxyProtocol = false
    package var isRecursive = false

    package init() {}
}
