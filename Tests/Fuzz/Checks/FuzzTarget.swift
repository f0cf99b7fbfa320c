/// What didn't hold for an input.
struct Broken: Error, CustomStringConvertible {
    let description: String
}

/// Insists on `condition`; the message is made only when it doesn't hold.
func hold(_ condition: Bool, _ message: @autoclosure () -> String) throws(Broken) {
    if !condition { throw Broken(description: message()) }
}

/// What can be fuzzed. The raw value names the corpus folder.
enum FuzzTarget: String, CaseIterable, Sendable {
    case requestHead = "request-head"
    case requestSplits = "request-splits"
    case proxyPrefix = "proxy-prefix"
    case responseHead = "response-head"
    case chunkedBody = "chunked-body"
    case chunkedModel = "chunked-model"
    case path
    case webSocket = "websocket"
    case configuration
    case htpasswd
    case apiKeys = "api-keys"
    case basicCredentials = "basic-credentials"
    case form
    case forwardedFor = "forwarded-for"
    case variables
    case upstreamRequest = "upstream-request"
    case clientReply = "client-reply"
    case tlsRecord = "tls-record"
    case http2Session = "http2-session"
    case proxyProtocol = "proxy-protocol"

    /// Feeds one input to the code under test; throws what didn't hold.
    func check(_ input: [UInt8]) throws(Broken) {
        switch self {
        case .requestHead: try RequestHeadCheck.check(input)
        case .requestSplits: try RequestSplitsCheck.check(input)
        case .proxyPrefix: try ProxyPrefixCheck.check(input)
        case .responseHead: try ResponseHeadCheck.check(input)
        case .chunkedBody: try ChunkedBodyCheck.check(input)
        case .chunkedModel: try ChunkedModelCheck.check(input)
        case .path: try PathCheck.check(input)
        case .webSocket: try WebSocketCheck.check(input)
        case .configuration: try ConfigurationCheck.check(input)
        case .htpasswd: try HtpasswdCheck.check(input)
        case .apiKeys: try APIKeysCheck.check(input)
        case .basicCredentials: try BasicCredentialsCheck.check(input)
        case .form: try FormCheck.check(input)
        case .forwardedFor: try ForwardedForCheck.check(input)
        case .variables: try VariablesCheck.check(input)
        case .upstreamRequest: try UpstreamRequestCheck.check(input)
        case .clientReply: try ClientReplyCheck.check(input)
        case .tlsRecord: try TLSRecordCheck.check(input)
        case .http2Session: try HTTP2SessionCheck.check(input)
        case .proxyProtocol: try ProxyProtocolCheck.check(input)
        }
    }
}
