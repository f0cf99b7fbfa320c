import ConfigSyntax
import Proxy

/// What bounds clients: connections, and how slow one may be.
extension Assembler {
    mutating func addConnectionZones() {
        configuration.connectionZones = builder.connectionZones.map { draft in
            ConnectionZone(name: draft.name, key: zoneKey(draft.key), capacity: draft.capacity)
        }
    }

    func zoneKey(_ key: ZoneDraft.Key) -> LimitZone.Key {
        switch key {
        case .address(let bits): .address(ipv6PrefixLength: bits)
        case .server: .server
        case .user: .user
        case .template(let word): .template(template(word))
        }
    }

    func setBounds(_ location: inout LocationConfiguration, _ scope: Scope) {
        location.connectionLimits = connectionLimits(scope)
        location.connectionLimitStatus =
            scope.effective(\.connectionLimitStatus)?.value ?? (dialect == .native ? 429 : 503)
        location.connectionLimitLogLevel = scope.effective(\.connectionLimitLogLevel)?.value ?? .error
        location.connectionLimitIsDryRun = scope.effective(\.connectionLimitDryRun)?.value ?? false
        let standard = MinimumRate(bytesPerSecond: dialect == .native ? 512 : 0)
        location.bodyRate = scope.effective(\.bodyRate)?.value ?? standard
        location.sendRate = scope.effective(\.sendRate)?.value ?? standard
    }

    func connectionLimit(_ scope: Scope) -> ClientConnectionLimit? {
        if let setting = scope.effective(\.clientConnections) { return setting.value }
        return dialect == .native ? ClientConnectionLimit(count: 256) : nil
    }

    private func connectionLimits(_ scope: Scope) -> [ConnectionLimitUse] {
        (scope.effective(\.connectionLimits) ?? []).compactMap { draft in
            switch draft.zone {
            case .own(let zone): return ConnectionLimitUse(zone: zone, count: draft.count)
            case .named(let word):
                if let zone = builder.connectionZones.firstIndex(where: { $0.name == word.text }) {
                    return ConnectionLimitUse(zone: zone, count: draft.count)
                }
                let near = Suggestion.nearest(to: word.text, in: builder.connectionZones.map(\.name))
                let hint =
                    near.map { "did you mean \"\($0)\"?" } ?? "define it: limit_conn_zone … zone=\(word.text):10m;"
                report(.error(word.range, "unknown zone \"\(word.text)\"", hint: hint))
                return nil
            }
        }
    }

    /// Where the PROXY protocol is spoken, only named peers may speak it.
    func checkProxyProtocol() {
        for listener in configuration.listeners where listener.takesProxyProtocol && dialect == .native {
            let (draft, scope) = builder.servers[listener.defaultServer]
            guard (scope.effective(\.trusted) ?? []).isEmpty else { continue }
            let range = draft.listens.first { $0.address == listener.address }?.range ?? draft.directive.name.range
            let hint = "name the balancer: set_real_ip_from 192.0.2.10;"
            report(
                .error(range, "\"proxy_protocol\" is believed of nobody: there is no \"set_real_ip_from\"", hint: hint)
            )
        }
    }
}
