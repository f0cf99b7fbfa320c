import Bytes
import Crypto
import EventLoop
import HTTP
import Synchronization

/// One client connection.
///
///     head ─▶ body ─▶ reply ─▶ head …
///       └──────────────┴──▶ webSocket
///     any ─▶ closing ─▶ lingering
///
/// Each step does a bounded amount of work. Nothing is read while more than `highWater` bytes wait to be written, and no
/// reply is made ahead of that, so a peer that doesn't read costs no more than that.
final class Connection {
    /// What the loop has to do after a turn.
    enum Turn {
        /// Wait for an event, or for the deadline in nanoseconds.
        case waits(UInt64?)
        /// Come again soon.
        case hasMore
        case isClosed
    }

    enum Phase {
        case head
        case body
        case reply(Producer)
        case webSocket
        /// What is left to write goes out, then the connection closes.
        case closing
        /// Our side is shut; the rest of what the peer sends is dropped, so that no reset destroys the answer.
        case lingering
        case closed
    }

    /// Bytes that may wait to be written before reading and producing pause.
    static let highWater = 256 * 1024
    static let inputCapacity = 64 * 1024
    /// Bytes moved in a turn before other connections get theirs.
    private static let turnBudget = 1024 * 1024

    let socket: OwnedDescriptor
    let peer: SocketAddress
    /// Counts connections from one.
    let number: Int
    let timer: TimerID
    let options: DemoGateway.Options
    let counters: DemoGateway.Counters
    var isGatewayReady = true

    var phase = Phase.head
    var input = ByteBuffer()
    var output = ByteBuffer()
    private var canRead = true
    private var canWrite = true
    var peerHasEnded = false
    private var budget = 0
    /// When the current phase gives up, in nanoseconds; nil for never.
    var deadline: UInt64?

    // The request under way.
    var parser = RequestHeadParser()
    var head = RequestHead(fieldCapacity: 128)
    var request = Request()
    var route = Route.notFound
    var body = RequestBody()
    var closesAfterReply = false
    /// Requests on this connection so far.
    var requestCount = 0

    var webSocket: WebSocketState?

    init(
        socket: consuming OwnedDescriptor,
        peer: SocketAddress,
        number: Int,
        timer: TimerID,
        options: DemoGateway.Options,
        counters: DemoGateway.Counters,
        now: UInt64
    ) {
        self.socket = socket
        self.peer = peer
        self.number = number
        self.timer = timer
        self.options = options
        self.counters = counters
        deadline = now + options.idleTimeout
    }

    func eventReceived(_ event: Poller.Event) {
        if event.isReadable || event.isPeerClosed || event.isHangup { canRead = true }
        if event.isWritable { canWrite = true }
        if event.isPeerClosed || event.isHangup { peerHasEnded = true }
        if event.isHangup, !event.isReadable { abort() }
    }

    /// Breaks off what is under way.
    func abort() {
        if case .reply = phase { counters.cancelled.add(1, ordering: .relaxed) }
        phase = .closed
    }

    func timerFired(now: UInt64) {
        switch phase {
        case .webSocket: webSocketTimerFired(now)
        case .reply: break
        case .head, .body, .closing, .lingering:
            if let deadline, deadline <= now { phase = .closed }
        case .closed: break
        }
    }

    /// Works on until there is nothing to do or the turn is used up.
    func run(now: UInt64) -> Turn {
        budget = Self.turnBudget
        while true {
            if case .closed = phase { return .isClosed }
            guard flush(now) else { return .isClosed }
            if budget <= 0 { return .hasMore }
            if !step(now) {
                if case .closed = phase { return .isClosed }
                if output.isEmpty || !canWrite { return .waits(nextDeadline()) }
            }
        }
    }

    private func step(_ now: UInt64) -> Bool {
        if output.readableCount >= Self.highWater { return false }
        switch phase {
        case .head: return readHead(now)
        case .body: return readBody(now)
        case .reply: return produce(now)
        case .webSocket: return stepWebSocket(now)
        case .closing:
            guard output.isEmpty else { return false }
            if peerHasEnded {
                phase = .closed
                return false
            }
            IO.shutdownWrite(socket.raw)
            phase = .lingering
            deadline = now + 2_000_000_000
            return true
        case .lingering:
            input.clear()
            return fill()
        case .closed: return false
        }
    }

    private func nextDeadline() -> UInt64? {
        switch phase {
        case .head, .body, .closing, .lingering: return deadline
        // While the client doesn't read, only the socket is waited for.
        case .reply(let producer): return output.readableCount < Self.highWater ? producer.deadline : nil
        case .webSocket: return webSocket?.nextDeadline(options)
        case .closed: return nil
        }
    }

    /// The loop is about to let go of the connection.
    func willClose() {
        switch phase {
        case .reply: counters.cancelled.add(1, ordering: .relaxed)
        case .head, .body, .webSocket, .closing, .lingering, .closed: break
        }
        if webSocket != nil { counters.webSockets.subtract(1, ordering: .relaxed) }
    }

    // MARK: Bytes in and out

    /// Reads what the socket has, once. False when nothing came; closes the connection when nothing ever will.
    func fill() -> Bool {
        guard canRead else { return false }
        input.compact()
        if !input.hasStorage { input.reserve(Self.inputCapacity) }
        guard input.writableCount > 0 else { return false }
        var isDrained = false
        switch IO.read(socket.raw, into: &input, minimum: 1, isDrained: &isDrained) {
        case .bytes(let count):
            budget -= count
            // The end of the stream makes no edge of its own once it has been told.
            if isDrained, !peerHasEnded { canRead = false }
            return true
        case .wantsRead, .wantsWrite:
            canRead = false
            return false
        case .endOfStream:
            canRead = false
            peerHasEnded = true
            inputEnded()
            return false
        case .failed:
            phase = .closed
            return false
        }
    }

    private func inputEnded() {
        switch phase {
        case .head, .webSocket, .closing: phase = output.isEmpty ? .closed : .closing
        case .body, .lingering, .closed: phase = .closed
        case .reply: break
        }
    }

    /// Writes what waits. False when the connection is broken.
    private func flush(_ now: UInt64) -> Bool {
        while canWrite, !output.isEmpty {
            switch IO.write(socket.raw, from: &output) {
            case .bytes(let count):
                budget -= count
                if case .closing = phase { deadline = now + options.idleTimeout }
            case .wantsWrite, .wantsRead:
                canWrite = false
            case .endOfStream, .failed:
                return false
            }
        }
        if output.readableCount > 0 {
            counters.largestBacklog.max(output.readableCount, ordering: .relaxed)
            output.compact()
        }
        return true
    }
}
