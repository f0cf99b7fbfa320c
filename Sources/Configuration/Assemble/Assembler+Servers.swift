import ConfigSyntax
import Proxy
import TLS

extension Assembler {
    mutating func addServers() {
        for index in builder.servers.indices {
            let server = virtualServer(index)
            configuration.servers.append(server)
        }
        if builder.servers.isEmpty, !builder.diagnostics.hasErrors, let place = firstPlace {
            report(
                .warning(place, "there is no server, so nothing is listened on", hint: "server { listen 443 ssl; … }")
            )
        }
        completeCertificates()
    }

    private var firstPlace: SourceRange? {
        (builder.main.http ?? builder.main.events)?.name.range ?? builder.upstreams.first?.name.range ?? start
    }

    /// The listeners that lead to a server.
    func listeners(of server: Int) -> [ListenerConfiguration] {
        configuration.listeners.filter { $0.servers.contains(server) }
    }

    private mutating func virtualServer(_ index: Int) -> VirtualServerConfiguration {
        let (draft, scope) = builder.servers[index]
        var server = VirtualServerConfiguration()
        server.names = draft.names.isEmpty ? [.exact("")] : draft.names.map(\.value)
        server.primaryName = draft.primaryName?.lowercased() ?? ""
        server.returnRule = draft.returnRule.map(returnRule)
        server.client = clientSettings(scope)
        server.realIP = realIP(scope, listeners(of: index))
        server.mergesSlashes = scope.effective(\.mergesSlashes)?.value ?? true
        let listeners = listeners(of: index)
        if listeners.contains(where: \.isTLS) { server.tls = tlsSettings(scope, listeners, index) }
        server.root = location(scope, match: .prefix([0x2F]), server: index)
        server.locations = draft.locations.compactMap { inner in
            guard let match = inner.location?.match else { return nil }
            return location(inner, match: match, server: index)
        }
        if dialect == .nginx { server.locations += slashRedirects(server.locations) }
        openPaths(of: index, &server)
        adviseOnServer(index)
        return server
    }

    private func clientSettings(_ scope: Scope) -> ClientSettings {
        var client = ClientSettings()
        client.headerTimeout = scope.effective(\.headerTimeout)?.value ?? client.headerTimeout
        client.keepaliveTimeout = scope.effective(\.keepaliveTimeout)?.value ?? client.keepaliveTimeout
        client.keepaliveRequests = scope.effective(\.keepaliveRequests)?.value ?? client.keepaliveRequests
        let buffers = scope.effective(\.largeHeadBuffers)?.value ?? HeadBuffers(count: 4, size: 8192)
        let first = scope.effective(\.headBuffer)?.value ?? 1024
        client.largestField = Int(max(buffers.size, first))
        client.largestHead = max(buffers.count * Int(buffers.size), client.largestField)
        client.fieldCount = scope.effective(\.fieldCount)?.value ?? client.fieldCount
        client.connectionLimit = connectionLimit(scope)
        client.allowsBareLineFeed = dialect == .nginx
        client.http2.streams = scope.effective(\.http2Streams)?.value ?? client.http2.streams
        client.http2.chunk = Int(scope.effective(\.http2Chunk)?.value ?? (dialect == .nginx ? 8192 : 16384))
        client.http2.window = Int(scope.effective(\.http2Window)?.value ?? UInt64(client.http2.window))
        let keepsUnderscores = scope.effective(\.keepsUnderscores)?.value ?? (dialect == .native)
        client.dropsUnusualFieldNames = !keepsUnderscores
        return client
    }

    private func realIP(_ scope: Scope, _ listeners: [ListenerConfiguration]) -> RealIPSettings {
        var settings = RealIPSettings()
        for peer in scope.effective(\.trusted) ?? [] {
            switch peer {
            case .range(let range): settings.trusted.append(range)
            case .unixSockets: settings.trustsUnixSockets = true
            }
        }
        settings.header = scope.effective(\.realIPHeader)?.value ?? settings.header
        // A native file need not say what the listener says already.
        settings.prefersProxyProtocol =
            dialect == .native && scope.effective(\.realIPHeader) == nil
            && listeners.contains(where: \.takesProxyProtocol)
        settings.isRecursive = scope.effective(\.realIPRecursive)?.value ?? settings.isRecursive
        return settings
    }

    private mutating func tlsSettings(_ scope: Scope, _ listeners: [ListenerConfiguration], _ index: Int)
        -> ServerTLSSettings
    {
        let certificates = scope.effective(\.certificates) ?? []
        let keys = scope.effective(\.keys) ?? []
        if let extra = certificates.dropFirst(keys.count).first {
            report(.error(extra.range, "no \"ssl_certificate_key\" is given for this \"ssl_certificate\""))
        } else if let extra = keys.dropFirst(certificates.count).first {
            report(.error(extra.range, "no \"ssl_certificate\" is given for this \"ssl_certificate_key\""))
        }
        var settings = ServerTLSSettings(
            certificates: zip(certificates, keys).map { CertificateFiles(chain: $0.value, key: $1.value) }
        )
        settings.protocols = scope.effective(\.protocols)?.value ?? settings.protocols
        settings.ciphers = scope.effective(\.ciphers)?.value ?? settings.ciphers
        // Whoever takes the client's order has OpenSSL's list, as Nginx does.
        settings.prefersServerCiphers = scope.effective(\.prefersServerCiphers)?.value ?? (dialect == .native)
        let keepsOwnOrder = dialect == .native && settings.prefersServerCiphers
        settings.cipherSuites =
            scope.effective(\.cipherSuites)?.value ?? (keepsOwnOrder ? ServerTLSSettings.modernSuites : nil)
        if let groups = scope.effective(\.groups) { settings.groups = groups.value }
        settings.sessionCache = scope.effective(\.sessionCache)?.value ?? settings.sessionCache
        settings.sessionTimeout = scope.effective(\.sessionTimeout)?.value ?? settings.sessionTimeout
        settings.ticketsEnabled = scope.effective(\.tickets)?.value ?? true
        setStaple(scope, &settings)
        setClientVerification(scope, listeners, &settings)
        settings.rejectsHandshake = scope.effective(\.rejectsHandshake)?.value ?? false
        // Two servers may share a name on different addresses; its place keeps them apart.
        settings.sessionContext = Array("\(index):\(builder.servers[index].draft.primaryName ?? "")".utf8)
        let speaksHTTP2 = listeners.contains { $0.isTLS && $0.isHTTP2 }
        settings.applicationProtocols = speaksHTTP2 ? [.http2, .http11] : [.http11]
        return settings
    }

    /// What is stapled: a file, where it is not turned off. An Nginx file has to turn it on.
    private func setStaple(_ scope: Scope, _ settings: inout ServerTLSSettings) {
        let (file, staples) = (scope.effective(\.stapleFile), scope.effective(\.staples))
        if staples?.value ?? (dialect == .native) { settings.stapleFile = file?.value }
        if let staples, staples.value, file == nil {
            let hint = "no OCSP responder is asked; ssl_stapling_file staples a response that you fetched"
            report(.note(staples.range, "\"ssl_stapling\" has no effect", hint: hint))
        } else if let file, settings.stapleFile == nil, staples == nil {
            report(
                .note(file.range, "\"ssl_stapling_file\" has no effect", hint: "Nginx wants \"ssl_stapling on;\" too")
            )
        }
    }

    /// Every server behind a TLS listener needs a certificate, its own or the default server's.
    private mutating func completeCertificates() {
        for listener in configuration.listeners where listener.isTLS {
            let fallback = configuration.servers[listener.defaultServer].tls?.certificates ?? []
            for index in listener.servers {
                guard let tls = configuration.servers[index].tls, tls.certificates.isEmpty, !tls.rejectsHandshake else {
                    continue
                }
                let draft = builder.servers[index].draft
                let listen = draft.listens.first { $0.address == listener.address }
                let range = listen?.range ?? draft.directive.name.range
                if index == listener.defaultServer || fallback.isEmpty {
                    let hint = "add ssl_certificate and ssl_certificate_key"
                    report(
                        .error(
                            range,
                            "no \"ssl_certificate\" is defined for the \"listen … ssl\" directive",
                            hint: hint
                        )
                    )
                } else {
                    let hint = "browsers will object unless it names this server too"
                    report(.warning(range, "the server shows the default server's certificate", hint: hint))
                    configuration.servers[index].tls?.certificates = fallback
                }
            }
        }
    }
}
