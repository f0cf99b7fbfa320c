import Access
import Bytes
import EventLoop
import HTTP
import Limits
import Synchronization
import TLS
import Upstream

/// A configuration made ready for the loops: immutable, shared by all of them, kept alive by the requests under it.
final class Runtime: Sendable {
    /// A number for each runtime of the process, rising.
    let number: Int
    let model: ProxyConfiguration
    let listeners: [ListenerRuntime]
    let servers: Frozen<Ref<ServerRuntime>>
    let zones: [ZoneRuntime]
    let connectionZones: [ConnectionZoneRuntime]
    let maps: Frozen<Ref<MapRuntime>>
    let passwordFiles: [PasswordSource]
    let keyFiles: [KeySource]
    /// The same as requests ask them.
    let passwordSources: Frozen<UncountedSource<PasswordTable>>
    let keySources: Frozen<UncountedSource<KeyRing>>
    let permissions: PermissionTable
    private let secrets: SecretVault?
    private let secretStamp: Mutex<SecretVault.Stamp?>
    let logs: Frozen<LogRuntime>
    /// Where the lines of each of `logs` go.
    let logSinks: [LogSink]
    let arena: Arena
    /// Some log or field asks for a field of the upstream's reply, so that its head must be kept.
    let readsReplyFields: Bool
    /// What its servers demand of handshakes, each once.
    let handshakePolicies: [String]

    init(
        _ model: ProxyConfiguration,
        number: Int,
        previous: Runtime?,
        passwordFiles: [PasswordSource],
        keyFiles: [KeySource] = [],
        realms: [Int32]? = nil,
        secrets: SecretVault? = nil,
        logSinks: [LogSink],
        ticketKeys: TicketKeys
    ) throws(TLSError) {
        let arena = Arena()
        self.arena = arena
        self.number = number
        self.model = model
        self.passwordFiles = passwordFiles
        self.keyFiles = keyFiles
        passwordSources = arena.freeze(passwordFiles.map { UncountedSource($0) })
        keySources = arena.freeze(keyFiles.map { UncountedSource($0) })
        self.secrets = secrets
        secretStamp = Mutex(secrets?.stampWhenRead)
        permissions = model.permissions
        self.logSinks = logSinks
        zones = model.limitZones.map { zone in
            // A zone that didn't change keeps what it counted.
            let kept = previous?.zones.first {
                $0.model.name == zone.name && $0.model.key == zone.key && $0.model.capacity == zone.capacity
            }
            return ZoneRuntime(zone, table: kept?.table, arena: arena)
        }
        connectionZones = model.connectionZones.map { zone in
            let kept = previous?.connectionZones.first { $0.model == zone }
            return ConnectionZoneRuntime(zone, table: kept?.table, arena: arena)
        }
        maps = arena.freeze(model.maps.map { arena.place(MapRuntime($0, arena: arena)) })
        logs = arena.freeze(
            model.accessLogs.enumerated().map { index, log in
                LogRuntime(format: CompiledTemplate(log.format, arena: arena), escape: log.escape, index: Int32(index))
            }
        )
        readsReplyFields = model.readsReplyFields
        var policies: [String: Int] = [:]
        var handshakePolicies: [String] = []
        var servers: [Ref<ServerRuntime>] = []
        for server in model.servers {
            let handshake = HandshakePolicy(server.tls, dialect: model.dialect, known: &handshakePolicies)
            servers.append(
                arena.place(
                    try ServerRuntime(
                        server,
                        index: servers.count,
                        model: model,
                        policies: &policies,
                        handshakePolicy: handshake,
                        realms: realms ?? model.passwordFiles.indices.map { Int32($0) },
                        secrets: secrets,
                        arena: arena
                    )
                )
            )
        }
        self.handshakePolicies = handshakePolicies
        self.servers = arena.freeze(servers)
        var listeners: [ListenerRuntime] = []
        for listener in model.listeners {
            listeners.append(
                try ListenerRuntime(listener, model: model, servers: self.servers, ticketKeys: ticketKeys, arena: arena)
            )
        }
        self.listeners = listeners
    }
}

extension Runtime {
    /// Whether files that secrets come from are others than at the last look.
    var secretsHaveChanged: Bool { secretStamp.withLock { $0 != secrets?.stamp() } }

    /// Leaves the files as they are now alone until they change again.
    func passOverSecrets() {
        let stamp = secrets?.stamp()
        secretStamp.withLock { $0 = stamp }
    }
}

/// What chooses a request's server on one listener. Trivial values only: reading them counts no references.
struct ServerChoice: Sendable {
    let names: ServerNameTable
    let servers: Frozen<Ref<ServerRuntime>>
    let redirectsToHTTPS: Bool
}

/// A listener's share of a runtime.
final class ListenerRuntime: Sendable {
    let model: ListenerConfiguration
    /// Index of the server that answers when no name fits.
    let defaultServer: Int
    let takesProxyProtocol: Bool
    let choice: Ref<ServerChoice>
    let tls: ListenerTLS?
    /// HTTP/2 is spoken without TLS, to clients that begin with it.
    let speaksClearHTTP2: Bool

    init(
        _ listener: ListenerConfiguration,
        model: ProxyConfiguration,
        servers: Frozen<Ref<ServerRuntime>>,
        ticketKeys: TicketKeys,
        arena: Arena
    ) throws(TLSError) {
        self.model = listener
        speaksClearHTTP2 = listener.isHTTP2 && !listener.isTLS
        defaultServer = listener.defaultServer
        takesProxyProtocol = listener.takesProxyProtocol
        var names: [(name: ServerName, server: Int)] = []
        for index in listener.servers {
            for name in model.servers[index].names { names.append((name, index)) }
        }
        choice = arena.place(
            ServerChoice(
                names: ServerNameTable(
                    names,
                    defaultServer: listener.defaultServer,
                    serverCount: listener.servers.count,
                    arena: arena
                ),
                servers: servers,
                redirectsToHTTPS: listener.redirectsToHTTPS
            )
        )
        tls = listener.isTLS ? try makeListenerTLS(listener, model, ticketKeys) : nil
    }
}

/// A virtual server made ready for the request path.
struct ServerRuntime: Sendable {
    let index: Int
    let handshakePolicy: HandshakePolicy
    let clientVerification: ClientVerification
    let primaryName: Frozen<UInt8>
    let hasReturn: Bool
    let returnStatus: Int
    let returnText: CompiledTemplate
    let returnIsRedirect: Bool
    let returnHasText: Bool
    let locations: Frozen<Ref<LocationRuntime>>
    let root: Ref<LocationRuntime>
    let tree: LocationTree
    /// All locations let the same callers pass: a path's other readings can't matter.
    let hasOnePolicy: Bool
    /// Some location's login mints a cookie: then there are pages to log in and out on.
    let hasSessions: Bool
    let trusted: Frozen<LocationRuntime.PackedRange>
    let trustsUnixSockets: Bool
    let realIPHeader: FieldID
    let realIPName: Frozen<UInt8>
    let realIPIsRecursive: Bool
    /// Some field may hold the client's address; else only the PROXY protocol does.
    let readsRealIPField: Bool
    /// What the PROXY protocol says comes first.
    let prefersProxyProtocol: Bool
    let client: ClientSettings
    let mergesSlashes: Bool

    init(
        _ server: VirtualServerConfiguration,
        index: Int,
        model: ProxyConfiguration,
        policies: inout [String: Int],
        handshakePolicy: HandshakePolicy,
        realms: [Int32],
        secrets: SecretVault?,
        arena: Arena
    ) throws(TLSError) {
        self.index = index
        self.handshakePolicy = handshakePolicy
        clientVerification = server.tls?.clientVerification ?? .off
        primaryName = arena.freeze(Array(server.primaryName.utf8))
        (hasReturn, returnStatus, returnText, returnIsRedirect, returnHasText) = compile(server.returnRule, arena)
        var locations: [Ref<LocationRuntime>] = []
        var hasSessions = false
        var seen: Set<Int> = []
        let readsSentFields = model.readsSentFields
        for location in server.locations + [server.root] {
            let description = location.policyDescription
            let policy = policies[description] ?? policies.count
            policies[description] = policy
            seen.insert(policy)
            var proxy: Ref<ProxyRuntime>?
            if case .proxy(let pass) = location.handler {
                let gateway = GatewayRuntime(location.identity.gateway, secrets, arena: arena)
                proxy = arena.place(
                    try ProxyRuntime(pass, gateway: gateway, ownedBy: location.identity.gateway, arena: arena)
                )
            }
            let login = LoginRuntime(location, realm: location.basicAuth.map { realms[$0.file] } ?? -1)
            hasSessions = hasSessions || login.hasSession
            locations.append(
                arena.place(
                    LocationRuntime(
                        location,
                        policy: policy,
                        login: login,
                        proxy: proxy,
                        zones: model.limitZones,
                        dialect: model.dialect,
                        readsSentFields: readsSentFields,
                        arena: arena
                    )
                )
            )
        }
        root = locations.removeLast()
        self.locations = arena.freeze(locations)
        tree = LocationTree(server.locations.enumerated().map { ($1.match, $0) }, arena: arena)
        hasOnePolicy = seen.count == 1
        self.hasSessions = hasSessions
        trusted = arena.freeze(server.realIP.trusted.map { LocationRuntime.PackedRange($0) })
        trustsUnixSockets = server.realIP.trustsUnixSockets
        realIPIsRecursive = server.realIP.isRecursive
        switch server.realIP.header {
        case .xRealIP: (realIPHeader, realIPName) = (.xRealIP, Frozen())
        case .xForwardedFor: (realIPHeader, realIPName) = (.xForwardedFor, Frozen())
        case .proxyProtocol: (realIPHeader, realIPName) = (.other, Frozen())
        case .field(let name): (realIPHeader, realIPName) = (FieldID.classify(name.span).0, arena.freeze(name))
        }
        readsRealIPField = server.realIP.header != .proxyProtocol
        prefersProxyProtocol = server.realIP.prefersProxyProtocol || !readsRealIPField
        client = server.client
        mergesSlashes = server.mergesSlashes
    }
}

extension LocationConfiguration {
    /// Text that is equal for two locations exactly when the same callers may pass to the same handler.
    var policyDescription: String {
        var handler = "none"
        switch self.handler {
        case .notFound: break
        case .health: handler = "health"
        case .metrics: handler = "metrics"
        case .stubStatus: handler = "status"
        case .proxy(let pass):
            handler = "proxy \(pass.upstream) \(String(describing: pass.replacementPath)) \(pass.requestFields)"
        }
        return "\(handler)|\(String(describing: returnRule))|\(limits)|\(connectionLimits)|\(addressRules)"
            + "|\(String(describing: basicAuth))|\(identity)|\(satisfiesAny)|\(crossSite)"
            + "|\(String(describing: largestBody))"
    }
}

extension ServerName {
    /// The name as it is written in a configuration.
    var pattern: String {
        switch self {
        case .exact(let name): name
        case .leadingWildcard(let suffix, let includesBare): includesBare ? suffix : "*" + suffix
        case .trailingWildcard(let prefix): prefix + "*"
        }
    }
}

/// Builds the table of TLS contexts for one listener's servers.
private func makeListenerTLS(
    _ listener: ListenerConfiguration,
    _ model: ProxyConfiguration,
    _ ticketKeys: TicketKeys
) throws(TLSError) -> ListenerTLS? {
    var names: [(name: String, context: ServerContext)] = []
    var fallback: ServerContext?
    for index in listener.servers {
        guard var settings = model.servers[index].tls else { continue }
        settings.applicationProtocols = listener.isHTTP2 ? [.http2, .http11] : [.http11]
        // What was agreed on with one server counts at no other.
        settings.sessionContext = Array("\(listener.address)/\(model.servers[index].primaryName)/\(index)".utf8)
        let context = try ServerContext(settings, ticketKeys: ticketKeys)
        if index == listener.defaultServer { fallback = context }
        for name in model.servers[index].names { names.append((name.pattern, context)) }
    }
    guard let fallback else { return nil }
    return ListenerTLS(defaultContext: fallback, names: names)
}
