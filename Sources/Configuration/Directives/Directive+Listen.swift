import ConfigSyntax
import EventLoop
import Proxy

/// `listen`.
struct ListenDraft {
    let address: SocketAddress
    var isTLS = false
    var isHTTP2 = false
    var isDefault = false
    var backlog: Int?
    var isIPv6Only: Bool?
    var redirects = false
    var takesProxyProtocol = false
    /// Some option of the socket itself is given, which Nginx allows once for each address.
    var hasSocketOptions = false
    let range: SourceRange
}

extension DirectiveTable {
    /// Sockets.
    static let listen: [DirectiveSpec] = [
        .run(
            "listen",
            "[ADDRESS:]PORT|unix:PATH [ssl] [http2] [default_server] [redirect] [proxy_protocol] [backlog=N] [reuseport]",
            in: .server,
            arguments: 1...16,
            default: "80",
            native: "none: must be given",
            help: "An address to accept connections on. redirect (native) sends every request to https. With "
                + "proxy_protocol each connection must begin with a header of the PROXY protocol, version 1 or 2, before TLS; "
                + "in a native file one from a peer that isn't in set_real_ip_from is closed."
        ) { builder, directive in
            guard let server = builder.scope.server else { return }
            let draft = try builder.listen(directive)
            if let earlier = server.listens.first(where: { $0.address == draft.address }) {
                throw Diagnostic.error(
                    directive.range,
                    "a duplicate listen \(draft.address)",
                    hint: "first given at \(earlier.range.place)"
                )
            }
            server.listens.append(draft)
        },
        .run(
            "http2",
            "on|off",
            in: [.http, .server],
            default: "off",
            help: "Offers HTTP/2 on the server's TLS sockets, as http2 in listen does.",
            set: DirectiveSpec.flag(\.level.http2)
        ),
    ]
}

extension ConfigurationBuilder {
    fileprivate func listen(_ directive: Directive) throws -> ListenDraft {
        var draft = ListenDraft(address: try listenAddress(directive.first), range: directive.range)
        for word in directive.arguments.dropFirst() {
            let parameter = Parameter(word)
            switch (parameter.key, parameter.value) {
            case ("ssl", nil): draft.isTLS = true
            case ("http2", nil): draft.isHTTP2 = true
            case ("default_server", nil), ("default", nil): draft.isDefault = true
            case ("redirect", nil) where dialect == .native: draft.redirects = true
            case ("reuseport", nil), ("bind", nil), ("deferred", nil): draft.hasSocketOptions = true
            case ("backlog", let value?):
                draft.backlog = try value.integer(in: 1...UInt64(Int32.max))
                draft.hasSocketOptions = true
            case ("ipv6only", let value?):
                guard draft.address.family == .ipv6 else {
                    throw Diagnostic.error(word.range, "\"ipv6only\" is for IPv6 addresses")
                }
                draft.isIPv6Only = try value.flag()
                draft.hasSocketOptions = true
            case ("rcvbuf", .some), ("sndbuf", .some), ("so_keepalive", .some), ("fastopen", .some):
                draft.hasSocketOptions = true
                let hint = "the kernel's settings hold (tcp(7))"
                report(.note(word.range, "\"\(parameter.key)\" has no effect", hint: hint))
            case ("proxy_protocol", nil): draft.takesProxyProtocol = true
            case ("quic", nil), ("http3", nil):
                throw Diagnostic.error(word.range, "HTTP/3 is not supported", hint: "use ssl and http2")
            case ("spdy", nil):
                throw Diagnostic.error(word.range, "SPDY is not supported", hint: "use http2")
            case ("accept_filter", .some), ("setfib", .some):
                throw Diagnostic.error(word.range, "\"\(parameter.key)\" is not for Linux")
            default:
                let known =
                    ["ssl", "http2", "default_server", "backlog", "reuseport", "ipv6only", "proxy_protocol"]
                    + (dialect == .native ? ["redirect"] : [])
                throw Diagnostic.unknownParameter(parameter, known: known)
            }
        }
        if draft.redirects, draft.isTLS {
            throw Diagnostic.error(directive.range, "\"redirect\" is for plain sockets, not for \"ssl\"")
        }
        return draft
    }

    private func listenAddress(_ word: Word) throws(Diagnostic) -> SocketAddress {
        var text = word.text
        if !text.isEmpty, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) { text = "*:" + text }
        if text.hasPrefix("*:") { text = "0.0.0.0" + text.dropFirst() }
        let parsed = try word.value("address") { _ throws(ValueError) in try HostPort.parse(text) }
        switch parsed {
        case .unix(let path):
            if let address = SocketAddress(path: path) { return address }
        case .host(let host, let port):
            let form = HostPort.isIPv6(host) ? "[\(host)]" : host
            if let address = SocketAddress(parsing: "\(form):\(port ?? 80)") { return address }
        }
        throw .error(
            word.range,
            "\"\(word.text)\" is not an address to listen on",
            hint: "write an IP address: a name may change under a running server"
        )
    }
}

extension Diagnostic {
    /// A parameter that the directive doesn't have.
    static func unknownParameter(_ parameter: Parameter, known: [String]) -> Diagnostic {
        let near = Suggestion.nearest(to: parameter.key, in: known)
        return .error(
            parameter.word.range,
            "invalid parameter \"\(parameter.word.text)\"",
            hint: near.map { "did you mean \"\($0)\"?" } ?? "known here: " + known.joined(separator: ", ")
        )
    }
}
