import Access
import Bytes
import EventLoop
import HTTP
import Limits

/// A client's connection, or one HTTP/2 stream of it: a stream is a client of its own, whose transport is the stream.
///
/// ```
/// (introducing ─▶) handshaking ─▶ reading ─▶ exchanging ─▶ reading …          keep-alive
///                                               │  └─▶ tunneling              101
///                                               └─▶ lingering ─▶ (freed)      the answer is out, the rest is drained
///                   └─▶ multiplexing                          HTTP/2: its streams are clients of their own
/// ```
struct ClientConnection: ~Copyable {
    enum State: UInt8 {
        case free
        /// The PROXY protocol's header is awaited.
        case introducing
        /// TLS is being agreed on.
        case handshaking
        /// Waits for a request head, or for the rest of one.
        case reading
        /// A request is under way.
        case exchanging
        /// Bytes both ways after 101.
        case tunneling
        /// Everything is written and our side ended; reads until the peer ends too, so that it gets our last words. A stream
        /// waits until its last frames are out.
        case lingering
        /// Speaks HTTP/2.
        case multiplexing
    }

    var state = State.free
    var slot: UInt32 = 0
    var token = Token(bits: 0)
    var timer = TimerID(index: .max)
    var transport = Transport()
    /// The listener it came by.
    var listener: ListenerRuntime?
    /// The configuration that requests run under; a newer one is taken over between two of them.
    var runtime: Runtime?
    /// The worker's groups for the upstreams of `runtime`.
    var groups: GroupMap?
    /// What chooses the server of a request. Lives in `runtime`.
    var choice: Ref<ServerChoice>?
    /// The server of the listener that bounds and waits are taken from until a request's own is known. Lives in `runtime`.
    var defaultServer: Ref<ServerRuntime>?
    var peer = SocketAddress(ipv4: 0, port: 0)
    /// `peer` in words, once a request asked for them.
    var peerText = ByteBuffer()
    var local: SocketAddress?
    /// It began with a header of the PROXY protocol; `relayed` is what that said, if anything.
    var isIntroduced = false
    var relayed: RelayedAddresses?
    /// The address that it counts for, once it does.
    var addressKey: LimitKey?

    /// What its handshake had to meet.
    var handshakePolicy = HandshakePolicy.none
    /// The credentials it proved last.
    var proved = ProvedCredential()
    /// The API key it proved last.
    var key = ProvedKey()
    /// The session it proved last.
    var login = ConnectionLogin()
    /// The device whose cookie it showed last.
    var device = ProvedDevice()

    /// Bytes read and not yet taken.
    var input = ByteBuffer()
    /// Bytes that wait to be written.
    var output = ByteBuffer()
    var parser = RequestHeadParser()
    /// There may be more to read: an edge came and no read has drained it yet.
    var isReadable = false
    /// The socket takes bytes, as far as is known.
    var isWritable = true
    /// The peer has ended its side.
    var isPeerClosed = false
    /// End the connection when `output` is empty.
    var closesWhenFlushed = false
    /// The first byte of a head came at this time; zero while none has.
    var headStartedAt: UInt64 = 0
    var acceptedAt: UInt64 = 0
    var requestCount = 0
    /// Bytes written so far, of all requests.
    var bytesWritten: UInt64 = 0
    var exchange: Ref<Exchange>?
    /// The other end of an upgraded connection.
    var tunnel: Ref<UpstreamConnection>?
    /// Whom its open stream belongs to, where that one may be locked out meanwhile.
    var caller: GuardedCaller?
    /// Its slot stands in the worker's list of such.
    var isWatched = false
    /// How the client takes what is written.
    var reading = ClientProgress()
    /// A number for logs.
    var serial: UInt64 = 0
    /// Bytes read while lingering, which are bounded.
    var lingered = 0
    /// Stands in the worker's list of clients to look after.
    var isScheduled = false

    // HTTP/2.
    /// The connection that carries this stream; nil for what is a connection itself.
    var parent: Ref<ClientConnection>?
    /// The streams under way on this connection, a doubly linked list.
    var firstStream: Ref<ClientConnection>?
    var nextStream: Ref<ClientConnection>?
    var previousStream: Ref<ClientConnection>?
    /// The protocol's state on this connection.
    var session: HTTP2Session?
    /// Stands in the worker's list of connections that have frames to send.
    var isSendPending = false
    /// The turn of the loop in which its frames had their share.
    var yieldedInTurn: UInt64 = 0
    /// The turn of the loop that `requestShare` is for.
    var requestShareTurn: UInt64 = 0
    /// Requests that it may still begin in that turn.
    var requestShare = 0
    /// A head that it sent was refused.
    var hasSentRefusedHead = false
    /// No stream has been under way since then; 0 while one is.
    var idleSince: UInt64 = 0
    /// It was asked to open no more streams at about this time; 0 if it wasn't, or none ran since.
    var noticedAt: UInt64 = 0

    /// Whether it is one stream of a connection.
    var isStream: Bool { parent != nil }

    /// Makes the slot a fresh connection.
    mutating func open(
        slot: UInt32,
        token: Token,
        peer: SocketAddress,
        listener: ListenerRuntime,
        runtime: Runtime,
        groups: GroupMap,
        now: UInt64
    ) {
        self.listener = listener
        choice = listener.choice
        self.runtime = runtime
        self.groups = groups
        defaultServer = runtime.servers[listener.model.defaultServer]
        begin(slot: slot, token: token, peer: peer, now: now)
    }

    /// Makes the slot a stream of a connection.
    mutating func open(slot: UInt32, token: Token, parent: Ref<ClientConnection>, now: UInt64) {
        listener = parent.value.listener
        choice = parent.value.choice
        runtime = parent.value.runtime
        groups = parent.value.groups
        defaultServer = parent.value.defaultServer
        begin(slot: slot, token: token, peer: parent.value.peer, now: now)
        self.parent = parent
        isIntroduced = parent.value.isIntroduced
        relayed = parent.value.relayed
        serial = parent.value.serial
    }

    private mutating func begin(slot: UInt32, token: Token, peer: SocketAddress, now: UInt64) {
        state = .reading
        self.slot = slot
        self.token = token
        self.peer = peer
        peerText.clear()
        acceptedAt = now
        local = nil
        handshakePolicy = .none
        isIntroduced = false
        relayed = nil
        reading = ClientProgress()
        parser.reset()
        isReadable = false
        isWritable = true
        isPeerClosed = false
        closesWhenFlushed = false
        headStartedAt = 0
        requestCount = 0
        bytesWritten = 0
        lingered = 0
        isSendPending = false
        hasSentRefusedHead = false
        idleSince = 0
        noticedAt = 0
    }
}

extension Ref where Value == ClientConnection {
    /// The connection: itself, or the one that carries this stream.
    var connection: Ref<ClientConnection> { value.parent ?? self }
}
