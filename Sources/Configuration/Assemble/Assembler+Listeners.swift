import ConfigSyntax
import EventLoop
import Proxy

extension Assembler {
    /// Gathers the servers' `listen` lines by address.
    mutating func addListeners() {
        var sources: [[(server: Int, listen: ListenDraft)]] = []
        for (index, (server, scope)) in builder.servers.enumerated() {
            for listen in listens(of: server, scope) {
                if let place = configuration.listeners.firstIndex(where: { $0.address == listen.address }) {
                    sources[place].append((index, listen))
                } else {
                    configuration.listeners.append(ListenerConfiguration(address: listen.address))
                    sources.append([(index, listen)])
                }
            }
        }
        for (place, source) in sources.enumerated() { fill(place, source) }
        refuseOverlaps(sources.map { $0[0].listen.range })
    }

    private func listens(of server: ServerDraft, _ scope: Scope) -> [ListenDraft] {
        if !server.listens.isEmpty { return server.listens }
        // A line that was refused has been reported.
        let hasAny = scope.directive?.block?.contains { $0.name.text == "listen" } ?? false
        if dialect == .native {
            if !hasAny {
                let hint = "listen 443 ssl http2;"
                report(.error(server.directive.name.range, "the server has no \"listen\"", hint: hint))
            }
            return []
        }
        return hasAny
            ? [] : [ListenDraft(address: SocketAddress(ipv4: 0, port: 80), range: server.directive.name.range)]
    }

    private mutating func fill(_ place: Int, _ source: [(server: Int, listen: ListenDraft)]) {
        var listener = configuration.listeners[place]
        var defaultRange: SourceRange?
        var optionsRange: SourceRange?
        listener.servers = source.map(\.server)
        listener.defaultServer = source[0].server
        for (server, listen) in source {
            if listen.isDefault {
                if let earlier = defaultRange {
                    let message = "a duplicate default server for \(listen.address)"
                    report(.error(listen.range, message, hint: "first given at \(earlier.place)"))
                } else {
                    defaultRange = listen.range
                    listener.defaultServer = server
                }
            }
            if listen.hasSocketOptions {
                if let earlier = optionsRange {
                    let message = "duplicate listen options for \(listen.address)"
                    report(.error(listen.range, message, hint: "first given at \(earlier.place); give them once"))
                } else {
                    optionsRange = listen.range
                    listener.backlog = listen.backlog ?? listener.backlog
                    listener.isIPv6Only = listen.isIPv6Only ?? listener.isIPv6Only
                }
            }
        }
        mergeProtocols(&listener, source)
        warnOfNames(listener)
        configuration.listeners[place] = listener
    }

    private func mergeProtocols(_ listener: inout ListenerConfiguration, _ source: [(server: Int, listen: ListenDraft)])
    {
        listener.isTLS = source.contains { $0.listen.isTLS }
        listener.redirectsToHTTPS = source.contains { $0.listen.redirects }
        listener.takesProxyProtocol = source.contains { $0.listen.takesProxyProtocol }
        for (server, listen) in source {
            if listener.isTLS, !listen.isTLS {
                let message = "\(listen.address) speaks TLS because of another server's \"listen\""
                report(.warning(listen.range, message, hint: "add \"ssl\" here too, or take another port"))
            }
            if listener.takesProxyProtocol, !listen.takesProxyProtocol {
                let message = "\(listen.address) speaks the PROXY protocol because of another server's \"listen\""
                report(.warning(listen.range, message, hint: "add \"proxy_protocol\" here too, or take another port"))
            }
            if listener.redirectsToHTTPS, !listen.redirects {
                let message = "\(listen.address) is a redirect because of another server's \"listen\""
                report(.error(listen.range, message, hint: "add \"redirect\" here too, or take another port"))
            }
            if listen.isHTTP2, !listener.isTLS {
                let hint = "browsers speak HTTP/2 over TLS only; add \"ssl\" for them"
                report(.note(listen.range, "HTTP/2 without TLS is for clients that begin with it", hint: hint))
            }
            // In the clear only where the socket itself says so.
            let isAsked = listener.isTLS && builder.servers[server].scope.effective(\.http2)?.value == true
            if listen.isHTTP2 || isAsked { listener.isHTTP2 = true }
        }
    }

    private func warnOfNames(_ listener: ListenerConfiguration) {
        var seen: [ServerName: SourceRange] = [:]
        for index in listener.servers {
            let names = builder.servers[index].draft.names
            let all = names.isEmpty ? [Setting(.exact(""), builder.servers[index].draft.directive.name.range)] : names
            for name in all {
                if let earlier = seen[name.value] {
                    let shown = name.value == .exact("") ? "" : name.range.text
                    let message = "conflicting server name \"\(shown)\" on \(listener.address), ignored"
                    report(.warning(name.range, message, hint: "the server at \(earlier.place) answers for it"))
                } else {
                    seen[name.value] = name.range
                }
            }
        }
    }

    /// `[::]:80 ipv6only=off` takes IPv4 too, so that `0.0.0.0:80` couldn't be bound.
    private func refuseOverlaps(_ ranges: [SourceRange]) {
        for (place, listener) in configuration.listeners.enumerated()
        where listener.address.family == .ipv6 && listener.address.isUnspecified && !listener.isIPv6Only {
            for (other, candidate) in configuration.listeners.enumerated()
            where candidate.address.family == .ipv4 && candidate.address.port == listener.address.port {
                let message = "\(candidate.address) is taken by \(listener.address) with ipv6only=off"
                report(
                    .error(ranges[other], message, hint: "remove one of both; the other is at \(ranges[place].place)")
                )
            }
        }
    }
}

extension SourceRange {
    /// What stands there.
    var text: String { String(decoding: file.bytes[offset..<offset + length], as: UTF8.self) }
}
