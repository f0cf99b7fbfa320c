import EventLoop
import Synchronization

/// The gateway's one loop: accepts, tells connections of events and deadlines, closes them.
final class GatewayLoop {
    /// What other threads ask of the loop.
    enum Command: Sendable {
        case setReady(Bool)
        case dropConnections
        case stop
    }

    private enum Kind {
        static let listener: UInt8 = 0
        static let mailbox: UInt8 = 1
        static let connection: UInt8 = 2
    }

    private let listener: OwnedDescriptor
    private let mailbox: Mailbox<Command>
    private let options: DemoGateway.Options
    private let counters: DemoGateway.Counters
    private var poller: Poller
    private var timers: TimerWheel
    private var connections: [Connection?] = []
    private var generations: [UInt32] = []
    private var freeSlots: [Int] = []
    private var openCount = 0
    /// Connections that used their share of a turn up and have more to do.
    private var unfinished: [Token] = []
    private var isReady = true
    private var isStopping = false

    init(
        listener: consuming OwnedDescriptor,
        mailbox: Mailbox<Command>,
        options: DemoGateway.Options,
        counters: DemoGateway.Counters
    ) throws(SystemError) {
        poller = try Poller()
        try poller.add(
            descriptor: listener.raw,
            token: Token(kind: Kind.listener, slot: 0, generation: 0),
            interest: .read,
            edgeTriggered: false
        )
        try poller.add(
            descriptor: mailbox.descriptor,
            token: Token(kind: Kind.mailbox, slot: 0, generation: 0),
            interest: .read,
            edgeTriggered: false
        )
        self.listener = listener
        self.mailbox = mailbox
        self.options = options
        self.counters = counters
        timers = TimerWheel(limit: options.maximumConnections, now: Clock.monotonic())
    }

    /// Serves until it is told to stop.
    func run() {
        while !isStopping {
            let before = Clock.monotonic()
            var timeout: UInt64?
            if !unfinished.isEmpty {
                timeout = 0
            } else if let deadline = timers.nextDeadline(now: before) {
                timeout = deadline > before ? deadline - before : 0
            }
            guard let count = try? poller.wait(timeoutNanoseconds: timeout) else { break }
            let now = Clock.monotonic()
            var resumed: [Token] = []
            swap(&resumed, &unfinished)
            for index in 0..<count { handle(poller.event(at: index), now) }
            for token in resumed {
                if let connection = connection(token) { drive(connection, token, now) }
            }
            while let token = timers.nextExpired(now: now) {
                guard let connection = connection(token) else { continue }
                connection.timerFired(now: now)
                drive(connection, token, now)
            }
        }
        closeAll()
    }

    private func handle(_ event: Poller.Event, _ now: UInt64) {
        switch event.token.kind {
        case Kind.listener:
            accept(now)
        case Kind.mailbox:
            var commands: [Command] = []
            mailbox.drain(into: &commands)
            for command in commands { obey(command) }
        default:
            guard let connection = connection(event.token) else { return }
            connection.eventReceived(event)
            drive(connection, event.token, now)
        }
    }

    private func obey(_ command: Command) {
        switch command {
        case .setReady(let isReady):
            self.isReady = isReady
            for connection in connections { connection?.isGatewayReady = isReady }
        case .dropConnections: closeAll()
        case .stop: isStopping = true
        }
    }

    // MARK: Connections

    private func connection(_ token: Token) -> Connection? {
        let slot = Int(token.slot)
        guard slot < connections.count, generations[slot] == token.generation else { return nil }
        return connections[slot]
    }

    private func accept(_ now: UInt64) {
        // Few at a time, so that a flood of new connections doesn't starve the open ones.
        for _ in 0..<32 where openCount < options.maximumConnections {
            switch Listener.accept(listener.raw) {
            case .connection(let socket, let peer): open(socket, peer, now)
            case .retry: continue
            case .wouldBlock: return
            case .outOfDescriptors: return pauseAccepting()
            case .failed: return pauseAccepting()
            }
        }
        if openCount >= options.maximumConnections { pauseAccepting() }
    }

    private func open(_ socket: consuming OwnedDescriptor, _ peer: SocketAddress, _ now: UInt64) {
        if freeSlots.isEmpty {
            freeSlots.append(connections.count)
            connections.append(nil)
            generations.append(0)
        }
        let slot = freeSlots.removeLast()
        let token = Token(kind: Kind.connection, slot: UInt32(slot), generation: generations[slot])
        Sockets.setNoDelay(socket.raw)
        do {
            try poller.add(descriptor: socket.raw, token: token)
        } catch {
            freeSlots.append(slot)
            return
        }
        counters.accepted.add(1, ordering: .relaxed)
        counters.open.add(1, ordering: .relaxed)
        openCount += 1
        let connection = Connection(
            socket: socket,
            peer: peer,
            number: counters.accepted.load(ordering: .relaxed),
            timer: timers.makeTimer(token: token),
            options: options,
            counters: counters,
            now: now
        )
        connection.isGatewayReady = isReady
        connections[slot] = connection
        drive(connection, token, now)
    }

    private func drive(_ connection: Connection, _ token: Token, _ now: UInt64) {
        switch connection.run(now: now) {
        case .waits(let deadline):
            if let deadline {
                timers.set(connection.timer, deadline: deadline)
            } else {
                timers.cancel(connection.timer)
            }
        case .hasMore:
            unfinished.append(token)
        case .isClosed:
            close(Int(token.slot))
        }
    }

    private func close(_ slot: Int) {
        guard let connection = connections[slot] else { return }
        connection.willClose()
        timers.destroy(connection.timer)
        connections[slot] = nil
        generations[slot] &+= 1
        freeSlots.append(slot)
        openCount -= 1
        counters.open.subtract(1, ordering: .relaxed)
        resumeAccepting()
    }

    private func closeAll() {
        for slot in connections.indices { close(slot) }
    }

    // MARK: Running out of descriptors

    private var isAccepting = true

    private func pauseAccepting() {
        // With nothing open, nothing would ever resume: go on trying instead.
        guard isAccepting, openCount > 0 else { return }
        isAccepting = false
        try? poller.remove(descriptor: listener.raw)
    }

    private func resumeAccepting() {
        guard !isAccepting else { return }
        isAccepting = true
        try? poller.add(
            descriptor: listener.raw,
            token: Token(kind: Kind.listener, slot: 0, generation: 0),
            interest: .read,
            edgeTriggered: false
        )
    }
}
