import ConfigSyntax
import HTTP
import Proxy

extension DirectiveTable {
    /// What the gateway is told of callers.
    static let gateway: [DirectiveSpec] = [
        .run(
            "gateway_auth",
            "pass|bearer SECRET|trusted_proxy [user_header=FIELD] [scopes_header=FIELD]",
            in: .request,
            arguments: 1...3,
            default: "pass",
            help:
                "How the gateway is told who calls. pass: by what the client sent, less what is Postern's own. bearer: by "
                + "the gateway's own token in Authorization; SECRET is env:NAME, file:PATH or secret:NAME. trusted_proxy: "
                + "by the caller's name in X-Forwarded-User and its scopes in X-OpenClaw-Scopes, unless named otherwise; "
                + "what a client sends under these names is dropped."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.gatewayAuth?.range, directive)
            builder.level.gatewayAuth = Setting(try builder.gatewayAuth(directive), directive.range)
        }
    ]
}

extension ConfigurationBuilder {
    fileprivate func gatewayAuth(_ directive: Directive) throws(Diagnostic) -> GatewayAuth {
        let rest = directive.arguments.dropFirst()
        switch directive.first.text {
        case "pass":
            guard let extra = rest.first else { return .pass }
            throw .error(extra.range, "\"pass\" takes no parameters", hint: "gateway_auth pass;")
        case "bearer":
            guard let word = rest.first else {
                throw .error(directive.range, "\"bearer\" needs a secret", hint: "gateway_auth bearer env:NAME;")
            }
            if let extra = rest.dropFirst().first {
                throw .error(extra.range, "\"bearer\" takes one secret", hint: "gateway_auth bearer env:NAME;")
            }
            return .bearer(try secret(word))
        case "trusted_proxy":
            var (user, scopes) = ("x-forwarded-user", "x-openclaw-scopes")
            for (key, value) in try rest.parameters(known: ["user_header", "scopes_header"]) {
                let name = try Self.ownField(value)
                if key == "user_header" { user = name } else { scopes = name }
            }
            let (userField, scopesField) = (Array(user.utf8), Array(scopes.utf8))
            guard !normalizedNameEquals(userField.span, scopesField.span) else {
                let message = "\"user_header\" and \"scopes_header\" name the same field"
                throw .error(directive.range, message, hint: "letter case, _ and . don't tell fields apart")
            }
            return .trustedProxy(userField: userField, scopesField: scopesField)
        default:
            let hint = "it must be one of \"pass\", \"bearer\", \"trusted_proxy\""
            throw .error(directive.first.range, "invalid value \"\(directive.first.text)\"", hint: hint)
        }
    }

    /// `env:NAME`, `file:PATH` or `secret:NAME`. What else stands there may be the secret itself: messages don't repeat it.
    private func secret(_ word: Word) throws(Diagnostic) -> SecretReference {
        let usage = "env:NAME, file:PATH or secret:NAME is expected"
        guard let colon = word.text.firstIndex(of: ":") else {
            throw .error(word.range, "a secret must not stand in the configuration", hint: usage)
        }
        let kind = word.text[..<colon]
        let name = String(word.text[word.text.index(after: colon)...])
        let rest = Word(text: name, range: word.range(of: kind.utf8.count + 1..<word.text.utf8.count))
        switch kind {
        case "env", "secret":
            guard TemplateReader.isName(name), (name.utf8.first ?? 0x30) &- 0x30 > 9 else {
                let hint = "letters, digits and _ are expected, and no digit first"
                throw .error(rest.range, "\"\(kind):\" needs the name of a variable", hint: hint)
            }
            return kind == "env" ? .environment(name) : .named(name)
        case "file":
            guard !name.isEmpty else {
                throw .error(word.range, "\"file:\" needs a path", hint: "file:/etc/postern/gateway-token")
            }
            return .file(try path(rest, from: directories.configuration))
        default:
            throw .error(word.range, "a secret must not stand in the configuration", hint: usage)
        }
    }

    /// The name, in lower case, of a field that Postern alone sets.
    private static func ownField(_ word: Word) throws(Diagnostic) -> String {
        try word.checkFieldName()
        let name = word.text.lowercased()
        let bytes = Array(name.utf8)
        let taken = reserved.first { normalizedNameEquals(Array($0.utf8).span, bytes.span) }
        guard taken == nil, !name.hasPrefix("content-"), !name.hasPrefix("sec-") else {
            let hint = "it has a meaning of its own; use a name such as X-Forwarded-User"
            throw .error(word.range, "\"\(word.text)\" can't say who calls", hint: hint)
        }
        return name
    }

    /// Fields that frame a message, that have another meaning to gateways, or that Postern sets otherwise.
    private static let reserved = [
        "host", "connection", "content-length", "content-type", "content-encoding", "transfer-encoding", "upgrade",
        "te",
        "trailer", "cookie", "set-cookie", "authorization", "proxy-authorization", "proxy-authenticate", "keep-alive",
        "proxy-connection", "expect", "date", "origin", "referer", "range", "accept", "accept-encoding",
        "http2-settings",
        "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip",
        "x-api-key", "x-request-id", "via",
    ]
}
