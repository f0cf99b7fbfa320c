import HTTP

/// What a request asks for.
enum Route: Equatable {
    case live, ready, started
    case page, script, style, manifest, serviceWorker, uiConfiguration, avatar
    case chat, responses, embeddings, models, model, invokeTool, hook
    case echo, upload, slow, events
    case bytes(Int)
    case status(Int)
    case wrongMethod(allowed: String)
    case notFound

    /// The largest download, in bytes.
    static let maximumBytes = 2 << 30

    /// Finds the route by the path as it came: an encoded slash is not a slash.
    init(_ method: Method, path: String) {
        let (route, methods) = Self.find(path)
        let isAllowed: Bool
        switch methods {
        case .any: isAllowed = true
        case .read: isAllowed = method == .get || method == .head
        case .write: isAllowed = method == .post || method == .put
        }
        self = isAllowed ? route : .wrongMethod(allowed: methods == .read ? "GET, HEAD" : "POST, PUT")
    }

    private enum Methods { case any, read, write }

    private static func find(_ path: String) -> (Route, Methods) {
        switch path {
        case "/health", "/healthz": return (.live, .read)
        case "/ready", "/readyz": return (.ready, .read)
        case "/startup", "/startupz": return (.started, .read)
        case "/", "/index.html": return (.page, .read)
        case "/demo.js": return (.script, .read)
        case "/demo.css": return (.style, .read)
        case "/manifest.webmanifest": return (.manifest, .read)
        case "/sw.js": return (.serviceWorker, .read)
        case "/control-ui-config.json": return (.uiConfiguration, .read)
        case "/v1/chat/completions": return (.chat, .write)
        case "/v1/responses": return (.responses, .write)
        case "/v1/embeddings": return (.embeddings, .write)
        case "/v1/models": return (.models, .read)
        case "/v1/models/openclaw%2Fdefault", "/v1/models/openclaw%2fdefault": return (.model, .read)
        case "/tools/invoke": return (.invokeTool, .write)
        case "/upload": return (.upload, .write)
        case "/slow": return (.slow, .any)
        case "/sse": return (.events, .any)
        default: break
        }
        if path == "/echo" || path.hasPrefix("/echo/") { return (.echo, .any) }
        if path.hasPrefix("/avatar/") { return (.avatar, .read) }
        if path.hasPrefix("/hooks/") { return (.hook, .write) }
        if path.hasPrefix("/bytes/"), let count = Int(path.dropFirst(7)), (0...maximumBytes).contains(count) {
            return (.bytes(count), .read)
        }
        if path.hasPrefix("/status/"), let status = Int(path.dropFirst(8)), (200...599).contains(status) {
            return (.status(status), .any)
        }
        return (.notFound, .any)
    }

    /// What is kept of the request's body.
    var bodyUse: RequestBody.Use {
        switch self {
        case .echo, .upload: .digest
        case .chat, .responses, .embeddings: .collect(limit: 20_000_000)
        case .invokeTool: .collect(limit: 2_000_000)
        case .hook: .collect(limit: 1_000_000)
        default: .count
        }
    }

    /// Whether the caller must have proved who it is.
    var needsAuthentication: Bool {
        switch self {
        case .chat, .responses, .embeddings, .models, .model, .invokeTool: true
        default: false
        }
    }

    /// Whether the answer doesn't wait for the body.
    var answersAtOnce: Bool {
        switch self {
        case .status, .wrongMethod, .notFound: true
        default: false
        }
    }
}
