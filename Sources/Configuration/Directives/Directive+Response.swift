import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// Answers of Postern's own, and fields added to all.
    static let response: [DirectiveSpec] = [
        .run(
            "return",
            "CODE [TEXT]|CODE URL|URL",
            in: [.server, .location],
            arguments: 1...2,
            help: "Answers at once: a text, or a redirect for 301, 302, 303, 307 and 308. A URL alone means 302."
        ) { builder, directive in
            let draft = try builder.returnRule(directive)
            // Nginx runs the first and never comes to the next.
            if let location = builder.scope.location {
                if let earlier = location.returnRule { builder.reportUnreached(directive, after: earlier) }
                location.returnRule = location.returnRule ?? draft
            } else if let server = builder.scope.server {
                if let earlier = server.returnRule { builder.reportUnreached(directive, after: earlier) }
                server.returnRule = server.returnRule ?? draft
            }
        },
        .run(
            "add_header",
            "FIELD VALUE [always]",
            in: .request,
            arguments: 2...3,
            help:
                "Adds a field to responses. Nginx files: to 2xx and redirects unless always; a level that has any takes "
                + "none from above. Native files: to every response; levels add up."
        ) { builder, directive in
            let name = directive.first
            try name.checkFieldName()
            var isAlways = builder.dialect == .native
            if directive.arguments.count == 3 {
                guard directive.arguments[2].text == "always" else {
                    throw Diagnostic.error(
                        directive.arguments[2].range,
                        "invalid parameter \"\(directive.arguments[2].text)\"",
                        hint: "only \"always\" may follow; quote a value that has spaces"
                    )
                }
                isAlways = true
            }
            let value = directive.arguments[1]
            builder.useTemplate(value)
            let draft = ResponseFieldDraft(name: name, value: value, isAlways: isAlways, range: directive.range)
            builder.level.responseFields = (builder.level.responseFields ?? []) + [draft]
            builder.adviseOnField(name, value)
        },
        .run(
            "security_headers",
            "strict|basic|off [hsts=TIME|off]",
            in: .request,
            arguments: 1...2,
            dialects: .native,
            native: "strict",
            help: "strict: nosniff, no framing, no referrer, own window group, and a year of HSTS on TLS servers. "
                + "basic: nosniff, framing by the same origin only, referrer by origin."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.securityHeaders?.range, directive)
            builder.level.securityHeaders = Setting(try builder.securityHeaders(directive), directive.range)
        },
        .run(
            "default_type",
            "TYPE",
            in: .request,
            default: "text/plain",
            help: "The Content-Type of a return's text. Replies from upstream keep theirs.",
            set: DirectiveSpec.word(\.level.defaultType) { _, word in
                guard word.text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F || $0 == 0x20 }), word.text.contains("/")
                else {
                    throw Diagnostic.error(word.range, "invalid media type \"\(word.text)\"")
                }
                return word.text
            }
        ),
        .run(
            "server_tokens",
            "on|off",
            in: .request,
            default: "on",
            native: "off",
            help: "Whether the Server field tells the version.",
            set: DirectiveSpec.choice(\.level.showsVersion, ["on": true, "off": false, "build": true])
        ),
    ]
}

extension SecurityHeaders {
    /// What a native file has unless it says otherwise: with a year of HSTS, which browsers heed on TLS only.
    static let strict = SecurityHeaders(grade: .strict, transportSeconds: 31_536_000)
}

extension ConfigurationBuilder {
    fileprivate func returnRule(_ directive: Directive) throws(Diagnostic) -> ReturnDraft {
        let first = directive.first
        let isURL = ["http://", "https://", "$scheme"].contains { first.text.hasPrefix($0) }
        if directive.arguments.count == 1, isURL {
            useTemplate(first)
            return ReturnDraft(status: 302, text: first, range: directive.range)
        }
        guard let status = try? first.integer(in: 0...999) else {
            throw .error(
                first.range,
                "invalid return code \"\(first.text)\"",
                hint: "a status, or a URL alone, is expected"
            )
        }
        guard (200...599).contains(status) else {
            throw .error(first.range, "invalid return code \"\(first.text)\"", hint: "from 200 to 599 is expected")
        }
        let text = directive.arguments.count > 1 ? directive.arguments[1] : nil
        if let text {
            useTemplate(text)
        } else if ReturnRule(status: status, text: nil).isRedirect {
            report(
                .warning(
                    directive.range,
                    "a redirect without a URL",
                    hint: "return \(status) https://$host$request_uri;"
                )
            )
        }
        return ReturnDraft(status: status, text: text, range: directive.range)
    }

    fileprivate func reportUnreached(_ directive: Directive, after earlier: ReturnDraft) {
        let hint = "the one at \(earlier.range.place) answers first"
        report(.warning(directive.range, "this \"return\" is never reached", hint: hint))
    }

    /// Says what is known of some fields.
    fileprivate func adviseOnField(_ name: Word, _ value: Word) {
        switch name.text.lowercased() {
        case "x-xss-protection":
            let hint = "browsers have dropped the filter; a Content-Security-Policy does its work"
            report(.note(name.range, "\"X-XSS-Protection\" is obsolete", hint: hint))
        case "public-key-pins", "expect-ct":
            report(.note(name.range, "\"\(name.text)\" is obsolete", hint: "no browser reads it any more"))
        case "content-type":
            let hint = "it takes the place of the other one; Nginx would send both"
            report(.note(name.range, "\"Content-Type\" is added to what the response has", hint: hint))
        default: break
        }
    }

    fileprivate func securityHeaders(_ directive: Directive) throws(Diagnostic) -> SecurityHeaders {
        var headers: SecurityHeaders
        switch directive.first.text {
        case "strict": headers = .strict
        case "basic": headers = SecurityHeaders(grade: .basic)
        case "off": headers = SecurityHeaders(grade: .off)
        default:
            let hint = "strict, basic or off is expected"
            throw .error(directive.first.range, "invalid value \"\(directive.first.text)\"", hint: hint)
        }
        guard directive.arguments.count > 1 else { return headers }
        let parameter = Parameter(directive.arguments[1])
        guard parameter.key == "hsts", let value = parameter.value, headers.grade != .off else {
            throw .unknownParameter(parameter, known: ["hsts"])
        }
        headers.transportSeconds = value.text == "off" ? nil : try value.time() / 1_000_000_000
        return headers
    }
}
