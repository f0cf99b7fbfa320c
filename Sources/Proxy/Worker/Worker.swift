import Bytes
import EventLoop
import HTTP
import Upstream

/// One event loop with everything that belongs to it: sockets, connections, requests, pools. Shares nothing with other
/// loops but what `Services` holds.
///
/// This is the thin shell: it asks phases, parsers and pools what to do and carries that out.
struct Worker: ~Copyable {
    /// What a token in the poller or the timer wheel stands for.
    enum Kind: UInt8 {
        case mailbox = 1, listener, client, upstream, exchange, acceptPause, group, failureLines, callers
    }

    let index: Int
    let services: Services
    let counters: LoopCounters
    let environment: Ref<LoopEnvironment>
    let mailbox: Mailbox<Message>
    let arena: Arena
    var poller: Poller
    var timers: TimerWheel
    /// Connections, and their HTTP/2 streams.
    var clients: Slab<ClientConnection>
    /// How many of them are streams.
    var streamCount = 0
    let http2: Ref<HTTP2Resources>
    var exchanges: Slab<Exchange>
    var upstreams: Slab<UpstreamConnection>
    var groups: Slab<GroupEntry>
    /// Slots of groups that the configuration no longer has and that somebody may still use.
    var retiredGroups: [UInt32] = []
    var groupMap: GroupMap
    var sockets: [Ref<ListeningSocket>] = []
    var runtime: Runtime
    var buffers: BufferPool
    var messages: [Message] = []
    /// Clients that have more to do in this turn of the loop.
    var ready = NumberList()
    /// Connections with HTTP/2 frames to send at the end of this turn: what many streams said goes in one write.
    var sending = NumberList()
    /// Upstreams with a stream's request to write at the end of this turn.
    var writing = NumberList()
    /// Slots that are freed at the end of this turn, so that nothing in it points to another's.
    var leavingClients = NumberList()
    var leavingUpstreams = NumberList()
    var leavingExchanges = NumberList()
    /// Clients with streams open that their callers may lose, and when to look at them again.
    var callers = NumberList()
    var callerTimer: TimerID
    var acceptPause: TimerID
    var isAcceptPaused = false
    var lastPauseReport: UInt64 = 0
    var isDraining = false
    var isStopping = false
    var nextSerial: UInt64
    /// Counts the turns of the loop.
    var turn: UInt64 = 0
    /// What is left to begin in this turn.
    var budget = TurnBudget()
    /// Whether clients of the list of those with more to do have their turn now.
    var isRunningReady = false
    /// Client and upstream connections at the most.
    let connectionLimit: Int
    /// HTTP/2 streams at the most, of all connections.
    let streamLimit: Int

    init(
        index: Int,
        services: Services,
        mailbox: Mailbox<Message>,
        runtime: Runtime
    ) throws(SystemError) {
        let poller = try Poller()
        let token = Token(kind: Kind.mailbox.rawValue, slot: 0, generation: 0)
        try poller.add(descriptor: mailbox.descriptor, token: token, interest: .read, edgeTriggered: true)
        let now = Clock.monotonic()
        var timers = TimerWheel(now: now)
        acceptPause = timers.makeTimer(token: Token(kind: Kind.acceptPause.rawValue, slot: 0, generation: 0))
        callerTimer = timers.makeTimer(token: Token(kind: Kind.callers.rawValue, slot: 0, generation: 0))
        self.poller = poller
        self.timers = timers
        self.index = index
        self.services = services
        counters = services.metrics.makeLoop()
        self.mailbox = mailbox
        self.runtime = runtime
        arena = Arena()
        environment = arena.place(LoopEnvironment(services: services))
        http2 = arena.place(HTTP2Resources(streamLimit: 4 * runtime.model.process.connectionsPerWorker))
        environment.value.now = now
        environment.value.time.refresh(monotonic: now)
        connectionLimit = runtime.model.process.connectionsPerWorker
        streamLimit = 4 * connectionLimit
        clients = Slab(limit: connectionLimit + streamLimit)
        exchanges = Slab(limit: connectionLimit + streamLimit)
        upstreams = Slab(limit: connectionLimit)
        groups = Slab(limit: 1 << 16)
        groupMap = GroupMap(number: 0, slots: [])
        buffers = BufferPool(bufferCapacity: 16384, limit: 256)
        nextSerial = UInt64(index) << 48
    }

    /// Takes the runtime's sockets and upstreams. Before `run`.
    mutating func begin(_ sockets: [Int32]) throws(SystemError) {
        adoptGroups()
        try adoptSockets(sockets)
    }

    /// Runs until told to stop, or until drained.
    mutating func run() {
        while !isStopping {
            let timeout = timeout()
            let count: Int
            do throws(SystemError) {
                count = try poller.wait(timeoutNanoseconds: timeout)
            } catch {
                services.log.critical("event loop \(index): \(error)")
                return
            }
            turn &+= 1
            budget.renew(waiting: ready.count)
            let now = Clock.monotonic()
            let environment = environment
            environment.value.now = now
            environment.value.time.refresh(monotonic: now)
            for position in 0..<count { dispatch(poller.event(at: position)) }
            while budget.hasExpirations, let token = timers.nextExpired(now: now) { expire(token) }
            releaseExchanges()
            if !ready.isEmpty { runReady() }
            if !writing.isEmpty { writeRequests() }
            if !sending.isEmpty { sendSessions() }
            releaseLeaving()
            if isDraining, clients.count == 0 { isStopping = true }
        }
        closeAll()
        for slot in 0..<UInt32(groups.slotCount) { reportLeftOut(groups[slot]) }
    }

    private mutating func timeout() -> UInt64? {
        // Sending lets requests begin that waited for room.
        if !ready.isEmpty || !writing.isEmpty { return 0 }
        let now = environment.value.now
        guard let deadline = timers.nextDeadline(now: now) else { return nil }
        return deadline > now ? deadline - now : 0
    }

    private mutating func dispatch(_ event: Poller.Event) {
        let token = event.token
        switch Kind(rawValue: token.kind) {
        case .client:
            guard clients.isCurrent(token.slot, generation: token.generation) else { return }
            clientEvent(clients[token.slot], event)
        case .upstream:
            guard upstreams.isCurrent(token.slot, generation: token.generation) else { return }
            upstreamEvent(upstreams[token.slot], event)
        case .listener:
            accept(Int(token.slot))
        case .mailbox:
            receive()
        case .exchange, .acceptPause, .group, .failureLines, .callers, nil:
            break
        }
    }

    private mutating func expire(_ token: Token) {
        switch Kind(rawValue: token.kind) {
        case .client:
            // A stream leaves its timer behind: that costs nothing.
            guard clients.isCurrent(token.slot, generation: token.generation) else { return }
            budget.takeExpiration()
            clientExpired(clients[token.slot])
        case .upstream:
            guard upstreams.isCurrent(token.slot, generation: token.generation) else { return }
            budget.takeExpiration()
            upstreamExpired(upstreams[token.slot])
        case .exchange:
            guard exchanges.isCurrent(token.slot, generation: token.generation) else { return }
            resume(exchanges[token.slot])
        case .acceptPause:
            resumeAccepting()
        case .callers:
            checkCallers()
        case .group:
            guard groups.isCurrent(token.slot, generation: token.generation) else { return }
            trim(groups[token.slot])
        case .failureLines:
            guard groups.isCurrent(token.slot, generation: token.generation) else { return }
            reportLeftOut(groups[token.slot])
        case .listener, .mailbox, nil:
            break
        }
    }

    /// Bytes that one connection may move each way before the others have their turn.
    ///
    /// Edges aren't told twice, so a connection that stops with more to do goes on the list of those that are ready. Each turn costs
    /// the loop one more look at its poller: a share much smaller would show in the cost of large bodies, one much larger in
    /// what a small request waits for behind a few of them.
    static var turnShare: Int { 128 * 1024 }

    /// Goes on with clients whose next request came while the last was answered, or who had their share of the last turn.
    private mutating func runReady() {
        // Each round may add others; what is left over waits for the next turn, so that no client keeps the loop.
        let count = ready.count
        guard count > 0 else { return }
        budget.beginWaiting()
        isRunningReady = true
        for position in 0..<count {
            budget.waitingHasTurn()
            let slot = ready[position]
            let client = clients[slot]
            client.value.isScheduled = false
            if client.value.state != .free { advance(client) }
        }
        isRunningReady = false
        ready.removeFirst(count)
    }

    /// Has `client` looked after once more before the loop sleeps.
    mutating func schedule(_ client: Ref<ClientConnection>) {
        if client.value.isScheduled { return }
        client.value.isScheduled = true
        ready.append(client.value.slot)
    }

    @inline(__always)
    mutating func releaseLeaving() {
        if !leavingClients.isEmpty || !leavingUpstreams.isEmpty { releaseLeavingConnections() }
        releaseExchanges()
    }

    private mutating func releaseLeavingConnections() {
        if !leavingClients.isEmpty {
            for position in 0..<leavingClients.count { clients.release(leavingClients[position]) }
            leavingClients.removeAll()
            if isAcceptPaused { resumeAccepting() }
        }
        if !leavingUpstreams.isEmpty {
            for position in 0..<leavingUpstreams.count { upstreams.release(leavingUpstreams[position]) }
            leavingUpstreams.removeAll()
        }
    }

    /// Frees the slots of requests that have ended. Only where no caller up the stack looks at one.
    @inline(__always)
    mutating func releaseExchanges() {
        if !leavingExchanges.isEmpty { releaseLeavingExchanges() }
    }

    private mutating func releaseLeavingExchanges() {
        for position in 0..<leavingExchanges.count { exchanges.release(leavingExchanges[position]) }
        leavingExchanges.removeAll()
    }

    var now: UInt64 { environment.value.now }

    func context(_ exchange: Ref<Exchange>) -> RequestContext {
        RequestContext(exchange: exchange, environment: environment)
    }
}

/// A socket that a loop accepts from.
struct ListeningSocket: ~Copyable {
    private var descriptor: OwnedDescriptor?
    let address: SocketAddress
    /// Index of the runtime's listener it stands for, or -1.
    var listener: Int

    init(_ descriptor: consuming OwnedDescriptor, _ address: SocketAddress, _ listener: Int) {
        raw = descriptor.raw
        self.descriptor = consume descriptor
        self.address = address
        self.listener = listener
    }

    /// The socket's number, or -1 once it is closed.
    private(set) var raw: Int32
    var isOpen: Bool { raw >= 0 }

    mutating func close() {
        descriptor = nil
        raw = -1
    }
}
