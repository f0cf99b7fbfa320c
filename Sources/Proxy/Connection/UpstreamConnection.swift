import Bytes
import EventLoop
import HTTP
import Upstream

/// A connection to a gateway.
///
/// ```
/// connecting ─▶ securing ─▶ active ─▶ idle ─▶ active …
///                             └─▶ tunneling
/// ```
struct UpstreamConnection: ~Copyable {
    enum State: UInt8 {
        case free, connecting
        /// TLS is being agreed on.
        case securing
        /// Carries a request.
        case active
        /// Bytes both ways after 101.
        case tunneling
        /// Waits in the pool.
        case idle
    }

    var state = State.free
    var slot: UInt32 = 0
    var token = Token(bits: 0)
    var timer = TimerID(index: .max)
    var transport = Transport()
    /// The worker's slot of the group it belongs to.
    var group: UInt32 = 0
    var peer = PeerIndex(0)
    var address = SocketAddress(ipv4: 0, port: 0)
    var exchange: Ref<Exchange>?
    /// The other end of an upgraded connection.
    var tunnel: Ref<ClientConnection>?
    /// The longest an upgraded connection may be silent, in nanoseconds; zero for no bound.
    var tunnelTimeout: UInt64 = 0
    /// Where the upstream's frames end on an upgraded connection.
    var frames = FrameBoundary()
    /// Our side of an upgraded connection has ended.
    var isHalfClosed = false
    /// Part of the reply that is read and not yet taken.
    var input = ByteBuffer()
    /// Part of the request that waits to be written.
    var output = ByteBuffer()
    var parser = ResponseHeadParser()
    var isReadable = false
    var isWritable = false
    var isPeerClosed = false
    /// Reading waits until the client has taken what was read.
    var isReadingPaused = false
    /// Its reply has had its share of the turn: the client stands in the worker's list, and there is more to read.
    var hasYielded = false
    var requestsServed = 0
    var openedAt: UInt64 = 0
    /// Bytes written for the request under way.
    var bytesTaken = 0
    /// Bytes that came once the connection was upgraded.
    var bytesTunneled: UInt64 = 0
    /// Bytes written for earlier requests.
    var bytesBefore: UInt64 = 0
    /// It came out of the pool.
    var isReused = false
    /// The turn of the loop in which it came out of the pool.
    var takenInTurn: UInt64 = 0
    /// Stands in the worker's list of requests to write.
    var isWritePending = false
    /// A byte of the reply has come.
    var hasReply = false
    /// When the first byte came of the head that is still incomplete; zero when there is none.
    var headStartedAt: UInt64 = 0

    /// Makes the slot a fresh connection.
    mutating func open(
        slot: UInt32,
        token: Token,
        group: UInt32,
        peer: PeerIndex,
        address: SocketAddress,
        now: UInt64
    ) {
        state = .connecting
        self.slot = slot
        self.token = token
        self.group = group
        self.peer = peer
        self.address = address
        parser.reset()
        isReadable = false
        isWritable = false
        isPeerClosed = false
        isReadingPaused = false
        hasYielded = false
        requestsServed = 0
        openedAt = now
        bytesTaken = 0
        bytesTunneled = 0
        bytesBefore = 0
        isReused = false
        isWritePending = false
        hasReply = false
        headStartedAt = 0
        tunnelTimeout = 0
        isHalfClosed = false
    }
}
