import ConfigSyntax
import EventLoop
import HTTP
import Proxy
import TLS

extension Assembler {
    /// Who callers of a location may be. Whether it asks for passwords is known.
    mutating func setCallers(_ location: inout LocationConfiguration, _ scope: Scope) {
        if let path = scope.effective(\.keyFile)?.value { location.identity.keyFile = keyFile(path) }
        if location.asksForLogin {
            let failures = scope.effective(\.failures)
            location.identity.failures = failures.map(\.value) ?? (dialect == .native ? FailureRules() : nil)
        }
        if location.basicAuth != nil {
            setSession(&location.identity, scope)
            setPairing(&location.identity, scope)
        }
    }

    /// What the gateway is told of callers, where one answers. Login, address rules and handler are known.
    func setGateway(_ location: inout LocationConfiguration, _ scope: Scope, server: Int) {
        guard case .proxy = location.handler, location.returnRule == nil,
            builder.servers[server].draft.returnRule == nil, let gateway = scope.effective(\.gatewayAuth)
        else { return }
        location.identity.gateway = gateway.value
        if gateway.value != .pass {
            refuseOpenGateway(location, scope, gateway.range, server: server)
            refuseOwnFields(gateway, scope)
        }
        if case .bearer(.named(let name)) = gateway.value, builder.main.secretFile == nil {
            let hint = "name the file at the top: secrets /etc/postern/secrets.age identity=/etc/postern/age.key;"
            report(.error(gateway.range, "\"secret:\(name)\" has no \"secrets\" file to stand in", hint: hint))
        }
    }

    private mutating func keyFile(_ path: String) -> Int {
        if let known = configuration.keyFiles.firstIndex(of: path) { return known }
        configuration.keyFiles.append(path)
        return configuration.keyFiles.count - 1
    }

    private mutating func setSession(_ identity: inout IdentityRules, _ scope: Scope) {
        let session = scope.effective(\.session)
        if let session {
            usedCallerSettings.append(session.range)
            identity.session = session.value
        } else if dialect == .native {
            identity.session = SessionRules()
        }
        guard let form = scope.effective(\.loginForm) else { return }
        usedCallerSettings.append(form.range)
        identity.hasLoginForm = form.value
        if form.value, identity.session == nil {
            report(
                .error(form.range, "\"login_form\" needs a session to remember the login", hint: sessionHint(session))
            )
        }
    }

    private mutating func setPairing(_ identity: inout IdentityRules, _ scope: Scope) {
        guard let pairing = scope.effective(\.pairing) else { return }
        usedCallerSettings.append(pairing.range)
        identity.pairing = pairing.value
        guard let rules = pairing.value else { return }
        if identity.session == nil {
            let hint = sessionHint(scope.effective(\.session))
            report(.error(pairing.range, "\"device_pairing\" needs a session to tell who waits", hint: hint))
        }
        if builder.main.stateDirectory == nil, dialect == .native {
            // Every device would be unknown after a restart.
            configuration.stateDirectory = Self.standardStateDirectory
        } else if builder.main.stateDirectory == nil {
            let hint = "add \"state_dir /var/lib/postern;\" at the top: every device would be unknown after a restart"
            report(.error(pairing.range, "\"device_pairing\" needs a \"state_dir\"", hint: hint))
        }
        if !rules.approvesAll, builder.main.controlSocket?.value == nil {
            let hint = "add \"control unix:/run/postern/control.sock;\" at the top, for \"postern devices approve\""
            report(.warning(pairing.range, "nobody can approve the devices that wait", hint: hint))
        }
    }

    /// Where a native file's devices are kept that doesn't say where.
    private static var standardStateDirectory: String { "/var/lib/postern" }

    private func sessionHint(_ setting: Setting<SessionRules?>?) -> String {
        guard let setting else { return "add \"session on;\"" }
        return "\"session\" is off at \(setting.range.place): say \"session on;\""
    }

    // MARK: The gateway's credential

    /// Where nobody is asked who they are, everybody would be the gateway's operator.
    private func refuseOpenGateway(
        _ location: LocationConfiguration,
        _ scope: Scope,
        _ range: SourceRange,
        server: Int
    ) {
        let closesByAddress = location.addressRules.first { $0.subject == .all }?.isAllowed == false
        let asks =
            location.asksForLogin || builder.servers[server].scope.effective(\.clientVerification)?.value == .required
        let isGuarded =
            location.satisfiesAny && !location.addressRules.isEmpty
            ? closesByAddress : asks || closesByAddress
        guard !isGuarded else { return }
        let place = scope.location.map { "location \"\($0.word.text)\"" } ?? "the server"
        let hint =
            "ask for a login (auth_basic, api_keys), close it by allow and \"deny all;\", or say \"gateway_auth pass;\" there"
        report(.error(range, "\(place) asks nobody for a login: everybody would be the gateway's operator", hint: hint))
    }

    /// `proxy_set_header` must not say something else than `gateway_auth`.
    private func refuseOwnFields(_ gateway: Setting<GatewayAuth>, _ scope: Scope) {
        let own: [[UInt8]] =
            switch gateway.value {
            case .pass: []
            case .bearer: [Array("authorization".utf8)]
            case .trustedProxy(let userField, let scopesField): [userField, scopesField]
            }
        for field in scope.effective(\.requestFields) ?? [] {
            let name = Array(field.name.text.utf8)
            guard own.contains(where: { normalizedNameEquals($0.span, name.span) }) else { continue }
            let hint = "remove it here, or say \"gateway_auth pass;\""
            let message = "\"\(field.name.text)\" is set by \"gateway_auth\" at \(gateway.range.place)"
            report(.error(field.name.range, message, hint: hint))
        }
    }

    // MARK: Advice

    /// What travels where everybody may read it.
    func adviseOnOpenListener(_ listener: ListenerConfiguration, _ scopes: [Scope]) {
        let hint = "add \"ssl\" to listen, or listen on loopback behind something that has TLS"
        func warn(_ range: SourceRange?, _ what: String) {
            guard let range else { return }
            report(.warning(range, "\(what) unencrypted to \(listener.address)", hint: hint))
        }
        let realm = scopes.compactMap { $0.effective(\.realm) }.first { setting in
            if case .realm = setting.value { true } else { false }
        }
        warn(realm?.range, "passwords travel")
        warn(scopes.compactMap { $0.effective(\.keyFile) }.first { $0.value != nil }?.range, "API keys travel")
        warn(scopes.compactMap { $0.effective(\.pairing) }.first { $0.value != nil }?.range, "devices' cookies travel")
    }

    /// Settings that nothing comes to use, since no login by password is asked for where they stand.
    func adviseOnCallerSettings() {
        let hint = "add auth_basic and auth_basic_user_file"
        for scope in everyScope {
            let level = scope.level
            if let session = level.session, session.value != nil, !usedCallerSettings.contains(session.range) {
                report(.warning(session.range, "nothing begins a session: no password is asked for here", hint: hint))
            }
            if let form = level.loginForm, form.value, !usedCallerSettings.contains(form.range) {
                report(.error(form.range, "\"login_form\" has no passwords to ask for", hint: hint))
            }
            if let pairing = level.pairing, pairing.value != nil, !usedCallerSettings.contains(pairing.range) {
                report(.error(pairing.range, "\"device_pairing\" has no login that it could follow", hint: hint))
            }
        }
    }
}

extension LocationConfiguration {
    /// Whether callers must prove who they are, by password or by key.
    var asksForLogin: Bool { basicAuth != nil || identity.keyFile != nil }
}
