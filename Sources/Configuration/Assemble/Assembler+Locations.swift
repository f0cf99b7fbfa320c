import ConfigSyntax
import Proxy

extension Assembler {
    /// A location with everything it inherits; `scope` is the server's own for its root.
    mutating func location(_ scope: Scope, match: LocationMatch, server: Int) -> LocationConfiguration {
        var result = LocationConfiguration(match: match)
        if scope.location?.isHealth == true {
            result.handler = .health
            return result
        }
        result.returnRule = scope.location?.returnRule.map(returnRule)
        result.limits = limits(scope)
        result.limitStatus = scope.effective(\.limitStatus)?.value ?? (dialect == .native ? 429 : 503)
        result.limitLogLevel = scope.effective(\.limitLogLevel)?.value ?? .error
        result.limitIsDryRun = scope.effective(\.limitDryRun)?.value ?? false
        setBounds(&result, scope)
        result.addressRules = scope.effective(\.addressRules) ?? []
        result.basicAuth = basicAuth(scope)
        result.satisfiesAny = scope.effective(\.satisfiesAny)?.value ?? false
        result.crossSite = scope.effective(\.crossSite)?.value ?? CrossSiteRule(isDenied: dialect == .native)
        result.responseFields = responseFields(scope, server: server)
        if let type = scope.effective(\.defaultType) { result.defaultType = Array(type.value.utf8) }
        result.showsServerVersion = scope.effective(\.showsVersion)?.value ?? (dialect == .nginx)
        result.accessLogs = accessLogs(scope)
        let largestBody = scope.effective(\.largestBody)?.value ?? (dialect == .native ? 32 << 20 : 1 << 20)
        result.largestBody = largestBody == 0 ? nil : largestBody
        result.bodyTimeout = scope.effective(\.bodyTimeout)?.value ?? result.bodyTimeout
        result.sendTimeout = scope.effective(\.sendTimeout)?.value ?? result.sendTimeout
        if let proxyPass = proxyPass(scope, match: match) { result.handler = .proxy(proxyPass) }
        setCallers(&result, scope)
        setStatusPage(&result, scope)
        setGateway(&result, scope, server: server)
        adviseOnLocation(scope, result, server: server)
        return result
    }

    /// `location /path/` with a `proxy_pass` answers `/path` with a redirect to itself, as Nginx documents it, where no
    /// other location is exactly that.
    func slashRedirects(_ locations: [LocationConfiguration]) -> [LocationConfiguration] {
        let taken = Set(locations.map(\.match.path))
        return locations.compactMap { location in
            guard case .prefix(let path) = location.match, case .proxy = location.handler, location.returnRule == nil,
                path.count > 1, path.last == UInt8(ascii: "/"), !taken.contains(Array(path.dropLast()))
            else { return nil }
            var redirect = location
            redirect.match = .exact(Array(path.dropLast()))
            redirect.handler = .notFound
            let target = Template([.literal(path.flatMap(Self.escaped)), .variable(.isArgs), .variable(.args)])
            redirect.returnRule = ReturnRule(status: 301, text: target)
            return redirect
        }
    }

    /// A path's byte as it may stand in a Location field.
    private static func escaped(_ byte: UInt8) -> [UInt8] {
        let isPlain = byte > 0x20 && byte < 0x7F && !"%?#\"\\<>".utf8.contains(byte)
        return isPlain ? [byte] : Array("%\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))".utf8)
    }

    func returnRule(_ draft: ReturnDraft) -> ReturnRule {
        ReturnRule(status: draft.status, text: draft.text.map(template))
    }

    private func limits(_ scope: Scope) -> [LimitUse] {
        (scope.effective(\.limits) ?? []).compactMap { draft in
            switch draft.zone {
            case .own(let zone): return LimitUse(zone: zone, burst: draft.burst, delay: draft.delay)
            case .named(let word):
                if let zone = builder.zones.firstIndex(where: { $0.name == word.text }) {
                    return LimitUse(zone: zone, burst: draft.burst, delay: draft.delay)
                }
                let near = Suggestion.nearest(to: word.text, in: builder.zones.map(\.name))
                let hint =
                    near.map { "did you mean \"\($0)\"?" } ?? "define it: limit_req_zone … zone=\(word.text):10m …;"
                report(.error(word.range, "unknown zone \"\(word.text)\"", hint: hint))
                return nil
            }
        }
    }

    private mutating func basicAuth(_ scope: Scope) -> BasicAuth? {
        guard let realm = scope.effective(\.realm), case .realm(let word) = realm.value else { return nil }
        guard let file = scope.effective(\.passwordFile) else {
            let hint = "add auth_basic_user_file; Nginx would let everyone in"
            report(.error(realm.range, "\"auth_basic\" has no \"auth_basic_user_file\"", hint: hint))
            return nil
        }
        usedPasswordFiles.append(file.range)
        let index: Int
        if let known = configuration.passwordFiles.firstIndex(of: file.value) {
            index = known
        } else {
            index = configuration.passwordFiles.count
            configuration.passwordFiles.append(file.value)
        }
        return BasicAuth(realm: template(word), file: index)
    }

    // MARK: Response fields

    private func responseFields(_ scope: Scope, server: Int) -> [ResponseFieldRule] {
        guard dialect == .native else { return (scope.effective(\.responseFields) ?? []).map(rule) }
        // An inner level's field takes the place of an outer one's.
        var drafts: [ResponseFieldDraft] = []
        for level in scope.everyLevel(\.responseFields) {
            let names = Set(level.map { $0.name.text.lowercased() })
            drafts.removeAll { names.contains($0.name.text.lowercased()) }
            drafts += level
        }
        let own = Set(drafts.map { $0.name.text.lowercased() })
        let headers = scope.effective(\.securityHeaders)?.value ?? .strict
        let isTLS = listeners(of: server).contains(where: \.isTLS)
        return headers.fields(isTLS: isTLS).filter { !own.contains($0.name.lowercased()) }.map { field in
            ResponseFieldRule(
                name: Array(field.name.utf8),
                value: Template(literal: field.value.utf8),
                isAlways: true,
                replaces: true
            )
        } + drafts.map(rule)
    }

    private func rule(_ draft: ResponseFieldDraft) -> ResponseFieldRule {
        let name = draft.name.text.lowercased()
        // Two of these say nothing or contradict each other; in an Nginx file only Content-Type deviates from Nginx.
        let replaces =
            ["content-type", "etag", "last-modified"].contains(name)
            || (dialect == .native && SecurityHeaders.names.contains(name))
        return ResponseFieldRule(
            name: Array(draft.name.text.utf8),
            value: template(draft.value),
            isAlways: draft.isAlways,
            replaces: replaces
        )
    }
}

extension SecurityHeaders {
    /// In lower case; of each, a response should have one.
    static let names: Set<String> = [
        "strict-transport-security", "x-content-type-options", "x-frame-options", "referrer-policy",
        "content-security-policy", "cross-origin-opener-policy", "permissions-policy", "x-xss-protection",
    ]

    /// The fields this stands for.
    func fields(isTLS: Bool) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)]
        switch grade {
        case .off: return []
        case .basic:
            fields = [
                ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "SAMEORIGIN"),
                ("Referrer-Policy", "strict-origin-when-cross-origin"),
            ]
        case .strict:
            fields = [
                ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
                ("Cross-Origin-Opener-Policy", "same-origin"),
            ]
        }
        if isTLS, let seconds = transportSeconds {
            let scope = grade == .strict ? "; includeSubDomains" : ""
            fields.append(("Strict-Transport-Security", "max-age=\(seconds)\(scope)"))
        }
        return fields
    }
}
