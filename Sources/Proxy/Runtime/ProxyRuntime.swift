import Bytes
import HTTP
import TLS
import Upstream

/// `proxy_pass`, made ready for the request path.
struct ProxyRuntime: Sendable {
    struct RequestField: BitwiseCopyable, Sendable {
        var id: FieldID
        var field: CompiledField
    }

    struct Redirect: BitwiseCopyable, Sendable {
        var from: Frozen<UInt8>
        var replacement: CompiledTemplate
    }

    let upstream: Int
    let tls: ClientContext?
    /// The name that the upstream's certificate must be for.
    let tlsName: String?
    let authority: Frozen<UInt8>
    let hasReplacementPath: Bool
    let replacementPath: Frozen<UInt8>
    let minorVersion: Int
    let requestFields: Frozen<RequestField>
    /// Names that the client can't send: those of `requestFields`.
    let ownedFields: FieldNameSet
    let setsForwardedFields: Bool
    let hiddenFields: FieldNameSet
    /// Whether the upstream's `Server` is hidden, so that Postern says its own; the same for `Date`.
    let hidesServer: Bool
    let hidesDate: Bool
    let redirects: Frozen<Redirect>
    let retry: RetryPolicy
    let connectTimeout: UInt64
    let sendTimeout: UInt64
    let readTimeout: UInt64
    let timesUpgraded: Bool
    let passesUpgrade: Bool

    let gateway: GatewayRuntime

    init(
        _ model: ProxyPass,
        gateway: GatewayRuntime,
        ownedBy auth: GatewayAuth,
        arena: Arena
    ) throws(TLSError) {
        self.gateway = gateway
        upstream = model.upstream
        if let settings = model.tls { tls = try ClientContext(settings) } else { tls = nil }
        tlsName = model.tls == nil ? nil : model.tlsName ?? Self.host(of: model.authority)
        authority = arena.freeze(Array(model.authority.utf8))
        hasReplacementPath = model.replacementPath != nil
        replacementPath = arena.freeze(model.replacementPath ?? [])
        minorVersion = model.minorVersion
        requestFields = arena.freeze(
            model.requestFields.filter { !$0.value.isEmpty }.map {
                RequestField(
                    id: FieldID.classify($0.name.span).0,
                    field: CompiledField(name: $0.name, value: $0.value, arena: arena)
                )
            }
        )
        ownedFields = FieldNameSet(model.requestFields.map(\.name) + GatewayRuntime.ownedFields(auth), arena: arena)
        setsForwardedFields = model.setsForwardedFields
        hiddenFields = FieldNameSet(model.hiddenFields, arena: arena)
        hidesServer = model.hiddenFields.contains(Array("server".utf8))
        hidesDate = model.hiddenFields.contains(Array("date".utf8))
        redirects = arena.freeze(
            model.redirects.map {
                Redirect(from: arena.freeze($0.from), replacement: CompiledTemplate($0.replacement, arena: arena))
            }
        )
        retry = model.retry
        connectTimeout = model.connectTimeout
        sendTimeout = model.sendTimeout
        readTimeout = model.readTimeout
        timesUpgraded = model.timesUpgraded
        passesUpgrade = model.passesUpgrade
    }

    /// The authority without its port.
    private static func host(of authority: String) -> String {
        guard let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") else { return authority }
        return String(authority[..<colon])
    }
}
