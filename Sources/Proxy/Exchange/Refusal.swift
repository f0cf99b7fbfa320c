/// Why a request was not forwarded, in words that stand in the logs and in `$postern_refusal`.
enum Refusal: UInt8 {
    case none
    case badRequest, malformedPath, ambiguousPath, noSuchLocation
    case rateLimited, connectionsLimited, addressDenied, crossSite, misdirected
    case certificateMissing, certificateUntrusted
    case credentialsMissing, credentialsWrong, credentialsRepeated, hashQueueFull, passwordFileUnavailable
    case keyUnknown, keyMalformed, keyExpired, keyLimited, keyFileUnavailable
    case permissionMissing, devicePending, sessionsLimited, locked, revoked
    case bodyTooLarge, requestTimedOut, clientTooSlow, upstreamFailed, clientGone

    var text: StaticString {
        switch self {
        case .none: ""
        case .badRequest: "bad-request"
        case .malformedPath: "malformed-path"
        case .ambiguousPath: "ambiguous-path"
        case .noSuchLocation: "no-such-location"
        case .rateLimited: "rate-limited"
        case .connectionsLimited: "connections-limited"
        case .addressDenied: "address-denied"
        case .crossSite: "cross-site"
        case .misdirected: "misdirected"
        case .certificateMissing: "certificate-missing"
        case .certificateUntrusted: "certificate-untrusted"
        case .credentialsMissing: "credentials-missing"
        case .credentialsWrong: "credentials-wrong"
        case .credentialsRepeated: "credentials-repeated"
        case .hashQueueFull: "hash-queue-full"
        case .passwordFileUnavailable: "password-file-unavailable"
        case .keyUnknown: "key-unknown"
        case .keyMalformed: "key-malformed"
        case .keyExpired: "key-expired"
        case .keyLimited: "key-limited"
        case .keyFileUnavailable: "key-file-unavailable"
        case .permissionMissing: "permission-missing"
        case .devicePending: "device-pending"
        case .sessionsLimited: "sessions-limited"
        case .locked: "locked"
        case .revoked: "revoked"
        case .bodyTooLarge: "body-too-large"
        case .requestTimedOut: "request-timed-out"
        case .clientTooSlow: "client-too-slow"
        case .upstreamFailed: "upstream-failed"
        case .clientGone: "client-gone"
        }
    }
}
