import Access
import Bytes
import EventLoop
import HTTP
import Upstream

/// One request and its reply, from the head's first byte to the log line. That of a WebSocket lasts as long as it is open.
struct Exchange: ~Copyable {
    enum Progress: UInt8 {
        case free
        /// The head is coming.
        case receiving
        /// Walks through the phases.
        case deciding
        /// A decision is awaited: a delay, a password hash.
        case suspended
        /// An upstream is being reached, or its reply's head awaited.
        case awaitingHead
        /// The reply goes to the client.
        case responding
        /// Everything of the reply is in the client's output.
        case done
        /// Its connection was upgraded, and is open.
        case upgraded
    }

    /// How the rest of the request's body comes.
    enum RequestBody {
        case none
        case length(UInt64)
        case chunked
        /// Until the HTTP/2 stream's end.
        case streamed
        /// All of it has been read.
        case complete
        /// Nobody wants it: the reply was made without it.
        case discarded
    }

    /// How the reply's body comes from upstream.
    enum ReplyBody {
        case none
        case length(UInt64)
        case chunked
        case untilClose
        case complete
    }

    /// How the reply's body goes to the client.
    enum ReplyFraming: UInt8 {
        case none, length, chunked, untilClose
        /// The HTTP/2 stream's end.
        case stream
    }

    var progress = Progress.free
    var slot: UInt32 = 0
    var token = Token(bits: 0)
    var client: Ref<ClientConnection>
    var upstream: Ref<UpstreamConnection>?
    var server: Ref<ServerRuntime>?
    var location: Ref<LocationRuntime>?
    var phase = Phase.server

    // The request. Ranges in `head` lie in `headBytes`.
    var head = RequestHead()
    var headBytes = ByteBuffer()
    /// The normalized path, when it isn't the path as it came.
    var normalizedPath = ByteBuffer()
    var hasNormalizedPath = false
    var requestBody = RequestBody.none
    var requestDecoder = ChunkedDecoder()
    /// The body's bytes that came with the head, kept until the reply begins so that the request can be repeated.
    var isReplayable = true
    var replayBody = ByteBuffer()
    var bodyBytesRead: UInt64 = 0
    /// How the client sends the body.
    var sending = ClientProgress()
    var requestBytes: UInt64 = 0
    /// The peer is one whose word about addresses counts.
    var isPeerTrusted = false
    /// Who sent it, after `real_ip`.
    var remote = SocketAddress(ipv4: 0, port: 0)
    var id: (UInt64, UInt64) = (0, 0)
    var startedAt: UInt64 = 0

    // Decisions.
    /// Who calls, once that is decided. The name, if there is one, is in `user`.
    var principal = Principal()
    var user = ByteBuffer()
    var hasUser = false
    /// A page of Postern's own is asked for.
    var ownPage = OwnPage.none
    /// The form that came for it, and whether more of it is waited for. Wiped.
    var form = ByteBuffer()
    var awaitsForm = false
    /// What the client's `Authorization` holds is Postern's own business: the gateway doesn't get it.
    var hidesAuthorization = false
    /// The same of a key, which no gateway gets, whatever else a configuration passes on.
    var hidesKey = false
    /// A `Cookie` field that holds one of our cookies and nothing else; -1 while none is known.
    var ownCookieField = -1
    /// Some other reading of the path is a different path.
    var isPathAmbiguous = false
    var pathFacts: PathFacts = []
    /// `Set-Cookie` lines for the reply, complete.
    var setCookies = ByteBuffer()
    /// The body of a reply that a phase has made.
    var ownBody = ByteBuffer()
    var refusal = Refusal.none
    var limitOutcome = LimitOutcome.none
    var connectionOutcome = ConnectionOutcome.none
    /// What it counts for as long as it is under way.
    var held = HeldCounts()
    /// What the limit that is closest to its end says: for RateLimit fields.
    var rateLimit = RateLimitState()
    /// What was found out about the upstreams, for `/.postern/ready`.
    var readiness: Bool?
    /// Sessions and the like can't be kept at this moment; known with `readiness`.
    var isStateFailing = false
    /// Until when it waits for a file of users or keys to be read, in nanoseconds, and for which it does at this moment; 0
    /// before it did.
    var passwordDeadline: UInt64 = 0
    var awaitedFile = AwaitedFile.none
    /// The hash that decides about the password, and what it brought.
    var hashJob: HashJob?
    var hashOutcome: HashVerdict = .none

    // The attempts.
    /// The worker's slot of the upstream's group.
    var group: UInt32 = 0
    var tried = TriedSet()
    var attempts = 0
    var firstAttemptAt: UInt64 = 0
    var attemptStartedAt: UInt64 = 0
    var connectedAt: UInt64 = 0
    var headReceivedAt: UInt64 = 0
    var lastUpstreamStatus = 0
    var upstreamEndedAt: UInt64 = 0
    /// Bytes of the reply's body; of all that came, until its head is complete.
    var upstreamBytes: UInt64 = 0
    /// Bytes of the reply's head, once it is complete, and of what came over an upgraded connection, which is no body.
    var upstreamHeadBytes: UInt64 = 0
    /// Bytes written upstream in an attempt that has ended.
    var upstreamBytesSent: UInt64 = 0
    var lastUpstreamAddress: SocketAddress?
    /// Attempts before the present one, the first `attemptLimit - 1` of them.
    var earlierAttempts: [UpstreamAttempt] = []
    var lastFailure: UpstreamFailure?
    var passesUpgrade = false

    // The reply.
    var reply = ResponseHead()
    /// The reply's head, kept where a log or a field rule asks for it.
    var replyBytes = ByteBuffer()
    /// The fields of the head that went to the client, kept where a log or a field rule asks for it.
    var sentFields = ByteBuffer()
    var replyBody = ReplyBody.none
    var replyDecoder = ChunkedDecoder()
    var replyFraming = ReplyFraming.none
    /// The reply is a stream of server-sent events, which may trickle.
    var isEventStream = false
    var status = 0
    var interimReplies = 0
    var sentContinue = false
    var isHeadSent = false
    var keepsAlive = false
    var bytesSent: UInt64 = 0
    var bodyBytesSent: UInt64 = 0
    /// Bytes that the connection had sent, or was to send, when it was upgraded.
    var bytesBeforeUpgrade: UInt64 = 0
    var timer = TimerID(index: .max)

    init(client: Ref<ClientConnection>) { self.client = client }

    /// The configuration it runs under: its client's, which changes between requests only.
    var runtime: Runtime? { client.value.runtime }

    /// It came over HTTP/2.
    var isStream: Bool { client.value.isStream }

    /// It asks for a WebSocket on an HTTP/2 stream (RFC 8441).
    var isExtendedConnect: Bool { client.value.transport.stream?.isExtendedConnect ?? false }

    /// The rest of its body comes until the stream ends.
    var isStreamed: Bool { if case .streamed = requestBody { true } else { false } }

    /// The phase after this one, those left out that its location has no use for.
    var nextPhase: Phase? {
        if let location {
            if phase == .location { return ownPage == .none ? location.value.firstPhase : .limits }
            if phase == .access { return location.value.phaseAfterAccess }
        }
        return phase.next
    }

    /// Some of the request's body is still to come.
    var awaitsRequestBody: Bool {
        switch requestBody {
        case .length, .chunked, .streamed: true
        case .none, .complete, .discarded: false
        }
    }

    /// Readies the slot for a client's next request.
    mutating func begin(
        slot: UInt32,
        token: Token,
        client: Ref<ClientConnection>
    ) {
        self.slot = slot
        self.token = token
        self.client = client
        progress = .receiving
    }

    /// Makes it as new, keeping the storage it has.
    mutating func reset() {
        progress = .free
        upstream = nil
        server = nil
        location = nil
        phase = .server
        head.reset()
        hasNormalizedPath = false
        requestBody = .none
        isReplayable = true
        bodyBytesRead = 0
        sending = ClientProgress()
        requestBytes = 0
        isPeerTrusted = false
        principal = Principal()
        hasUser = false
        ownPage = .none
        if form.hasStorage {
            form.wipe()
            form = ByteBuffer()
        }
        awaitsForm = false
        hidesAuthorization = false
        hidesKey = false
        ownCookieField = -1
        isPathAmbiguous = false
        if !setCookies.isEmpty {
            setCookies.wipe()
            ownBody.clear()
        }
        if !ownBody.isEmpty { ownBody = ByteBuffer() }
        refusal = .none
        limitOutcome = .none
        connectionOutcome = .none
        rateLimit = RateLimitState()
        readiness = nil
        isStateFailing = false
        passwordDeadline = 0
        awaitedFile = .none
        hashJob = nil
        hashOutcome = .none
        tried.removeAll()
        attempts = 0
        firstAttemptAt = 0
        attemptStartedAt = 0
        connectedAt = 0
        headReceivedAt = 0
        lastUpstreamStatus = 0
        upstreamEndedAt = 0
        upstreamBytes = 0
        upstreamHeadBytes = 0
        upstreamBytesSent = 0
        lastUpstreamAddress = nil
        if !earlierAttempts.isEmpty { earlierAttempts.removeAll(keepingCapacity: true) }
        lastFailure = nil
        passesUpgrade = false
        // What this reply said must not be told of the slot's next one.
        if reply.fields.count > 0 { reply.reset() }
        replyBytes.clear()
        sentFields.clear()
        replyBody = .none
        replyFraming = .none
        isEventStream = false
        status = 0
        interimReplies = 0
        sentContinue = false
        isHeadSent = false
        keepsAlive = false
        bytesSent = 0
        bodyBytesSent = 0
        bytesBeforeUpgrade = 0
    }

    /// The path that locations are chosen by.
    func withPath<Result>(_ body: (borrowing Span<UInt8>) -> Result) -> Result {
        if hasNormalizedPath { return body(normalizedPath.readable) }
        return body(headBytes.written.extracting(head.path.range))
    }
}

/// The outcome of a password check that was handed to the hashing threads.
enum HashVerdict: UInt8 { case none, matches, differs, shed }

/// Which file a request waits for.
enum AwaitedFile: UInt8 { case none, passwords, keys }

/// A page that Postern answers for itself.
enum OwnPage: UInt8 { case none, login, logout }

/// `$limit_req_status`
enum LimitOutcome: UInt8 {
    case none, passed, delayed, rejected, delayedDryRun, rejectedDryRun

    var text: StaticString {
        switch self {
        case .none: ""
        case .passed: "PASSED"
        case .delayed: "DELAYED"
        case .rejected: "REJECTED"
        case .delayedDryRun: "DELAYED_DRY_RUN"
        case .rejectedDryRun: "REJECTED_DRY_RUN"
        }
    }
}

/// What the client is told about the limit that it is closest to.
struct RateLimitState: BitwiseCopyable {
    var isKnown = false
    var remaining: UInt32 = 0
    /// Nanoseconds until the whole burst is there again.
    var resetAfter: UInt64 = 0
    var limit: UInt32 = 0
    /// Nanoseconds of the policy's window.
    var window: UInt64 = 0
}
