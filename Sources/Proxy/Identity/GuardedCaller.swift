import Access
import Bytes

/// Whoever an open stream belongs to: looked at again and again for as long as it is open.
final class GuardedCaller {
    private let principal: Principal
    private let user: [UInt8]
    /// The path of the file that proved it; empty for none.
    private let path: String

    /// Nil for callers who proved nothing, whom nothing can be taken from.
    init?(_ exchange: borrowing Exchange, _ services: Services) {
        principal = exchange.principal
        user = exchange.user.readable.array
        guard let runtime = exchange.runtime, let login = exchange.location?.value.login else { return nil }
        switch principal.proof {
        case .none, .address: return nil
        case .session, .password:
            path = runtime.passwordFiles[login.passwordFile].path
        case .key:
            path = runtime.keyFiles[login.keyFile].path
        }
    }

    /// Whether the caller would still be let in, under this configuration. `now` in milliseconds since 1970.
    ///
    /// An open stream is a use of its session, so that it doesn't become idle.
    func isStillProved(_ runtime: Runtime, _ services: Services, now: Int64) -> Bool {
        if principal.device != .none, !isApproved(services) { return false }
        switch principal.proof {
        case .none, .address: return true
        case .session:
            return services.identity.sessions.use(principal.session, now: now)
        case .password:
            guard let source = runtime.passwordFiles.first(where: { $0.path == path }) else { return false }
            // A file that can't be read at this moment takes nobody's stream.
            guard let table = source.latest else { return !source.isMissing }
            return table.stamp(of: user) == principal.stamp
        case .key:
            guard now < principal.expiresAt, let source = runtime.keyFiles.first(where: { $0.path == path }) else {
                return false
            }
            guard let ring = source.latest else { return !source.isMissing }
            return ring.stamp(ofID: user) == principal.stamp
        }
    }
}

extension GuardedCaller {
    private func isApproved(_ services: Services) -> Bool {
        let user = user
        return services.identity.devices.isApproved(principal.device, user: user.span)
    }
}

extension PasswordTable {
    fileprivate func stamp(of user: [UInt8]) -> UInt64? { stamp(of: user.span) }
}

extension KeyRing {
    /// What stands for the key of that id: another one once its secret is another. Nil when there is none.
    fileprivate func stamp(ofID id: [UInt8]) -> UInt64? {
        table.index(ofID: id.span).map { table[$0].digest.stamp }
    }
}
