import Bytes
import HTTP
import Limits

/// A location made ready for the request path. Trivial values only: reading them counts no references.
struct LocationRuntime: Sendable {
    enum Handler: UInt8 { case notFound, proxy, health, metrics, stubStatus }

    struct Limit: BitwiseCopyable, Sendable {
        /// Index into the runtime's zones.
        var zone: Int32
        var rule: LimitRule
    }

    struct ConnectionLimit: BitwiseCopyable, Sendable {
        /// Index into the runtime's connection zones.
        var zone: Int32
        var count: UInt32
    }

    struct ResponseField: BitwiseCopyable, Sendable {
        var field: CompiledField
        /// Added to replies whose status is listed (`ResponseFields.isListed`).
        var isOnListed: Bool
        /// Added to all others.
        var isOnOthers: Bool
    }

    struct AddressCheck: BitwiseCopyable, Sendable {
        enum Subject: UInt8 { case all, range, unix }
        var isAllowed: Bool
        var subject: Subject
        var range: PackedRange
    }

    struct PackedRange: BitwiseCopyable, Sendable {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var maskHigh: UInt64 = 0
        var maskLow: UInt64 = 0
    }

    struct Log: BitwiseCopyable, Sendable {
        var log: Int32
        var condition: CompiledTemplate
        var isConditional: Bool
    }

    /// A number for each distinct policy: two locations with the same number let the same callers pass.
    let policy: Int
    let matchedCount: Int
    /// The phase that a request goes on with once the location is known: the first that has something to look at.
    let firstPhase: Phase
    /// The first phase after access that it has a use for.
    let phaseAfterAccess: Phase
    let handler: Handler
    let hasReturn: Bool
    let returnStatus: Int
    let returnText: CompiledTemplate
    let returnIsRedirect: Bool
    let returnHasText: Bool
    let limits: Frozen<Limit>
    let limitStatus: Int
    let limitLogLevel: ErrorLogSettings.Level
    let limitIsDryRun: Bool
    let connectionLimits: Frozen<ConnectionLimit>
    let connectionLimitStatus: Int
    let connectionLimitLogLevel: ErrorLogSettings.Level
    let connectionLimitIsDryRun: Bool
    let addressChecks: Frozen<AddressCheck>
    /// Somebody must be proved.
    let hasAuth: Bool
    let login: LoginRuntime
    let realm: CompiledTemplate
    /// Tells clients that passwords are UTF-8, as RFC 7617 has it; Nginx doesn't.
    let announcesCharset: Bool
    let satisfiesAny: Bool
    let refusesCrossSite: Bool
    let crossSiteExceptions: Frozen<Frozen<UInt8>>
    let responseFields: Frozen<ResponseField>
    let defaultType: Frozen<UInt8>
    /// Names of response fields that take the place of the reply's own, when its status is listed.
    let replacedOnListed: FieldNameSet
    /// The same for other statuses.
    let replacedOnOthers: FieldNameSet
    let showsServerVersion: Bool
    /// Some log or field asks for a field of what goes to the client.
    let readsSentFields: Bool
    let logs: Frozen<Log>
    let largestBody: UInt64
    let bodyTimeout: UInt64
    let sendTimeout: UInt64
    let bodyRate: MinimumRate
    let sendRate: MinimumRate
    /// Valid when `handler` is `.proxy`.
    let proxy: Ref<ProxyRuntime>?

    init(
        _ model: LocationConfiguration,
        policy: Int,
        login: LoginRuntime,
        proxy: Ref<ProxyRuntime>?,
        zones: [LimitZone],
        dialect: Dialect,
        readsSentFields: Bool,
        arena: Arena
    ) {
        self.readsSentFields = readsSentFields
        self.policy = policy
        matchedCount = model.match.path.count
        self.proxy = proxy
        handler =
            switch model.handler {
            case .notFound: .notFound
            case .proxy: .proxy
            case .health: .health
            case .metrics: .metrics
            case .stubStatus: .stubStatus
            }
        (hasReturn, returnStatus, returnText, returnIsRedirect, returnHasText) = compile(model.returnRule, arena)
        limits = arena.freeze(
            model.limits.compactMap { use in
                LimitRule(rate: zones[use.zone].rate, burst: use.burst, delay: use.delay)
                    .map { Limit(zone: Int32(use.zone), rule: $0) }
            }
        )
        limitStatus = model.limitStatus
        limitLogLevel = model.limitLogLevel
        limitIsDryRun = model.limitIsDryRun
        connectionLimits = arena.freeze(
            model.connectionLimits.map { ConnectionLimit(zone: Int32($0.zone), count: $0.count) }
        )
        connectionLimitStatus = model.connectionLimitStatus
        connectionLimitLogLevel = model.connectionLimitLogLevel
        connectionLimitIsDryRun = model.connectionLimitIsDryRun
        addressChecks = arena.freeze(
            model.addressRules.map { rule in
                switch rule.subject {
                case .all: AddressCheck(isAllowed: rule.isAllowed, subject: .all, range: PackedRange())
                case .unixSockets: AddressCheck(isAllowed: rule.isAllowed, subject: .unix, range: PackedRange())
                case .range(let range):
                    AddressCheck(isAllowed: rule.isAllowed, subject: .range, range: PackedRange(range))
                }
            }
        )
        self.login = login
        hasAuth = login.isNeeded
        firstPhase =
            if hasReturn {
                .answer
            } else if !limits.isEmpty {
                .limits
            } else if !connectionLimits.isEmpty {
                .connections
            } else if hasAuth || !addressChecks.isEmpty {
                .access
            } else if model.crossSite.isDenied {
                .crossSite
            } else {
                .handler
            }
        phaseAfterAccess =
            if model.crossSite.isDenied {
                .crossSite
            } else if !limits.isEmpty || !connectionLimits.isEmpty {
                .userLimits
            } else {
                .handler
            }
        realm = model.basicAuth.map { CompiledTemplate($0.realm, arena: arena) } ?? CompiledTemplate()
        announcesCharset = dialect == .native
        satisfiesAny = model.satisfiesAny
        refusesCrossSite = model.crossSite.isDenied
        crossSiteExceptions = arena.freeze(model.crossSite.exceptions.map { arena.freeze($0) })
        responseFields = arena.freeze(
            model.responseFields.enumerated().map { index, rule in
                // Of several that replace one field, the last counts.
                let later = model.responseFields[(index + 1)...].filter { $0.replaces && $0.hasName(of: rule) }
                return ResponseField(
                    field: CompiledField(name: rule.name, value: rule.value, arena: arena),
                    isOnListed: later.isEmpty,
                    isOnOthers: rule.isAlways && !later.contains(where: \.isAlways)
                )
            }
        )
        let replacing = model.responseFields.filter(\.replaces)
        defaultType = arena.freeze(model.defaultType)
        replacedOnListed = FieldNameSet(replacing.map(\.name), arena: arena)
        replacedOnOthers = FieldNameSet(replacing.filter(\.isAlways).map(\.name), arena: arena)
        showsServerVersion = model.showsServerVersion
        logs = arena.freeze(
            model.accessLogs.map {
                Log(
                    log: Int32($0.log),
                    condition: $0.condition.map { CompiledTemplate($0, arena: arena) } ?? CompiledTemplate(),
                    isConditional: $0.condition != nil
                )
            }
        )
        largestBody = model.largestBody ?? .max
        bodyTimeout = model.bodyTimeout
        sendTimeout = model.sendTimeout
        bodyRate = model.bodyRate
        sendRate = model.sendRate
    }
}

extension LocationRuntime.PackedRange {
    init(_ range: AddressRange) {
        self.init(high: range.high, low: range.low, maskHigh: range.maskHigh, maskLow: range.maskLow)
    }

    func contains(high: UInt64, low: UInt64) -> Bool {
        high & maskHigh == self.high && low & maskLow == self.low
            && (isOfOneVersion(maskHigh, maskLow) || !isIPv4(high, low))
    }
}

/// `return`, ready for the request path: present, status, text, is a redirect, has a text.
func compile(_ rule: ReturnRule?, _ arena: Arena) -> (Bool, Int, CompiledTemplate, Bool, Bool) {
    guard let rule else { return (false, 0, CompiledTemplate(), false, false) }
    let text = rule.text.map { CompiledTemplate($0, arena: arena) } ?? CompiledTemplate()
    return (true, rule.status, text, rule.isRedirect && rule.text != nil, rule.text != nil)
}
