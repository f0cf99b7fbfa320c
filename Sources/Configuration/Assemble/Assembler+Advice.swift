import ConfigSyntax
import EventLoop
import Proxy

/// What is legal but unwise, or differs from Nginx.
extension Assembler {
    mutating func adviseOnLocation(_ scope: Scope, _ location: LocationConfiguration, server: Int) {
        adviseOnDroppedFields(scope)
        if case .proxy = location.handler {
            adviseOnForwardedFor(scope, server: server)
            adviseOnUpgrade(scope)
        } else if case .notFound = location.handler, let word = scope.location?.word, location.returnRule == nil,
            builder.servers[server].draft.returnRule == nil, location.addressRules.last?.deniesAll != true,
            scope.directive?.block?.contains(where: { $0.name.text == "proxy_pass" || $0.name.text == "return" })
                == false
        {
            let hint =
                dialect == .nginx
                ? "Nginx would serve files here; add proxy_pass or return" : "add proxy_pass or return"
            report(.warning(word.range, "location \"\(word.text)\" answers 404 to every request", hint: hint))
        }
    }

    /// Fields of a level above that a level loses by having its own.
    private func adviseOnDroppedFields(_ scope: Scope) {
        guard let parent = scope.parent else { return }
        if dialect == .nginx, let own = scope.level.responseFields, let first = own.first {
            let names = Set(own.map { $0.name.text.lowercased() })
            let lost = (parent.effective(\.responseFields) ?? []).map(\.name.text).filter {
                !names.contains($0.lowercased())
            }
            if !lost.isEmpty {
                let hint = "an inner \"add_header\" drops all outer ones; repeat them here"
                report(.warning(first.range, "responses from here lack \(lost.joined(separator: ", "))", hint: hint))
            }
        }
        if let own = scope.level.requestFields, let first = own.first {
            let names = Set(own.map { $0.name.text.lowercased() })
            let lost = (parent.effective(\.requestFields) ?? []).map(\.name.text).filter {
                !names.contains($0.lowercased())
            }
            if !lost.isEmpty {
                let hint = "an inner \"proxy_set_header\" drops all outer ones; repeat them here"
                report(
                    .warning(first.name.range, "requests from here lack \(lost.joined(separator: ", "))", hint: hint)
                )
            }
        }
    }

    /// A client's own X-Forwarded-For must not pass for the truth.
    private func adviseOnForwardedFor(_ scope: Scope, server: Int) {
        guard scope.effective(\.trusted) == nil else { return }
        for field in scope.effective(\.requestFields) ?? [] {
            let name = field.name.text.lowercased()
            let isAppended = template(field.value).segments.contains { segment in
                switch segment {
                case .variable(.proxyAddXForwardedFor): true
                case .variable(.requestField(let other)): other.elementsEqual("x-forwarded-for".utf8)
                case .variable, .literal: false
                }
            }
            if isAppended, ["x-forwarded-for", "x-real-ip", "forwarded"].contains(name) {
                let hint =
                    "a client can put any address in front; use $remote_addr, or name proxies in set_real_ip_from"
                report(.warning(field.value.range, "the client's own X-Forwarded-For is passed on", hint: hint))
            }
        }
    }

    /// What Nginx needs three lines for happens by itself.
    private mutating func adviseOnUpgrade(_ scope: Scope) {
        guard dialect == .nginx, !hasNotedUpgrades, let word = scope.location?.proxyPass else { return }
        let fields = scope.effective(\.requestFields) ?? []
        let setsUpgrade = fields.contains { $0.name.text.lowercased() == "upgrade" }
        if setsUpgrade, scope.effective(\.minorVersion)?.value == 1 { return }
        hasNotedUpgrades = true
        let hint = "Nginx would need proxy_http_version 1.1 and the Upgrade and Connection fields set"
        report(.note(word.range, "WebSocket upgrades are passed here", hint: hint))
    }

    func adviseOnServer(_ index: Int) {
        let (draft, scope) = builder.servers[index]
        let listeners = listeners(of: index)
        let servesRequests = listeners.contains { !$0.redirectsToHTTPS }
        if dialect == .native, servesRequests, draft.proxyPass == nil, draft.returnRule == nil, draft.locations.isEmpty,
            draft.status == nil,
            scope.directive?.block?.contains(where: { $0.name.text == "proxy_pass" }) == false
        {
            report(
                .warning(draft.directive.name.range, "the server answers 404 to every request", hint: "add proxy_pass")
            )
        }
        guard draft.returnRule == nil else { return }
        let open = listeners.first { !$0.isTLS && !$0.redirectsToHTTPS && !$0.address.isLoopback }
        if let open { adviseOnOpenListener(open, [scope] + draft.locations) }
    }

    /// Every level that was read and may hold settings of requests, outer ones before inner ones.
    var everyScope: [Scope] {
        var scopes = [builder.top]
        for (draft, scope) in builder.servers {
            if let parent = scope.parent, !scopes.contains(where: { $0 === parent }) { scopes.append(parent) }
            scopes += [scope] + draft.locations
        }
        return scopes
    }

    /// A password file without `auth_basic` protects nothing.
    func adviseOnPasswordFiles() {
        for scope in everyScope {
            guard let file = scope.level.passwordFile, !usedPasswordFiles.contains(file.range) else { continue }
            let hint = "add \"auth_basic\" with a name for the login"
            report(.warning(file.range, "nothing asks for the passwords of this file", hint: hint))
        }
    }
}

extension AddressRule {
    /// Whether nobody gets past it.
    fileprivate var deniesAll: Bool { !isAllowed && subject == .all }
}
