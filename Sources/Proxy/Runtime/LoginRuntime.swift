import Access
import HTTP

/// What a location asks of its callers, made ready for the request path. Trivial values only.
struct LoginRuntime: BitwiseCopyable, Sendable {
    /// Index into the runtime's password files; -1 for none.
    let passwordFile: Int
    /// What sessions call that file.
    let realm: Int32
    /// Index into the runtime's key files; -1 for none.
    let keyFile: Int
    /// A login mints a cookie, and such a cookie is a login.
    let hasSession: Bool
    let timeout: Int64
    let idle: Int64
    let maxConcurrent: Int
    let evictsOldest: Bool
    let isSameSiteStrict: Bool
    let hasForm: Bool
    let pairsDevices: Bool
    let pairing: DevicePolicy
    let limitsFailures: Bool
    let failures: FailurePolicy
    let openMethods: OpenMethods

    init(_ model: LocationConfiguration, realm: Int32) {
        let identity = model.identity
        passwordFile = model.basicAuth?.file ?? -1
        self.realm = realm
        keyFile = identity.keyFile ?? -1
        let session = identity.session ?? SessionRules()
        hasSession = identity.session != nil && model.basicAuth != nil
        timeout = Int64(session.timeout / 1_000_000)
        idle = Int64(session.idle / 1_000_000)
        maxConcurrent = session.maxConcurrent
        evictsOldest = session.evictsOldest
        isSameSiteStrict = session.sameSite == .strict
        hasForm = identity.hasLoginForm && hasSession
        pairsDevices = identity.pairing != nil
        let pairing = identity.pairing ?? PairingRules()
        self.pairing = DevicePolicy(
            timeout: Int64(pairing.timeout / 1_000_000),
            maxPending: pairing.maxPending,
            autoApproves: pairing.approvesAll
        )
        limitsFailures = identity.failures != nil
        let failures = identity.failures ?? FailureRules()
        self.failures = FailurePolicy(
            count: UInt32(clamping: failures.count),
            window: Int64(failures.window / 1_000_000),
            lock: Int64(failures.lock / 1_000_000)
        )
        openMethods = OpenMethods(identity.openMethods)
    }

    var hasPasswords: Bool { passwordFile >= 0 }
    var hasKeys: Bool { keyFile >= 0 }
    var isNeeded: Bool { hasPasswords || hasKeys }

    var sessionPolicy: SessionPolicy {
        SessionPolicy(timeout: timeout, idle: idle, maxConcurrent: maxConcurrent, evictsOldest: evictsOldest)
    }
}

/// Methods that need no login: a bit for each that is known, and one for all others.
struct OpenMethods: BitwiseCopyable, Sendable {
    private var bits: UInt16 = 0
    private static var webSocket: UInt16 { 1024 }

    /// `*` stands for all of them, `WEBSOCKET` for an upgrade to that.
    init(_ names: [String]) {
        for name in names {
            switch name {
            case "*": bits = .max
            case "WEBSOCKET": bits |= Self.webSocket
            default: bits |= Self.bit(Method(Array(name.utf8).span))
            }
        }
    }

    /// Whether a request needs no login here.
    @inline(__always)
    func contains(_ method: Method, isWebSocket: Bool) -> Bool {
        bits != 0 && bits & (isWebSocket ? Self.webSocket : Self.bit(method)) != 0
    }

    private static func bit(_ method: Method) -> UInt16 {
        switch method {
        case .get: 1
        case .head: 2
        case .options: 4
        case .post: 8
        case .put: 16
        case .delete: 32
        case .patch: 64
        case .connect: 128
        case .trace: 256
        case .other: 512
        }
    }
}
