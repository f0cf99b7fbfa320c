import ConfigSyntax
import EventLoop
import Proxy
import Upstream

/// An `upstream` block.
final class UpstreamDraft {
    let name: Word
    var servers: [ServerConfiguration] = []
    var balancing: Setting<Balancing>?
    var idleLimit: Setting<Int>?
    var requestLimit: Setting<Int>?
    var idleTimeout: Setting<UInt64>?
    var lifetime: Setting<UInt64>?

    init(name: Word) { self.name = name }

    var configuration: UpstreamConfiguration {
        let keepalive = KeepaliveConfiguration(
            idleLimit: idleLimit?.value ?? 32,
            requestLimit: requestLimit?.value ?? 1000,
            idleTimeout: idleTimeout?.value ?? 60 * Nanoseconds.second,
            lifetime: lifetime?.value ?? 3600 * Nanoseconds.second
        )
        return UpstreamConfiguration(
            name: name.text,
            servers: servers,
            balancing: balancing?.value ?? .roundRobin,
            keepalive: keepalive
        )
    }
}

extension DirectiveTable {
    /// Groups of servers.
    static let upstream: [DirectiveSpec] = [
        .block("upstream", "NAME", in: .http, arguments: 1...1, help: "A group of servers that proxy_pass can name.") {
            builder,
            directive,
            block in
            let name = directive.first
            if let earlier = builder.upstreams.first(where: { $0.name.text == name.text }) {
                throw Diagnostic.error(
                    name.range,
                    "duplicate upstream \"\(name.text)\"",
                    hint: "first given at \(earlier.name.range.place)"
                )
            }
            let draft = UpstreamDraft(name: name)
            builder.upstreams.append(draft)
            builder.read(block, in: Scope(.upstream, in: builder.scope, directive: directive, upstream: draft))
            let isRefused = block.contains { $0.name.text == "server" }
            if draft.servers.isEmpty, !isRefused {
                throw Diagnostic.error(directive.range, "no servers are inside upstream \"\(name.text)\"")
            }
        },
        .run(
            "server",
            "HOST[:PORT] [weight=N] [max_fails=N] [fail_timeout=TIME] [max_conns=N] [backup] [down]",
            in: .upstream,
            arguments: 1...16,
            help: "A server of the group; port 80 if none is given."
        ) { builder, directive in
            builder.scope.upstream?.servers.append(try builder.upstreamServer(directive))
        },
        .run(
            "least_conn",
            "",
            in: .upstream,
            arguments: 0...0,
            help: "Each request goes to the server with the fewest in flight relative to its weight."
        ) { builder, directive in
            guard let upstream = builder.scope.upstream else { return }
            try builder.refuseDuplicate(upstream.balancing?.range, directive)
            upstream.balancing = Setting(.leastConnections, directive.range)
        },
        .run(
            "keepalive",
            "COUNT",
            in: .upstream,
            arguments: 1...2,
            default: "32",
            help: "Idle connections kept per event loop."
        ) { builder, directive in
            guard let upstream = builder.scope.upstream else { return }
            try builder.refuseDuplicate(upstream.idleLimit?.range, directive)
            upstream.idleLimit = Setting(try directive.first.integer(in: 0...65536), directive.range)
        },
        .run(
            "keepalive_requests",
            "COUNT",
            in: .upstream,
            default: "1000",
            help: "Requests after which a kept connection is closed."
        ) { builder, directive in
            guard let upstream = builder.scope.upstream else { return }
            try builder.refuseDuplicate(upstream.requestLimit?.range, directive)
            upstream.requestLimit = Setting(try directive.first.integer(in: 1...UInt64(Int32.max)), directive.range)
        },
        .run(
            "keepalive_timeout",
            "TIME",
            in: .upstream,
            default: "60s",
            help: "How long a kept connection may idle."
        ) { builder, directive in
            guard let upstream = builder.scope.upstream else { return }
            try builder.refuseDuplicate(upstream.idleTimeout?.range, directive)
            upstream.idleTimeout = Setting(try directive.first.time(), directive.range)
        },
        .run(
            "keepalive_time",
            "TIME",
            in: .upstream,
            default: "1h",
            help: "The age at which a connection is closed rather than kept."
        ) { builder, directive in
            guard let upstream = builder.scope.upstream else { return }
            try builder.refuseDuplicate(upstream.lifetime?.range, directive)
            upstream.lifetime = Setting(try directive.first.time(), directive.range)
        },
    ]
}

extension ConfigurationBuilder {
    fileprivate func upstreamServer(_ directive: Directive) throws -> ServerConfiguration {
        var server = ServerConfiguration(try endpoint(directive.first, defaultPort: 80))
        for word in directive.arguments.dropFirst() {
            let parameter = Parameter(word)
            switch (parameter.key, parameter.value) {
            case ("weight", let value?): server.weight = try value.integer(in: 1...65535)
            case ("max_fails", let value?): server.maxFails = try value.integer(in: 0...65535)
            case ("fail_timeout", let value?): server.failTimeout = try value.time()
            case ("max_conns", let value?): server.maxConnections = try value.integer(in: 0...65535)
            case ("backup", nil): server.isBackup = true
            case ("down", nil): server.isDown = true
            case ("resolve", nil):
                report(.note(word.range, "\"resolve\" has no effect", hint: "names are always looked up again"))
            default:
                let known = ["weight", "max_fails", "fail_timeout", "max_conns", "backup", "down"]
                throw Diagnostic.unknownParameter(parameter, known: known)
            }
        }
        return server
    }

    /// An upstream server's place. A name that doesn't resolve now is a warning only: it is looked up again.
    func endpoint(_ word: Word, defaultPort: UInt16) throws(Diagnostic) -> ServerConfiguration.Endpoint {
        let place = try word.value("server") { text throws(ValueError) in try HostPort.parse(text) }
        switch place {
        case .unix(let path):
            if let address = SocketAddress(path: path) { return .address(address) }
            throw .error(word.range, "invalid server \"\(word.text)\"", hint: "a socket's path may have 107 bytes")
        case .host(let host, let port):
            let port = port ?? defaultPort
            let form = HostPort.isIPv6(host) ? "[\(host)]" : host
            if let address = SocketAddress(parsing: "\(form):\(port)") { return .address(address) }
            if let resolves = environment.resolves, !resolves(host) {
                report(
                    .warning(
                        word.range,
                        "host \"\(host)\" does not resolve now",
                        hint: "Nginx would refuse to start; Postern starts, answers 502 and keeps looking it up"
                    )
                )
            }
            return .name(host, port: port)
        }
    }
}
