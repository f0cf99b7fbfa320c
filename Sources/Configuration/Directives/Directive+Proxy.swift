import ConfigSyntax
import Proxy
import Upstream

extension DirectiveTable {
    /// Forwarding a request and its response.
    static let proxy: [DirectiveSpec] = [
        .run(
            "proxy_pass",
            "http[s]://HOST[:PORT][/PATH]",
            in: .location,
            dialects: .nginx,
            help: "The upstream to forward to. A path takes the place of what the location matched.",
            set: setProxyPass
        ),
        .run(
            "proxy_pass",
            "http[s]://HOST[:PORT][/PATH]",
            in: [.server, .location],
            dialects: .native,
            help: "The upstream to forward to; locations without one take the server's. "
                + "A path, in a location only, takes the place of what it matched.",
            set: setProxyPass
        ),
        .run(
            "proxy_set_header",
            "FIELD VALUE",
            in: .request,
            arguments: 2...2,
            default: "Host $proxy_host",
            native: "Host $http_host",
            help: "A field of the request upstream; an empty value removes it. "
                + "A level that has any takes none from above."
        ) { builder, directive in
            let name = directive.first
            try name.checkFieldName()
            let value = directive.arguments[1]
            let managed = ["content-length", "transfer-encoding", "te", "trailer", "keep-alive", "proxy-connection"]
            if managed.contains(name.text.lowercased()), !value.text.isEmpty {
                throw Diagnostic.error(
                    name.range,
                    "\"\(name.text)\" can't be set",
                    hint: "it frames the message, which is Postern's to do"
                )
            }
            let forwarded = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip"]
            if builder.dialect == .native, forwarded.contains(name.text.lowercased()) {
                throw Diagnostic.error(
                    name.range,
                    "\"\(name.text)\" is set by Postern itself",
                    hint: "remove this; name proxies in front by set_real_ip_from"
                )
            }
            builder.useTemplate(value)
            builder.level.requestFields = (builder.level.requestFields ?? []) + [FieldDraft(name: name, value: value)]
        },
        .run(
            "proxy_hide_header",
            "FIELD",
            in: .request,
            help: "A field of the upstream's response that doesn't reach the client. May be given several times."
        ) { builder, directive in
            try directive.first.checkFieldName()
            builder.level.hiddenFields = (builder.level.hiddenFields ?? []) + [directive.first.text.lowercased()]
        },
        .run(
            "proxy_pass_header",
            "FIELD",
            in: .request,
            help: "A field that is hidden by default (Date, Server, X-Pad, X-Accel-…) and shall pass."
        ) { builder, directive in
            try directive.first.checkFieldName()
            builder.level.passedFields = (builder.level.passedFields ?? []) + [directive.first.text.lowercased()]
        },
        .run(
            "proxy_http_version",
            "1.0|1.1",
            in: .request,
            default: "1.1",
            help: "The version spoken upstream. 1.0 keeps no connections.",
            set: DirectiveSpec.choice(\.level.minorVersion, ["1.0": 0, "1.1": 1])
        ),
        .run(
            "proxy_connect_timeout",
            "TIME",
            in: .request,
            default: "60s",
            help: "The longest wait for a connection to an upstream.",
            set: DirectiveSpec.time(\.level.connectTimeout)
        ),
        .run(
            "proxy_send_timeout",
            "TIME",
            in: .request,
            default: "60s",
            help: "The longest wait between two writes to an upstream.",
            set: DirectiveSpec.time(\.level.proxySendTimeout)
        ),
        .run(
            "proxy_read_timeout",
            "TIME",
            in: .request,
            default: "60s",
            native: "1h",
            help: "The longest wait between two reads from an upstream.",
            set: DirectiveSpec.time(\.level.readTimeout)
        ),
        .run(
            "proxy_redirect",
            "default|off|FROM TO",
            in: .request,
            arguments: 1...2,
            default: "default",
            help: "Changes the beginning of Location and Refresh fields in responses."
        ) { builder, directive in
            let draft: RedirectDraft
            let first = directive.first
            switch (first.text, directive.arguments.count) {
            case ("off", 1): draft = .off
            case ("default", 1): draft = .standard
            case (_, 2):
                if first.text.hasPrefix("~") {
                    throw Diagnostic.error(
                        first.range,
                        "regular expressions in \"proxy_redirect\" are not supported",
                        hint: "name the beginning of the URL"
                    )
                }
                if first.text.contains("$") {
                    throw Diagnostic.error(first.range, "variables in what is looked for are not supported")
                }
                builder.useTemplate(directive.arguments[1])
                draft = .rule(from: first, to: directive.arguments[1])
            default:
                throw Diagnostic.error(
                    first.range,
                    "invalid parameter \"\(first.text)\"",
                    hint: "default, off, or two words are expected"
                )
            }
            builder.level.redirects = (builder.level.redirects ?? []) + [draft]
        },
    ]

    private static let setProxyPass: DirectiveSpec.Setter = { builder, directive in
        let earlier = builder.scope.location.map(\.proxyPass) ?? builder.scope.server?.proxyPass
        try builder.refuseDuplicate(earlier?.range, directive)
        if let location = builder.scope.location {
            location.proxyPass = directive.first
        } else {
            builder.scope.server?.proxyPass = directive.first
        }
    }

    /// When another upstream server is asked.
    static let proxyRetry: [DirectiveSpec] = [
        .run(
            "proxy_next_upstream",
            "CONDITION…",
            in: .request,
            arguments: 1...16,
            default: "error timeout",
            help: "When to ask the next server: error timeout invalid_header http_403 http_404 http_429 http_500 "
                + "http_502 http_503 http_504 non_idempotent, or off."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.retryConditions?.range, directive)
            var conditions: RetryPolicy.Conditions = []
            for word in directive.arguments {
                guard let condition = retryConditions[word.text] else {
                    let near = Suggestion.nearest(to: word.text, in: retryConditions.keys)
                    throw Diagnostic.error(
                        word.range,
                        "invalid value \"\(word.text)\"",
                        hint: near.map { "did you mean \"\($0)\"?" }
                    )
                }
                conditions.formUnion(condition)
            }
            if directive.arguments.contains(where: { $0.text == "off" }) { conditions = [] }
            builder.level.retryConditions = Setting(conditions, directive.range)
        },
        .run(
            "proxy_next_upstream_tries",
            "COUNT",
            in: .request,
            default: "0",
            help: "Attempts in all; 0 for no limit.",
            set: DirectiveSpec.integer(\.level.retryTries, in: 0...1000)
        ),
        .run(
            "proxy_next_upstream_timeout",
            "TIME",
            in: .request,
            default: "0",
            help: "Time after which no further attempt is begun; 0 for no limit.",
            set: DirectiveSpec.time(\.level.retryTimeout)
        ),
    ]

    private static let retryConditions: [String: RetryPolicy.Conditions] = [
        "error": .error, "timeout": .timeout, "invalid_header": .invalidHeader, "http_500": .status500,
        "http_502": .status502, "http_503": .status503, "http_504": .status504, "http_403": .status403,
        "http_404": .status404, "http_429": .status429, "non_idempotent": .nonIdempotent, "updating": [], "off": [],
    ]

    /// TLS towards upstreams.
    static let proxyTLS: [DirectiveSpec] = [
        .run(
            "proxy_ssl_verify",
            "on|off",
            in: .request,
            default: "off",
            native: "on",
            help: "Whether an upstream's certificate must be valid and for the name asked for.",
            set: DirectiveSpec.flag(\.level.upstreamVerify)
        ),
        .run(
            "proxy_ssl_name",
            "NAME",
            in: .request,
            default: "the host in proxy_pass",
            help: "The name asked for (SNI) and looked for in an upstream's certificate.",
            set: DirectiveSpec.word(\.level.upstreamName) { _, word in
                guard HostPort.isHostName(word.text) else {
                    let hint = "a host name without variables is expected"
                    throw Diagnostic.error(word.range, "invalid name \"\(word.text)\"", hint: hint)
                }
                return word.text
            }
        ),
        .run(
            "proxy_ssl_trusted_certificate",
            "FILE",
            in: .request,
            default: "the system's authorities",
            help: "PEM file of the authorities that upstreams' certificates may come from.",
            set: DirectiveSpec.configurationPath(\.level.upstreamAuthorities)
        ),
        .run(
            "proxy_ssl_verify_depth",
            "COUNT",
            in: .request,
            default: "1",
            native: "9",
            help: "Greatest length of an upstream's certificate chain.",
            set: DirectiveSpec.integer(\.level.upstreamDepth, in: 0...100)
        ),
        .run(
            "proxy_ssl_protocols",
            "TLSv1.2 TLSv1.3",
            in: .request,
            arguments: 1...8,
            default: "TLSv1.2 TLSv1.3",
            help: "The versions spoken to upstreams."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.upstreamProtocols?.range, directive)
            builder.level.upstreamProtocols = Setting(try builder.protocols(directive), directive.range)
        },
        .run(
            "proxy_ssl_ciphers",
            "CIPHERS",
            in: .request,
            default: "DEFAULT",
            help: "TLS 1.2 suites for upstreams in OpenSSL's notation.",
            set: DirectiveSpec.text(\.level.upstreamCiphers)
        ),
        .run(
            "proxy_ssl_certificate",
            "FILE",
            in: .request,
            help: "The certificate shown to upstreams that ask for one.",
            set: DirectiveSpec.configurationPath(\.level.upstreamCertificate)
        ),
        .run(
            "proxy_ssl_certificate_key",
            "FILE",
            in: .request,
            help: "Its private key.",
            set: DirectiveSpec.configurationPath(\.level.upstreamKey)
        ),
    ]
}
