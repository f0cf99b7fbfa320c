import ConfigSyntax
import Proxy
import TLS

extension DirectiveTable {
    /// TLS towards clients.
    static let tls: [DirectiveSpec] = [
        .run(
            "ssl_certificate",
            "FILE",
            in: [.http, .server],
            help: "A PEM chain, the server's certificate first. Several, of different kinds of key, may be given."
        ) { builder, directive in
            let path = try builder.path(directive.first, from: builder.directories.configuration)
            builder.level.certificates = (builder.level.certificates ?? []) + [Setting(path, directive.range)]
        },
        .run(
            "ssl_certificate_key",
            "FILE",
            in: [.http, .server],
            help: "The private key, one for each ssl_certificate in the same order."
        ) { builder, directive in
            let path = try builder.path(directive.first, from: builder.directories.configuration)
            builder.level.keys = (builder.level.keys ?? []) + [Setting(path, directive.range)]
        },
        .run(
            "ssl_protocols",
            "TLSv1.2 TLSv1.3",
            in: [.http, .server],
            arguments: 1...8,
            default: "TLSv1.2 TLSv1.3",
            help: "The versions accepted."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.protocols?.range, directive)
            builder.level.protocols = Setting(try builder.protocols(directive), directive.range)
        },
        .run(
            "ssl_ciphers",
            "CIPHERS",
            in: [.http, .server],
            default: "ECDHE with AES-GCM or ChaCha20",
            help: "TLS 1.2 suites in OpenSSL's notation (ciphers(1)).",
            set: DirectiveSpec.text(\.level.ciphers)
        ),
        .run(
            "ssl_prefer_server_ciphers",
            "on|off",
            in: [.http, .server],
            default: "off",
            native: "on",
            help: "Whether the server's order of suites counts; ChaCha20 goes first for a client that has it first.",
            set: DirectiveSpec.flag(\.level.prefersServerCiphers)
        ),
        .run(
            "ssl_ecdh_curve",
            "CURVES",
            in: [.http, .server],
            default: "X25519:P-256:P-384",
            help: "Key exchange groups, best first, with colons between; auto takes OpenSSL's.",
            set: DirectiveSpec.word(\.level.groups) { _, word in word.text == "auto" ? nil : word.text }
        ),
        .run(
            "ssl_conf_command",
            "Ciphersuites VALUE",
            in: [.http, .server],
            arguments: 2...2,
            help: "TLS 1.3 suites. Other commands are refused."
        ) { builder, directive in
            guard directive.first.text == "Ciphersuites" else {
                throw Diagnostic.error(
                    directive.first.range,
                    "\"ssl_conf_command \(directive.first.text)\" is not supported",
                    hint: "only Ciphersuites is; ssl_protocols, ssl_ciphers and ssl_ecdh_curve say the rest"
                )
            }
            try builder.refuseDuplicate(builder.level.cipherSuites?.range, directive)
            builder.level.cipherSuites = Setting(directive.arguments[1].text, directive.range)
        },
        .run(
            "ssl_session_cache",
            "off|none|builtin[:COUNT]|shared:NAME:SIZE",
            in: [.http, .server],
            arguments: 1...2,
            default: "none",
            help: "Where sessions are kept for clients that resume by session id."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.sessionCache?.range, directive)
            // With two, Nginx asks the shared one after the other; here both live in one process.
            let caches = try directive.arguments.map { try builder.sessionCache($0) }
            if let cache = caches.last { builder.level.sessionCache = Setting(cache, directive.range) }
        },
        .run(
            "ssl_session_timeout",
            "TIME",
            in: [.http, .server],
            default: "5m",
            help: "How long a session can be resumed.",
            set: DirectiveSpec.word(\.level.sessionTimeout) { _, word in
                let seconds = try word.time() / 1_000_000_000
                guard (1...604_800).contains(seconds) else {
                    throw Diagnostic.error(
                        word.range,
                        "invalid time \"\(word.text)\"",
                        hint: "from 1s to 7d is expected"
                    )
                }
                return Int(seconds)
            }
        ),
        .run(
            "ssl_session_tickets",
            "on|off",
            in: [.http, .server],
            default: "on",
            help: "Whether sessions are offered as tickets. Their keys are made and changed by Postern.",
            set: DirectiveSpec.flag(\.level.tickets)
        ),
        .run(
            "ssl_stapling_file",
            "FILE",
            in: [.http, .server],
            help: "A DER OCSP response to staple.",
            set: DirectiveSpec.configurationPath(\.level.stapleFile)
        ),
        .run(
            "ssl_stapling",
            "on|off",
            in: [.http, .server],
            default: "off",
            native: "on",
            help: "Whether ssl_stapling_file is stapled. No OCSP responder is asked.",
            set: DirectiveSpec.flag(\.level.staples)
        ),
        .run(
            "ssl_reject_handshake",
            "on|off",
            in: [.http, .server],
            default: "off",
            help: "Every handshake for this server ends with the alert unrecognized_name.",
            set: DirectiveSpec.flag(\.level.rejectsHandshake)
        ),
    ]
}

extension ConfigurationBuilder {
    /// The versions that `ssl_protocols` and `proxy_ssl_protocols` list.
    func protocols(_ directive: Directive) throws(Diagnostic) -> Set<TLSProtocol> {
        var result: Set<TLSProtocol> = []
        for word in directive.arguments {
            if word.text == "SSLv2" || word.text == "SSLv3" {
                report(
                    .warning(word.range, "\(word.text) does not exist here any more", hint: "remove it; it is left out")
                )
                continue
            }
            guard let version = TLSProtocol(name: word.text) else {
                let names = TLSProtocol.allCases.map(\.description)
                throw .error(word.range, "invalid value \"\(word.text)\"", hint: names.joined(separator: ", "))
            }
            if version.isObsolete {
                let hint = "RFC 8996 withdrew it; keep TLSv1.2 TLSv1.3"
                report(.warning(word.range, "\(word.text) is obsolete", hint: hint))
            }
            result.insert(version)
        }
        guard !result.isEmpty else { throw .error(directive.range, "no usable protocol is left", hint: "add TLSv1.3") }
        return result
    }

    fileprivate func sessionCache(_ word: Word) throws(Diagnostic) -> SessionCache {
        let parts = word.text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count) {
        case ("off", 1): return .off
        case ("none", 1): return .none
        case ("builtin", 1): return .builtin(sessions: 20480)
        case ("builtin", 2):
            let number = try word.value("session cache") { _ throws(ValueError) in
                try Numbers.integer(parts[1], in: 1...10_000_000)
            }
            return .builtin(sessions: Int(number))
        case ("shared", 3):
            let size = try word.value("session cache") { _ throws(ValueError) in
                try Numbers.size(parts[2], in: 32768...(1 << 34))
            }
            return .shared(bytes: Int(size))
        default:
            throw .error(
                word.range,
                "invalid session cache \"\(word.text)\"",
                hint: "off, none, builtin, builtin:1000 or shared:NAME:10m is expected"
            )
        }
    }
}
