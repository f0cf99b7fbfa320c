import EventLoop
import Limits
import Proxy
import TLS
import Upstream

/// A configuration as lines of text: what a golden file compares.
struct ModelDump {
    let configuration: ProxyConfiguration
    private(set) var text = ""

    init(_ configuration: ProxyConfiguration) {
        self.configuration = configuration
        line("dialect \(configuration.dialect)")
        process()
        for map in configuration.maps {
            line("map $\(map.name) from \(show(map.source))\(map.matchesHostnames ? " hostnames" : "")")
            for entry in map.entries { line("  \(show(entry.key)): \(show(entry.value))") }
            line("  default: \(show(map.fallback))")
        }
        for (index, zone) in configuration.limitZones.enumerated() {
            line("zone \(index) \(zone.name) key=\(show(zone.key)) keys=\(zone.capacity) rate=\(show(zone.rate))")
        }
        for (index, zone) in configuration.connectionZones.enumerated() {
            line("connection zone \(index) \(zone.name) key=\(show(zone.key)) keys=\(zone.capacity)")
        }
        for (index, file) in configuration.passwordFiles.enumerated() { line("passwords \(index) \(file)") }
        callers()
        for (index, log) in configuration.accessLogs.enumerated() {
            line("log \(index) \(log.destination) escape=\(log.escape) \(show(log.format))")
        }
        for (index, upstream) in configuration.upstreams.enumerated() { dump(upstream, index) }
        for listener in configuration.listeners { dump(listener) }
        for (index, server) in configuration.servers.enumerated() { dump(server, index) }
    }

    mutating func line(_ line: String) { text += line + "\n" }

    private mutating func process() {
        let process = configuration.process
        var parts = ["process", "workers=\(process.workerCount.map(String.init) ?? "auto")"]
        parts.append("connections=\(process.connectionsPerWorker)")
        if let user = process.user { parts.append("user=\(user):\(process.group ?? "")") }
        if let limit = process.descriptorLimit { parts.append("descriptors=\(limit)") }
        if let timeout = process.shutdownTimeout { parts.append("shutdown=\(show(timeout))") }
        if let pid = process.pidFile { parts.append("pid=\(pid)") }
        line(parts.joined(separator: " "))
        line("error log \(configuration.errorLog.destination) \(configuration.errorLog.level)")
    }

    private mutating func dump(_ upstream: UpstreamConfiguration, _ index: Int) {
        let keep = upstream.keepalive
        line(
            "upstream \(index) \(upstream.name) \(upstream.balancing) keepalive=\(keep.idleLimit)/\(keep.requestLimit)/"
                + "\(show(keep.idleTimeout))/\(show(keep.lifetime))"
        )
        for server in upstream.servers {
            var parts: [String] = []
            switch server.endpoint {
            case .address(let address): parts.append("  address \(address)")
            case .name(let name, let port): parts.append("  name \(name) port \(port)")
            }
            if server.weight != 1 { parts.append("weight=\(server.weight)") }
            if server.maxFails != 1 || server.failTimeout != 10_000_000_000 {
                parts.append("fails=\(server.maxFails)/\(show(server.failTimeout))")
            }
            if server.maxConnections != 0 { parts.append("connections=\(server.maxConnections)") }
            if server.isBackup { parts.append("backup") }
            if server.isDown { parts.append("down") }
            line(parts.joined(separator: " "))
        }
    }

    private mutating func dump(_ listener: ListenerConfiguration) {
        var parts = ["listener \(listener.address)"]
        if listener.isTLS { parts.append("tls") }
        if listener.isHTTP2 { parts.append("h2") }
        if listener.redirectsToHTTPS { parts.append("redirect") }
        if listener.takesProxyProtocol { parts.append("proxy-protocol") }
        if listener.backlog != 511 { parts.append("backlog=\(listener.backlog)") }
        if !listener.isIPv6Only { parts.append("dual") }
        line((parts + ["servers=\(listener.servers)", "default=\(listener.defaultServer)"]).joined(separator: " "))
    }

    private mutating func dump(_ server: VirtualServerConfiguration, _ index: Int) {
        line("server \(index) \"\(server.primaryName)\"")
        for name in server.names { line("  name \(name)") }
        if let tls = server.tls { dump(tls) }
        if let rule = server.returnRule { line("  return \(show(rule))") }
        if server.realIP != RealIPSettings() {
            let real = server.realIP
            line(
                "  real ip from=\(real.trusted.map(show).joined(separator: ","))\(real.trustsUnixSockets ? ",unix" : "")"
                    + " header=\(real.header)\(real.isRecursive ? " recursive" : "")"
                    + "\(real.prefersProxyProtocol ? " proxy-protocol" : "")"
            )
        }
        let client = server.client
        line(
            "  client header=\(show(client.headerTimeout)) keepalive=\(show(client.keepaliveTimeout))/"
                + "\(client.keepaliveRequests) field=\(client.largestField) head=\(client.largestHead)"
                + "\(client.fieldCount == 100 ? "" : " fields=\(client.fieldCount)")"
                + "\(client.allowsBareLineFeed ? " bare-lf" : "")\(client.dropsUnusualFieldNames ? " drops-unusual" : "")"
                + "\(server.mergesSlashes ? "" : " keeps-slashes")\(show(client.connectionLimit))"
        )
        dump(server.root, "root")
        for location in server.locations {
            switch location.match {
            case .exact(let path): dump(location, "= \(show(path))")
            case .prefix(let path): dump(location, show(path))
            }
        }
    }

    private mutating func dump(_ tls: ServerTLSSettings) {
        for pair in tls.certificates { line("  certificate \(pair.chain) \(pair.key)") }
        var parts = ["  tls \(tls.protocols.sorted().map(\.description).joined(separator: ","))"]
        parts.append("alpn=\(tls.applicationProtocols)")
        parts.append("cache=\(tls.sessionCache) timeout=\(tls.sessionTimeout) tickets=\(tls.ticketsEnabled)")
        if tls.ciphers != ServerTLSSettings.modernCiphers { parts.append("ciphers=\(tls.ciphers)") }
        if let suites = tls.cipherSuites, suites != ServerTLSSettings.modernSuites { parts.append("suites=\(suites)") }
        if tls.groups != "X25519:P-256:P-384" { parts.append("groups=\(tls.groups ?? "openssl")") }
        if tls.prefersServerCiphers { parts.append("own-order") }
        if let staple = tls.stapleFile { parts.append("staple=\(staple)") }
        if tls.rejectsHandshake { parts.append("rejects") }
        if tls.clientVerification != .off {
            parts.append("clients=\(tls.clientVerification)/\(tls.clientVerificationDepth)")
        }
        if let file = tls.clientAuthorityFile { parts.append("authorities=\(file)") }
        if let file = tls.clientTrustedFile { parts.append("trusted=\(file)") }
        if let file = tls.clientRevocationFile { parts.append("revoked=\(file)") }
        parts.append("context=\(show(tls.sessionContext))")
        line(parts.joined(separator: " "))
    }

    private mutating func dump(_ location: LocationConfiguration, _ name: String) {
        line("  location \(name)")
        switch location.handler {
        case .notFound: break
        case .health: return line("    health")
        case .metrics: line("    metrics")
        case .stubStatus: line("    stub_status")
        case .proxy(let pass): dump(pass)
        }
        if let rule = location.returnRule { line("    return \(show(rule))") }
        for limit in location.limits { line("    limit zone=\(limit.zone) burst=\(limit.burst) delay=\(limit.delay)") }
        if !location.limits.isEmpty {
            let dryRun = location.limitIsDryRun ? " dry-run" : ""
            line("    limited \(location.limitStatus) \(location.limitLogLevel)\(dryRun)")
        }
        for limit in location.connectionLimits { line("    connections zone=\(limit.zone) \(limit.count)") }
        if !location.connectionLimits.isEmpty {
            let dryRun = location.connectionLimitIsDryRun ? " dry-run" : ""
            line("    connected \(location.connectionLimitStatus) \(location.connectionLimitLogLevel)\(dryRun)")
        }
        for rule in location.addressRules { line("    \(rule.isAllowed ? "allow" : "deny") \(show(rule.subject))") }
        if let auth = location.basicAuth { line("    basic \(auth.file) \(show(auth.realm))") }
        if location.satisfiesAny { line("    satisfy any") }
        if location.crossSite.isDenied != (configuration.dialect == .native) || !location.crossSite.exceptions.isEmpty {
            let rule = location.crossSite
            let words = [rule.isDenied ? "deny" : "allow"] + rule.exceptions.map(show)
            line("    cross-site \(words.joined(separator: " "))")
        }
        for field in location.responseFields {
            let marks = (field.isAlways ? " always" : "") + (field.replaces ? " replaces" : "")
            line("    add \(show(field.name)): \(show(field.value))\(marks)")
        }
        dump(location.identity)
        if location.showsServerVersion { line("    shows version") }
        for log in location.accessLogs { line("    log \(log.log)\(log.condition.map { " if \(show($0))" } ?? "")") }
        line(
            "    body \(location.largestBody.map(String.init) ?? "unbounded") \(show(location.bodyTimeout))"
                + "\(show(location.bodyRate)) send \(show(location.sendTimeout))\(show(location.sendRate))"
        )
    }

    private mutating func dump(_ pass: ProxyPass) {
        var parts = ["    proxy \(pass.upstream) \(pass.tls == nil ? "http" : "https") \(pass.authority)"]
        if let path = pass.replacementPath { parts.append("path=\(show(path))") }
        parts.append("1.\(pass.minorVersion)")
        parts.append("times=\(show(pass.connectTimeout))/\(show(pass.sendTimeout))/\(show(pass.readTimeout))")
        if pass.timesUpgraded { parts.append("times-upgraded") }
        if pass.setsForwardedFields { parts.append("forwarded") }
        if pass.retry != RetryPolicy() {
            parts.append("retry=\(pass.retry.conditions.rawValue)/\(pass.retry.tries)/\(show(pass.retry.timeout))")
        }
        line(parts.joined(separator: " "))
        if let tls = pass.tls {
            line(
                "      tls verify=\(tls.verifiesPeer) authorities=\(tls.authorityFile ?? "system")"
                    + " depth=\(tls.verificationDepth) certificate=\(tls.certificate?.chain ?? "none")"
                    + "\(pass.tlsName.map { " name=\($0)" } ?? "")"
            )
        }
        for field in pass.requestFields { line("      set \(show(field.name)): \(show(field.value))") }
        let hidden = pass.hiddenFields.map(show).joined(separator: " ")
        line("      hide \(hidden)")
        for rule in pass.redirects { line("      redirect \(show(rule.from)) \(show(rule.replacement))") }
    }
}

// MARK: Values

func show(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).replacing("\n", with: "\\n")
}

private func show(_ template: Template) -> String {
    "'"
        + template.segments.map { segment in
            switch segment {
            case .literal(let bytes): show(bytes)
            case .variable(let variable): show(variable)
            }
        }
        .joined() + "'"
}

private func show(_ variable: Variable) -> String {
    switch variable {
    case .requestField(let name): "{requestField \(show(name))}"
    case .argument(let name): "{argument \(show(name))}"
    case .cookie(let name): "{cookie \(show(name))}"
    case .sentField(let name): "{sentField \(show(name))}"
    case .upstreamField(let name): "{upstreamField \(show(name))}"
    default: "{\(variable)}"
    }
}

private func show(_ rule: ReturnRule) -> String { "\(rule.status) \(rule.text.map(show) ?? "-")" }

func show(_ nanoseconds: UInt64) -> String {
    nanoseconds % 1_000_000_000 == 0 ? "\(nanoseconds / 1_000_000_000)s" : "\(nanoseconds / 1_000_000)ms"
}

private func show(_ rate: LimitRate) -> String { "\(rate.requests) per \(show(rate.period))" }

private func show(_ key: LimitZone.Key) -> String {
    switch key {
    case .address(let length): "address/\(length)"
    case .server: "server"
    case .user: "user"
    case .template(let template): show(template)
    }
}

private func show(_ range: AddressRange) -> String {
    func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
    return "\(hexadecimal(range.high)):\(hexadecimal(range.low))/"
        + "\(range.maskHigh.nonzeroBitCount + range.maskLow.nonzeroBitCount)"
}

private func show(_ subject: AddressRule.Subject) -> String {
    switch subject {
    case .all: "all"
    case .range(let range): show(range)
    case .unixSockets: "unix"
    }
}

private func show(_ limit: ClientConnectionLimit?) -> String {
    guard let limit else { return "" }
    return " connections=\(limit.count)/\(limit.ipv6PrefixLength)"
}

private func show(_ rate: MinimumRate) -> String {
    rate.isOn ? " at \(rate.bytesPerSecond)/s over \(show(rate.window))" : ""
}
