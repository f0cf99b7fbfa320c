import EventLoop
import Proxy
import TLS

extension ProbeTarget {
    /// The first of a configuration's health paths that can be asked for: where no TLS is needed rather than where it is.
    ///
    /// Nil where no server has one, or only such as can't be reached from here: behind a redirect, say.
    init?(_ configuration: ProxyConfiguration) {
        var best: (target: ProbeTarget, trouble: Int)?
        for listener in configuration.listeners where !listener.redirectsToHTTPS {
            for index in listener.servers {
                let server = configuration.servers[index]
                guard server.returnRule == nil, let path = Self.healthPath(server),
                    let host = Self.host(server, isDefault: index == listener.defaultServer)
                else { continue }
                var target = ProbeTarget(
                    address: Self.reachable(listener.address),
                    isTLS: listener.isTLS,
                    host: host,
                    path: path
                )
                target.needsProxyHeader = listener.takesProxyProtocol
                let trouble = Self.trouble(listener, server)
                if trouble < best?.trouble ?? .max { best = (target, trouble) }
            }
        }
        guard let best else { return nil }
        self = best.target
    }

    private static func healthPath(_ server: VirtualServerConfiguration) -> String? {
        for location in server.locations {
            if case .health = location.handler { return String(decoding: location.match.path, as: UTF8.self) }
        }
        return nil
    }

    /// A name that leads to the server.
    private static func host(_ server: VirtualServerConfiguration, isDefault: Bool) -> String? {
        for name in server.names {
            if case .exact(let text) = name, !text.isEmpty { return text }
        }
        return isDefault ? "localhost" : nil
    }

    /// What listens on every address listens on loopback.
    private static func reachable(_ address: SocketAddress) -> SocketAddress {
        guard address.isUnspecified else { return address }
        if address.family == .ipv4 { return SocketAddress(ipv4: 0x7F00_0001, port: address.port) }
        return SocketAddress(ip: SocketAddress.IPBytes(high: 0, low: 1), port: address.port)
    }

    /// The higher, the later the listener is chosen: HTTP/1 needs no certificate of ours, and isn't HTTP/2.
    private static func trouble(_ listener: ListenerConfiguration, _ server: VirtualServerConfiguration) -> Int {
        guard listener.isTLS else { return listener.isHTTP2 ? 2 : 0 }
        return server.tls?.clientVerification == .required ? 3 : 1
    }
}
