/// The way of a request, in order. Each phase is a small type that answers with a decision and does no I/O.
enum Phase: UInt8, CaseIterable {
    /// Who answers: the virtual server, and whose address the request has.
    case server
    /// Which rules hold: the location, on one reading of the path.
    case location
    /// `return`
    case answer
    /// `limit_req`, but for limits of users
    case limits
    /// `limit_conn`, but for limits of users
    case connections
    /// `allow`, `deny`, and who calls: key, session, password, device, permission
    case access
    /// `cross_site`
    case crossSite
    /// `limit_req` and `limit_conn` of the proved user
    case userLimits
    /// The handler: forward, or answer by itself.
    case handler

    /// The one that follows where none is left out.
    var next: Phase? {
        switch self {
        case .server: .location
        case .location: .answer
        case .answer: .limits
        case .limits: .connections
        case .connections: .access
        case .access: .crossSite
        case .crossSite: .userLimits
        case .userLimits: .handler
        case .handler: nil
        }
    }
}

/// What a phase answers.
enum Decision {
    /// Nothing against it: on to the next phase.
    case next
    /// Answer with this; no later phase runs.
    case respond(Reply)
    /// The answer takes a while.
    case suspend(Suspension)
    /// The request goes to the upstream of its location.
    case forward
}

/// What a suspended request waits for.
enum Suspension {
    /// The time, in nanoseconds of the monotonic clock; then the next phase runs.
    case until(UInt64)
    /// The users or keys, which have changed, to be read, for a bounded time; then the phase runs again.
    case file
    /// The rest of a form's body; then the phase runs again.
    case form
    /// The verdict of the hashing threads; then the phase runs again.
    case hashing
    /// What is found out about the upstreams; then the phase runs again.
    case readiness
    /// A page of metrics; then the phase runs again.
    case metrics
}

/// An answer that Postern makes by itself.
struct Reply: BitwiseCopyable {
    enum Body: UInt8 {
        /// A short text that names the status, plain or JSON by `Accept`.
        case standard
        /// The text of the location's or server's `return`.
        case template
        /// `healthy\n`
        case healthy
        /// What `/.postern/ready` says.
        case ready, notReady
        /// What is counted, as Prometheus reads it.
        case metrics
        /// As Nginx's `stub_status` has it.
        case stubStatus
        /// A redirect to the same host and target over https.
        case toHTTPS
        /// A client spoke plain HTTP to a TLS port.
        case plainHTTP
        /// A client showed no certificate, or none that verifies.
        case certificateMissing, certificateUntrusted
        /// As `standard`, with the words that the exchange's `ownBody` holds.
        case detailed
        /// HTML, or JSON, that `ownBody` holds.
        case page, json
        /// A redirect to the target that `ownBody` holds.
        case location
    }

    var status: Int
    var body = Body.standard
    var template = CompiledTemplate()
    /// `template` is the `Location`, not the body.
    var isRedirect = false
    /// Seconds; zero for no `Retry-After`.
    var retryAfter = 0
    /// Adds `WWW-Authenticate` with the location's realm.
    var challenges = false
    /// The connection ends after it.
    var closes = false

    init(_ status: Int) { self.status = status }
}
