import Bytes
import EventLoop
import HTTP
import Synchronization
import TLS
import TestSupport
import Testing

@testable import Proxy

/// One request under a configuration, without sockets or loops: phases and writers are called by hand.
final class Rig {
    /// Threads of these services serve every rig; they end with the process.
    private static let sharedServices: Result<Services, any Error> = Result {
        var settings = ErrorLogSettings()
        settings.destination = .off
        return try Services(log: try OperatorLog(settings), writer: try LogWriter(), hashingThreads: 1)
    }

    let services: Services
    let runtime: Runtime
    private let arena = Arena()
    let environment: Ref<LoopEnvironment>
    let client: Ref<ClientConnection>
    let exchange: Ref<Exchange>

    /// Loads `text`. The client's address is that of `peer`.
    init(_ text: String, peer: String = "192.0.2.7:4000", previous: Runtime? = nil) throws {
        services = try Self.sharedServices.get()
        runtime = try TestProxy.makeRuntime(
            try TestProxy.load(text),
            previous,
            services.accessLogs.writer,
            1,
            TicketKeys(now: 1)
        )
        environment = arena.place(LoopEnvironment(services: services))
        environment.value.now = 1_000_000_000_000
        environment.value.time.refresh(monotonic: Clock.monotonic())
        client = arena.place(ClientConnection())
        exchange = arena.place(Exchange(client: client))
        client.value.peer = try #require(SocketAddress(parsing: peer))
        client.value.local = SocketAddress(ipv4: 0xC000_0201, port: 8443)
        client.value.serial = 17
        client.value.listener = runtime.listeners[0]
        client.value.runtime = runtime
        client.value.groups = GroupMap(number: 1, slots: [])
    }

    var context: RequestContext { RequestContext(exchange: exchange, environment: environment) }

    /// Readies the request whose head is `text`; line feeds in it become CRLF, and the empty line is added.
    func begin(_ text: String) throws {
        let bytes = Array((text.replacing("\n", with: "\r\n") + "\r\n\r\n").utf8)
        exchange.value.reset()
        exchange.value.begin(
            slot: 0,
            token: Token(bits: 0),
            client: client
        )
        exchange.value.headBytes = ByteBuffer(bytes)
        exchange.value.remote = client.value.peer
        exchange.value.id = (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210)
        exchange.value.startedAt = environment.value.now
        exchange.value.requestBytes = UInt64(bytes.count)
        exchange.value.keepsAlive = true
        var parser = RequestHeadParser()
        let count = try parser.parse(bytes.span, into: &exchange.value.head)
        guard count == bytes.count else { throw TestError("the head isn't complete") }
        switch exchange.value.head.body {
        case .none, .untilClose: exchange.value.requestBody = .complete
        case .length(let length): exchange.value.requestBody = length == 0 ? .complete : .length(length)
        case .chunked: exchange.value.requestBody = .chunked
        }
        client.value.requestCount += 1
    }

    /// What one phase decides, once users that had to be read were read.
    func decide(_ phase: Phase) -> Decision {
        let decision = decideAtOnce(phase)
        guard case .suspend(.file) = decision else { return decision }
        let gate = Gate()
        guard AccessPhase.readFile(context, runtime: runtime, services: services, deliver: { gate.open() }) else {
            return decision
        }
        gate.pass()
        return decideAtOnce(phase)
    }

    /// What one phase decides.
    func decideAtOnce(_ phase: Phase) -> Decision {
        let request = context
        return switch phase {
        case .server: ServerPhase.decide(request, runtime.listeners[0].choice)
        case .location: LocationPhase.decide(request)
        case .answer: AnswerPhase.decide(request)
        case .limits: LimitPhase.decide(request, runtime: runtime, ofUsers: false)
        case .access: AccessPhase.decide(request, runtime: runtime, services: services)
        case .crossSite: CrossSitePhase.decide(request)
        case .connections: ConnectionLimitPhase.decide(request, runtime: runtime, ofUsers: false)
        case .userLimits: LimitPhase.decide(request, runtime: runtime, ofUsers: true)
        case .handler: HandlerPhase.decide(request)
        }
    }

    /// Runs the phases for a request, up to `last` or the first that doesn't answer `next`.
    @discardableResult
    func run(_ text: String, through last: Phase = .handler) throws -> Decision {
        try begin(text)
        for phase in Phase.allCases {
            let decision = decide(phase)
            guard case .next = decision, phase != last else { return decision }
        }
        return .next
    }

    /// The reply that a request gets, or nil when it is let through.
    func reply(_ text: String, through last: Phase = .handler) throws -> Reply? {
        if case .respond(let reply) = try run(text, through: last) { return reply }
        return nil
    }

    /// The status that a request gets, or 0 when it is let through or has to wait.
    func status(_ text: String, through last: Phase = .handler) throws -> Int {
        try reply(text, through: last)?.status ?? 0
    }

    /// The text of a template under the present request.
    func render(_ variable: Variable) -> String {
        var output = ByteBuffer()
        context.append(CompiledTemplate(Template([.variable(variable)]), arena: arena), to: &output)
        return output.readable.string
    }

    /// Takes `text` for the upstream's reply.
    func receiveReply(_ text: String) throws {
        let bytes = Array((text.replacing("\n", with: "\r\n") + "\r\n\r\n").utf8)
        exchange.value.reply.reset()
        exchange.value.replyBytes = ByteBuffer(bytes)
        var parser = ResponseHeadParser()
        let count = try parser.parse(bytes.span, answering: exchange.value.head.method, into: &exchange.value.reply)
        guard count == bytes.count else { throw TestError("the head isn't complete") }
        exchange.value.status = exchange.value.reply.status
        exchange.value.lastUpstreamStatus = exchange.value.reply.status
    }

    /// The head that goes upstream for a request.
    func requestHead(_ text: String, isUpgrade: Bool = false) throws -> String {
        guard case .forward = try run(text) else { throw TestError("the request isn't forwarded") }
        exchange.value.passesUpgrade = isUpgrade
        let proxy = try #require(exchange.value.location?.value.proxy)
        var output = ByteBuffer()
        RequestHeadWriter.write(context, proxy, to: &output)
        return output.readable.string
    }

    /// The head that the client gets for an upstream's reply.
    func replyHead(_ reply: String, to request: String = "GET / HTTP/1.1\nHost: a") throws -> String {
        guard case .forward = try run(request) else { throw TestError("the request isn't forwarded") }
        try receiveReply(reply)
        exchange.value.replyFraming =
            switch exchange.value.reply.body {
            case .none: .none
            case .length: .length
            case .chunked, .untilClose: .chunked
            }
        let proxy = try #require(exchange.value.location?.value.proxy)
        var output = ByteBuffer()
        ReplyHeadWriter.write(context, proxy, Self.copy(exchange.value.replyBytes).span, to: &output)
        return output.readable.string
    }

    /// The whole answer that Postern makes by itself.
    func ownReply(_ reply: Reply) -> String {
        var output = ByteBuffer()
        _ = OwnReplyWriter.write(context, reply, to: &output)
        return output.readable.string
    }

    private static func copy(_ buffer: borrowing ByteBuffer) -> [UInt8] { buffer.written.array }
}

extension String {
    /// The values of the field with this lower-case name, in a head.
    func values(of name: String) -> [String] {
        let head = range(of: "\r\n\r\n").map { String(self[..<$0]) } ?? self
        return head.split(separator: "\r\n").dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name else { return nil }
            return line[line.index(after: colon)...].drop { $0 == " " }.description
        }
    }

    private func range(of mark: String) -> String.Index? { firstRange(of: mark)?.lowerBound }
}

extension Arena {
    /// An arena that lives as long as the process: what a test freezes in it may be read until the test's end.
    static func kept() -> Arena {
        let arena = Arena()
        allKept.withLock { $0.append(arena) }
        return arena
    }

    private static let allKept = Mutex<[Arena]>([])
}
