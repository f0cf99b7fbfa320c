import Proxy

/// The whole language: every directive that is known, whether it runs or not.
package enum DirectiveTable {
    /// By family, in the order of the reference.
    package static let families: [(title: String, directives: [DirectiveSpec])] = [
        ("Process", process), ("Structure", structure), ("Listening", listen), ("TLS for clients", tls),
        ("Client certificates", clientCertificates),
        ("Clients' connections", client), ("HTTP/2", http2), ("Real addresses", realIP), ("Proxying", proxy),
        ("Proxying: failures", proxyRetry), ("TLS to upstreams", proxyTLS), ("Upstreams", upstream),
        ("Access", access + crossSite), ("Callers", identity), ("Permissions", permissions),
        ("What the gateway is told", gateway),
        ("Open paths", openPaths), ("State and control", state), ("Rate limits", limitReq),
        ("Connection limits", limitConn),
        ("Slow clients", progress), ("Responses", response), ("Maps", map), ("Logs", log), ("Metrics", status),
        ("Without effect", harmless), ("Refused", refused),
    ]

    private static let byName: [String: [DirectiveSpec]] = Dictionary(
        grouping: families.flatMap(\.directives).filter { !$0.name.hasSuffix("*") },
        by: \.name
    )

    /// Families of directives that are known by how their names begin, the longest first.
    private static let byPrefix: [(prefix: String, spec: DirectiveSpec)] = families.flatMap(\.directives)
        .filter { $0.name.hasSuffix("*") }
        .map { (String($0.name.dropLast()), $0) }
        .sorted { $0.0.utf8.count > $1.0.utf8.count }

    /// The directive of that name; where several share it, the one for this dialect and place.
    static func find(_ name: String, _ dialect: Dialect, _ contexts: ContextSet) -> DirectiveSpec? {
        guard let specs = byName[name] else { return byPrefix.first { name.hasPrefix($0.prefix) }?.spec }
        let here = specs.filter { !$0.contexts.isDisjoint(with: contexts) }
        let spoken = specs.filter { $0.dialects.contains(dialect) }
        return here.first { $0.dialects.contains(dialect) } ?? spoken.first ?? specs.first
    }

    /// Names to suggest: those that run.
    static func names(in dialect: Dialect) -> [String] {
        byName.compactMap { name, specs in
            let isUsable = specs.contains { spec in
                switch spec.kind {
                case .run, .block: spec.dialects.contains(dialect)
                case .harmless, .harmlessIf, .refused: false
                }
            }
            return isUsable ? name : nil
        }
    }
}
