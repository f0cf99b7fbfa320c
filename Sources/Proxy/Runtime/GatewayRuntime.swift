import Access
import Bytes

/// `gateway_auth`, made ready for the request path.
struct GatewayRuntime: BitwiseCopyable, Sendable {
    enum Kind: UInt8 { case pass, bearer, trustedProxy }

    let kind: Kind
    /// `Authorization: Bearer …`, with its line end.
    let authorization: Frozen<UInt8>
    let userField: Frozen<UInt8>
    let scopesField: Frozen<UInt8>

    init(_ model: GatewayAuth, _ secrets: SecretVault?, arena: Arena) {
        switch model {
        case .pass:
            (kind, authorization, userField, scopesField) = (.pass, Frozen(), Frozen(), Frozen())
        case .bearer(let reference):
            kind = .bearer
            var line = Array("Authorization: Bearer ".utf8)
            secrets?.secret(reference)?.withBytes { for index in 0..<$0.count { line.append($0[index]) } }
            line += Array("\r\n".utf8)
            authorization = arena.freezeSecret(line)
            (userField, scopesField) = (Frozen(), Frozen())
            wipe(&line)
        case .trustedProxy(let user, let scopes):
            kind = .trustedProxy
            authorization = Frozen()
            userField = arena.freeze(user)
            scopesField = arena.freeze(scopes)
        }
    }

    /// Names of fields that no client may send.
    static func ownedFields(_ model: GatewayAuth) -> [[UInt8]] {
        if case .trustedProxy(let user, let scopes) = model { return [user, scopes] }
        return []
    }
}
