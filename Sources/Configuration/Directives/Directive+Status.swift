import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// What is told about the process.
    static let status: [DirectiveSpec] = [
        .run(
            "metrics",
            "[PATH]",
            in: [.server, .location],
            arguments: 0...1,
            help:
                "Counters for Prometheus. In a server it names a path; in a location, which it is for, it stands alone. "
                + "The server's rules hold there as for any path: allow, deny, auth_basic, limit_req. Where they ask for "
                + "no login and don't say of every address whether it may pass, only this machine's own may: write "
                + "\"allow all;\" into the location to let everyone read it. docs/metrics.md lists what there is."
        ) { builder, directive in
            if builder.scope.location != nil {
                guard directive.arguments.isEmpty else {
                    throw Diagnostic.error(directive.range, "\"metrics\" takes no path in a location")
                }
                try builder.setStatus(.metrics, directive)
                return
            }
            guard let server = builder.scope.server, let word = directive.arguments.first else {
                throw Diagnostic.error(directive.range, "\"metrics\" needs a path", hint: "metrics /metrics;")
            }
            guard word.text.hasPrefix("/") else {
                throw Diagnostic.error(word.range, "invalid path \"\(word.text)\"", hint: "a path starts with /")
            }
            let location = LocationDraft(match: .exact(Array(word.text.utf8)), word: word)
            location.status = Setting(.metrics, directive.range)
            try builder.refuseDuplicateLocation(location, in: server)
            server.locations.append(Scope([], in: builder.scope, directive: directive, location: location))
        },
        .run(
            "stub_status",
            "",
            in: [.server, .location],
            arguments: 0...1,
            help:
                "How many connections there are and what they do, in Nginx's words. Streams of HTTP/2 count one by one as "
                + "reading or writing. Whoever may come to the location may read it."
        ) { builder, directive in
            try builder.setStatus(.stubStatus, directive)
        },
    ]
}

extension ConfigurationBuilder {
    fileprivate func setStatus(_ page: StatusPage, _ directive: Directive) throws(Diagnostic) {
        if let location = scope.location {
            try refuseDuplicate(location.status?.range, directive)
            location.status = Setting(page, directive.range)
        } else if let server = scope.server {
            try refuseDuplicate(server.status?.range, directive)
            server.status = Setting(page, directive.range)
        }
    }
}

extension Assembler {
    /// The page that a location has, and who may read it: metrics that nothing guards are this machine's own.
    func setStatusPage(_ result: inout LocationConfiguration, _ scope: Scope) {
        let status = scope.location == nil ? scope.server?.status : scope.location?.status
        guard let status else { return }
        if (scope.location == nil ? scope.server?.proxyPass : scope.location?.proxyPass) != nil {
            let name = status.value == .metrics ? "metrics" : "stub_status"
            report(.error(status.range, "\"\(name)\" and \"proxy_pass\" can't both answer here", hint: "remove one"))
            return
        }
        switch status.value {
        case .stubStatus: result.handler = .stubStatus
        case .metrics:
            result.handler = .metrics
            guard !result.asksForLogin, !result.addressRules.contains(where: { $0.subject == .all }) else { return }
            result.addressRules += [
                AddressRule(isAllowed: true, subject: .unixSockets),
                AddressRule(
                    isAllowed: true,
                    subject: .range(AddressRange(high: 0, low: 0xFFFF_7F00_0000, prefixLength: 104))
                ),
                AddressRule(isAllowed: true, subject: .range(AddressRange(high: 0, low: 1, prefixLength: 128))),
                AddressRule(isAllowed: false, subject: .all),
            ]
        }
    }
}
