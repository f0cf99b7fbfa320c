import ConfigSyntax
import Proxy
import TLS
import Upstream

/// The parts of a `proxy_pass` URL.
struct PassTarget {
    let isTLS: Bool
    /// `host[:port]` or `unix:/path`, as written.
    let authority: Word
    /// With its slash; nil where the URL has none, and the target goes as it came.
    let path: String?

    /// Reads `http://host:port/path` or `http://unix:/socket:/path`.
    init(_ word: Word) throws(Diagnostic) {
        let text = word.text
        let scheme = ["http://", "https://"].first { text.hasPrefix($0) }
        guard let scheme else {
            if text.hasPrefix("$") { throw Self.variable(word, 0..<text.utf8.count) }
            throw .error(word.range, "invalid URL prefix", hint: "http:// or https:// is expected")
        }
        isTLS = scheme == "https://"
        let bytes = Array(text.utf8)
        let start = scheme.utf8.count
        let isSocket = text.dropFirst(start).hasPrefix("unix:")
        var end = bytes.count
        if isSocket {
            end = bytes[(start + 5)...].firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
        } else {
            end = bytes[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? bytes.count
        }
        if let dollar = bytes[start..<end].firstIndex(of: UInt8(ascii: "$")) {
            // The target as the client sent it, at a fixed place: the same as no path.
            guard text.hasSuffix("$request_uri"), dollar == bytes.count - 12, dollar > start else {
                throw Self.variable(word, dollar..<bytes.count)
            }
            end = dollar
        }
        guard end > start else { throw .error(word.range, "no host in upstream \"\(text)\"") }
        authority = Word(
            text: String(decoding: bytes[start..<end], as: UTF8.self),
            range: word.range(of: start..<end)
        )
        var rest = String(decoding: bytes[end...], as: UTF8.self)
        if isSocket, rest.hasPrefix(":") { rest.removeFirst() }
        if rest == "$request_uri" { rest = "" }
        if let dollar = rest.utf8.firstIndex(of: UInt8(ascii: "$")) {
            let offset = bytes.count - rest.utf8.count + rest.utf8.distance(from: rest.utf8.startIndex, to: dollar)
            throw Self.variable(word, offset..<bytes.count)
        }
        if rest.contains("?") || rest.contains("#") {
            let hint = "the client's query is passed on by itself"
            throw .error(word.range, "a query or fragment in \"proxy_pass\" is not supported", hint: hint)
        }
        guard rest.isEmpty || rest.hasPrefix("/") else {
            throw .error(word.range, "invalid path \"\(rest)\"", hint: "a path starts with /")
        }
        path = rest.isEmpty ? nil : rest
    }

    private static func variable(_ word: Word, _ part: Range<Int>) -> Diagnostic {
        .error(
            word.range(of: part),
            "variables in \"proxy_pass\" are not supported: where requests go must not depend on them",
            hint: "name the upstream; its addresses are looked up again by themselves"
        )
    }
}

extension Assembler {
    /// What a location forwards to, or nil. In a native file it may have that from an outer level.
    mutating func proxyPass(_ scope: Scope, match: LocationMatch) -> ProxyPass? {
        guard let (word, base) = proxyPassWord(scope) else { return nil }
        do {
            let target = try PassTarget(word)
            var pass = ProxyPass(upstream: try upstream(target), authority: target.authority.text)
            if target.authority.text.hasPrefix("unix:") { pass.authority = "localhost" }
            if let path = target.path {
                // An outer level's path replaces what the outer level matched; the rest of this one's stays.
                pass.replacementPath = Array(path.utf8) + match.path.dropFirst(base.count)
            }
            if target.isTLS {
                pass.tls = upstreamTLS(scope, word)
                pass.tlsName = scope.effective(\.upstreamName)?.value
            }
            fill(&pass, scope)
            pass.redirects = redirects(scope, target, location: base)
            return pass
        } catch {
            report(error)
            return nil
        }
    }

    /// The word, and the path that its level matched.
    private func proxyPassWord(_ scope: Scope) -> (Word, [UInt8])? {
        if let location = scope.location, let word = location.proxyPass { return (word, location.match.path) }
        guard dialect == .native else { return nil }
        if let parent = scope.parent, scope.location != nil { return proxyPassWord(parent) }
        return scope.server?.proxyPass.map { ($0, [0x2F]) }
    }

    private mutating func upstream(_ target: PassTarget) throws(Diagnostic) -> Int {
        let word = target.authority
        let defaultPort: UInt16 = target.isTLS ? 443 : 80
        if !word.text.hasPrefix("unix:") {
            let host = word.text.prefix { $0 != ":" }.lowercased()
            if let declared = builder.upstreams.firstIndex(where: { $0.name.text.lowercased() == host }) {
                if host.utf8.count == word.text.utf8.count { return declared }
                let hint = "its servers have ports of their own"
                throw .error(
                    word.range,
                    "upstream \"\(builder.upstreams[declared].name.text)\" may not have port",
                    hint: hint
                )
            }
        }
        let key = "\(word.text.lowercased()) \(defaultPort)"
        if let known = implicitUpstreams[key] { return known }
        let endpoint = try builder.endpoint(word, defaultPort: defaultPort)
        let configured = UpstreamConfiguration(name: word.text, servers: [ServerConfiguration(endpoint)])
        configuration.upstreams.append(configured)
        implicitUpstreams[key] = configuration.upstreams.count - 1
        return configuration.upstreams.count - 1
    }

    private func upstreamTLS(_ scope: Scope, _ word: Word) -> ClientTLSSettings {
        var tls = ClientTLSSettings()
        tls.verifiesPeer = scope.effective(\.upstreamVerify)?.value ?? (dialect == .native)
        tls.authorityFile = scope.effective(\.upstreamAuthorities)?.value
        let depth = dialect == .nginx ? 1 : tls.verificationDepth
        tls.verificationDepth = scope.effective(\.upstreamDepth)?.value ?? depth
        tls.protocols = scope.effective(\.upstreamProtocols)?.value ?? tls.protocols
        tls.ciphers = scope.effective(\.upstreamCiphers)?.value ?? tls.ciphers
        switch (scope.effective(\.upstreamCertificate), scope.effective(\.upstreamKey)) {
        case (let chain?, let key?): tls.certificate = CertificateFiles(chain: chain.value, key: key.value)
        case (let chain?, nil):
            report(.error(chain.range, "no \"proxy_ssl_certificate_key\" is given for this \"proxy_ssl_certificate\""))
        case (nil, _): break
        }
        if !tls.verifiesPeer {
            let hint = "whoever stands between could pose as it; add \"proxy_ssl_verify on;\""
            report(.warning(word.range, "the upstream's certificate is not verified", hint: hint))
        }
        return tls
    }

    private func fill(_ pass: inout ProxyPass, _ scope: Scope) {
        pass.minorVersion = scope.effective(\.minorVersion)?.value ?? 1
        pass.requestFields = requestFields(scope)
        pass.setsForwardedFields = dialect == .native
        let passed = Set(scope.effective(\.passedFields) ?? [])
        let hidden = Self.hiddenByDefault.filter { !passed.contains($0) } + (scope.effective(\.hiddenFields) ?? [])
        pass.hiddenFields = hidden.map { Array($0.utf8) }
        pass.retry = RetryPolicy(
            conditions: scope.effective(\.retryConditions)?.value ?? [.error, .timeout],
            tries: scope.effective(\.retryTries)?.value ?? 0,
            timeout: scope.effective(\.retryTimeout)?.value ?? 0
        )
        pass.connectTimeout = scope.effective(\.connectTimeout)?.value ?? pass.connectTimeout
        pass.sendTimeout = scope.effective(\.proxySendTimeout)?.value ?? pass.sendTimeout
        let readTimeout = dialect == .native ? 3600 * Nanoseconds.second : pass.readTimeout
        pass.readTimeout = scope.effective(\.readTimeout)?.value ?? readTimeout
        pass.timesUpgraded = dialect == .nginx
    }

    private static let hiddenByDefault = [
        "date", "server", "x-pad", "x-accel-expires", "x-accel-redirect", "x-accel-limit-rate", "x-accel-buffering",
        "x-accel-charset",
    ]

    private func requestFields(_ scope: Scope) -> [RequestFieldRule] {
        let drafts = scope.effective(\.requestFields) ?? []
        var rules = drafts.map { RequestFieldRule(name: Array($0.name.text.utf8), value: template($0.value)) }
        if !drafts.contains(where: { $0.name.text.lowercased() == "host" }) {
            let host: Variable = dialect == .nginx ? .proxyHost : .requestField(Array("host".utf8))
            rules.insert(RequestFieldRule(name: Array("Host".utf8), value: Template([.variable(host)])), at: 0)
        }
        return rules
    }

    private func redirects(_ scope: Scope, _ target: PassTarget, location: [UInt8]) -> [RedirectRule] {
        let url = (target.isTLS ? "https://" : "http://") + target.authority.text
        let standard =
            if let path = target.path {
                RedirectRule(from: Array((url + path).utf8), replacement: Template(literal: location))
            } else {
                RedirectRule(from: Array((url + "/").utf8), replacement: Template(literal: [0x2F]))
            }
        guard let drafts = scope.effective(\.redirects) else { return [standard] }
        var rules: [RedirectRule] = []
        for draft in drafts {
            switch draft {
            case .off: return []
            case .standard: rules.append(standard)
            case .rule(let from, let to):
                rules.append(RedirectRule(from: Array(from.text.utf8), replacement: template(to)))
            }
        }
        return rules
    }
}
