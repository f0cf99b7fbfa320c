import Access
import Proxy

/// Callers: who they may be, and what the gateway is told of them.
extension ModelDump {
    mutating func callers() {
        for (index, file) in configuration.keyFiles.enumerated() { line("keys \(index) \(file)") }
        if configuration.permissions.permissions != PermissionTable.standard.permissions {
            for permission in configuration.permissions.permissions {
                line(
                    "permission \(permission.name) methods=\(permission.methods.joined(separator: ","))"
                        + " paths=\(permission.paths.joined(separator: ","))"
                        + " scopes=\(permission.scopes.joined(separator: ","))"
                )
            }
        }
        if let secrets = configuration.secretFile {
            line("secrets \(secrets.path) identity=\(secrets.identity ?? "none")")
        }
        if let directory = configuration.stateDirectory { line("state \(directory)") }
        if let socket = configuration.controlSocket { line("control \(socket)") }
    }

    mutating func dump(_ identity: IdentityRules) {
        if let file = identity.keyFile { line("    keys \(file)") }
        if let session = identity.session {
            line(
                "    session \(show(session.timeout))/\(show(session.idle)) of \(session.maxConcurrent)"
                    + " \(session.evictsOldest ? "evicts" : "refuses") \(session.sameSite)"
            )
        }
        if identity.hasLoginForm { line("    login form") }
        if let pairing = identity.pairing {
            line(
                "    pairing \(show(pairing.timeout)) of \(pairing.maxPending)"
                    + "\(pairing.approvesAll ? " approves all" : "")"
            )
        }
        if let failures = identity.failures {
            line("    failures \(failures.count) in \(show(failures.window)) lock \(show(failures.lock))")
        }
        switch identity.gateway {
        case .pass: break
        case .bearer(let secret): line("    gateway bearer \(secret)")
        case .trustedProxy(let user, let scopes): line("    gateway user=\(show(user)) scopes=\(show(scopes))")
        }
        if !identity.openMethods.isEmpty { line("    public \(identity.openMethods.joined(separator: ","))") }
    }
}
