import ConfigSyntax
import Limits
import Proxy
import TLS
import Upstream

/// What the directives of one block said about handling requests; nil where they said nothing.
///
/// A lower level that says nothing takes what the level above says (`Scope.effective`). Times in nanoseconds.
struct LevelSettings {
    // Proxying.
    var connectTimeout: Setting<UInt64>?
    var proxySendTimeout: Setting<UInt64>?
    var readTimeout: Setting<UInt64>?
    var minorVersion: Setting<Int>?
    var requestFields: [FieldDraft]?
    var hiddenFields: [String]?
    var passedFields: [String]?
    var redirects: [RedirectDraft]?
    var retryConditions: Setting<RetryPolicy.Conditions>?
    var retryTries: Setting<Int>?
    var retryTimeout: Setting<UInt64>?

    // TLS towards upstreams.
    var upstreamName: Setting<String>?
    var upstreamVerify: Setting<Bool>?
    var upstreamAuthorities: Setting<String>?
    var upstreamDepth: Setting<Int>?
    var upstreamProtocols: Setting<Set<TLSProtocol>>?
    var upstreamCiphers: Setting<String>?
    var upstreamCertificate: Setting<String>?
    var upstreamKey: Setting<String>?

    // Limits.
    var limits: [LimitDraft]?
    var limitStatus: Setting<Int>?
    var limitLogLevel: Setting<ErrorLogSettings.Level>?
    var limitDryRun: Setting<Bool>?

    var connectionLimits: [ConnectionLimitDraft]?
    var connectionLimitStatus: Setting<Int>?
    var connectionLimitLogLevel: Setting<ErrorLogSettings.Level>?
    var connectionLimitDryRun: Setting<Bool>?

    // Access.
    var addressRules: [AddressRule]?
    var realm: Setting<RealmDraft>?
    var passwordFile: Setting<String>?
    var satisfiesAny: Setting<Bool>?
    var crossSite: Setting<CrossSiteRule>?

    // Callers; nil inside: off.
    var keyFile: Setting<String?>?
    var session: Setting<SessionRules?>?
    var loginForm: Setting<Bool>?
    var pairing: Setting<PairingRules?>?
    var failures: Setting<FailureRules?>?
    var gatewayAuth: Setting<GatewayAuth>?

    // Responses.
    var responseFields: [ResponseFieldDraft]?
    var showsVersion: Setting<Bool>?
    var defaultType: Setting<String>?
    var securityHeaders: Setting<SecurityHeaders>?

    // Logs.
    var accessLogs: [AccessLogDraft]?

    // The client's side.
    var largestBody: Setting<UInt64>?
    var bodyTimeout: Setting<UInt64>?
    var sendTimeout: Setting<UInt64>?
    var headerTimeout: Setting<UInt64>?
    var keepaliveTimeout: Setting<UInt64>?
    var keepaliveRequests: Setting<Int>?
    var headBuffer: Setting<UInt64>?
    var largeHeadBuffers: Setting<HeadBuffers>?
    var fieldCount: Setting<Int>?
    var keepsUnderscores: Setting<Bool>?
    var mergesSlashes: Setting<Bool>?
    var clientConnections: Setting<ClientConnectionLimit?>?
    var bodyRate: Setting<MinimumRate>?
    var sendRate: Setting<MinimumRate>?

    // Real addresses.
    var trusted: [TrustedPeer]?
    var realIPHeader: Setting<RealIPSettings.Header>?
    var realIPRecursive: Setting<Bool>?

    // TLS towards clients.
    var certificates: [Setting<String>]?
    var keys: [Setting<String>]?
    var protocols: Setting<Set<TLSProtocol>>?
    var ciphers: Setting<String>?
    var cipherSuites: Setting<String>?
    var prefersServerCiphers: Setting<Bool>?
    var groups: Setting<String?>?
    var sessionCache: Setting<SessionCache>?
    var sessionTimeout: Setting<Int>?
    var tickets: Setting<Bool>?
    var stapleFile: Setting<String>?
    var rejectsHandshake: Setting<Bool>?
    var clientVerification: Setting<ClientVerification>?
    var clientAuthorities: Setting<String>?
    var clientTrusted: Setting<String>?
    var clientRevocations: Setting<String>?
    var clientDepth: Setting<Int>?
    var staples: Setting<Bool>?
    var http2: Setting<Bool>?
    var http2Streams: Setting<Int>?
    var http2Chunk: Setting<UInt64>?
    var http2Window: Setting<UInt64>?
}

/// `proxy_set_header NAME VALUE`.
struct FieldDraft {
    let name: Word
    let value: Word
}

/// `proxy_redirect`: a rule, the default one, or none.
enum RedirectDraft {
    case off
    case standard
    case rule(from: Word, to: Word)
}

/// `limit_req`: a use of a zone.
struct LimitDraft {
    enum Zone {
        /// `zone=NAME`
        case named(Word)
        /// `rate=… per=…`: one of the directive's own, by index into the builder's zones.
        case own(Int)
    }

    let zone: Zone
    let burst: UInt32
    let delay: LimitDelay
    let range: SourceRange
}

/// `auth_basic`.
enum RealmDraft {
    case off
    case realm(Word)
}

/// `add_header NAME VALUE [always]`.
struct ResponseFieldDraft {
    let name: Word
    let value: Word
    let isAlways: Bool
    let range: SourceRange
}

/// `security_headers`.
struct SecurityHeaders: Equatable {
    enum Grade {
        case off
        case basic
        case strict
    }

    var grade: Grade
    /// Seconds for Strict-Transport-Security; nil leaves it out.
    var transportSeconds: UInt64?
}

/// `access_log`.
enum AccessLogDraft {
    case off
    case file(path: String, format: Word?, condition: Word?, range: SourceRange)
}

/// `large_client_header_buffers COUNT SIZE`.
struct HeadBuffers {
    let count: Int
    let size: UInt64
}

/// `set_real_ip_from`.
enum TrustedPeer {
    case range(AddressRange)
    case unixSockets
}
