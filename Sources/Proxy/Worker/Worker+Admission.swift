import Bytes
import EventLoop
import Limits

/// Who may connect: `client_max_connections`, and peers that may speak the PROXY protocol.
extension Worker {
    /// Whether a connection is taken.
    enum Admission {
        case refused
        /// Taken, and counted for nobody.
        case uncounted
        /// Taken, and counted.
        case counted(LimitKey)
    }

    /// Decides about a connection from `peer`.
    func admit(_ peer: SocketAddress, _ listener: ListenerRuntime) -> Admission {
        let server = runtime.servers[listener.defaultServer]
        if listener.takesProxyProtocol {
            let isTrusted = ServerPhase.isTrusted(peer, server)
            if runtime.model.dialect == .native, !isTrusted {
                reportOnce(peer, "must not speak the PROXY protocol here: it is not in set_real_ip_from; closed")
                counters.add(.rejected(.proxyProtocolUntrusted))
                return .refused
            }
            // Whom a balancer stands for is counted when it is known.
            if isTrusted { return .uncounted }
        }
        return count(peer, server)
    }

    private func count(_ address: SocketAddress, _ server: Ref<ServerRuntime>) -> Admission {
        guard let limit = server.value.client.connectionLimit, address.family != .unix,
            !ServerPhase.isTrusted(address, server)
        else { return .uncounted }
        let key = LimitKey(address, ipv6PrefixLength: limit.ipv6PrefixLength)
        switch services.connections.table.acquire(key, limit: limit.count) {
        case .acquired: return .counted(key)
        case .full: return .uncounted
        case .limited:
            counters.add(.rejected(.clientMaxConnections))
            reportOnce(
                address,
                "has \(limit.count) connections, which is all that client_max_connections allows; closed. If many share this "
                    + "address, raise client_max_connections; if it is a balancer's, name it in set_real_ip_from"
            )
            return .refused
        }
    }

    /// Counts a connection for the address that a balancer has named. False when that has enough.
    func admitRelayed(_ client: Ref<ClientConnection>, _ source: SocketAddress) -> Bool {
        guard client.value.addressKey == nil, let server = client.value.defaultServer,
            ServerPhase.isTrusted(client.value.peer, server)
        else { return true }
        switch count(source, server) {
        case .refused: return false
        case .uncounted: return true
        case .counted(let key):
            client.value.addressKey = key
            return true
        }
    }

    /// Gives back what the connection counts for.
    func releaseAddress(_ client: Ref<ClientConnection>) {
        guard let key = client.value.addressKey else { return }
        client.value.addressKey = nil
        services.connections.table.release(key)
    }

    /// Tells the operator, once a minute for each address.
    func reportOnce(_ address: SocketAddress, _ words: @autoclosure () -> String) {
        let key = LimitKey(address, ipv6PrefixLength: 64)
        guard let count = services.connections.reports.report(key, now: now) else { return }
        let since = count > 1 ? " (and \(count - 1) times since it was last said)" : ""
        services.log.warning("client \(address.addressText) \(words())\(since)")
    }
}
