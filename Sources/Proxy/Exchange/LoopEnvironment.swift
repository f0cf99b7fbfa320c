import Access
import Bytes
import EventLoop
import HTTP
import Limits

/// What every request of one loop may look at: the time, names, spare buffers. Pinned; never leaves its loop.
struct LoopEnvironment: ~Copyable {
    /// Nanoseconds of the monotonic clock, read once a turn of the loop.
    var now: UInt64 = 0
    var time = TimeText()
    let hostname: [UInt8]
    let processID: Int
    let services: Services
    /// The `Server` field's line with the release in it.
    let serverField = ByteBuffer(Array("Server: postern/\(Version.text)\r\n".utf8))
    /// A buffer for values that are looked at and dropped.
    var scratch = ByteBuffer(capacity: 1024)
    /// What the last map's pattern matched, and in which text.
    var captures = Captures()
    var captureText = ByteBuffer()
    /// Where credentials are taken apart; wiped after each use.
    var credentials = BasicCredentials()
    /// Hashes what connections remember of credentials.
    let proofs = SipHash128()
    /// Where a log line is put together.
    var line = ByteBuffer(capacity: 1024)
    /// The page of metrics for the request that is looked at now.
    var page: MetricsPage?
    /// The state of the request identifiers' generator.
    var identifiers: IdentifierGenerator

    init(services: Services) {
        self.services = services
        hostname = services.hostname
        processID = services.processID
        identifiers = IdentifierGenerator()
    }
}

/// A request with what surrounds it. Trivial to copy; valid for one turn of the loop.
struct RequestContext {
    let exchange: Ref<Exchange>
    let environment: Ref<LoopEnvironment>

    var client: Ref<ClientConnection> { exchange.value.client }
    var now: UInt64 { environment.value.now }
    /// The server that was chosen. Only from the location phase on.
    var server: ServerRuntime { exchange.value.server!.value }
    /// The location that was chosen. Only after the location phase.
    var location: Ref<LocationRuntime> { exchange.value.location! }
}

/// Makes request identifiers: 128 bits, unguessable seed, never twice.
struct IdentifierGenerator {
    private var state: (UInt64, UInt64)

    init() {
        var generator = SystemRandomNumberGenerator()
        state = (generator.next(), generator.next() | 1)
    }

    /// The next identifier: a counter, scrambled.
    mutating func next() -> (UInt64, UInt64) {
        state.0 &+= state.1
        return (Self.scramble(state.0), Self.scramble(state.0 ^ state.1.byteSwapped))
    }

    private static func scramble(_ input: UInt64) -> UInt64 {
        var value = input
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
