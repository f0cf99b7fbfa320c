import Bytes
import Configuration
import EventLoop
import HTTP
import Synchronization
import TLS

@testable import Proxy

/// One request under a configuration, without sockets or loops.
final class ProxyRig {
    /// Threads of these services serve every input; they end with the process.
    private static let services: Services = {
        var settings = ErrorLogSettings()
        settings.destination = .off
        guard let log = try? OperatorLog(settings), let writer = try? LogWriter(),
            let services = try? Services(log: log, writer: writer, hashingThreads: 1)
        else { fatalError("the services can't be started") }
        return services
    }()

    private let arena = Arena()
    let runtime: Runtime
    let environment: Ref<LoopEnvironment>
    let client: Ref<ClientConnection>
    let exchange: Ref<Exchange>

    /// Locations' paths, once more: LeakSanitizer doesn't find them behind the tag bits of the enumeration they stand in.
    private static let paths = Mutex<[[UInt8]]>([])

    /// Makes a runtime of a configuration's text, which must be right.
    static func runtime(_ text: String) -> Runtime {
        let outcome = ConfigurationLoader.load(text: text, directory: "/nonexistent")
        guard let configuration = outcome.configuration else { fatalError(outcome.report) }
        for server in configuration.servers {
            paths.withLock { $0 += server.locations.map(\.match.path) }
        }
        do {
            return try Runtime(
                configuration,
                number: 1,
                previous: nil,
                passwordFiles: [],
                logSinks: [],
                ticketKeys: TicketKeys(now: 1)
            )
        } catch {
            fatalError("\(error)")
        }
    }

    /// Readies the request at the start of `bytes`; nil when it is none.
    init?(_ runtime: Runtime, _ bytes: [UInt8], peer: String = "192.0.2.7:4000") {
        self.runtime = runtime
        environment = arena.place(LoopEnvironment(services: Self.services))
        environment.value.now = 1_000_000_000_000
        environment.value.time.refresh(monotonic: Clock.monotonic())
        client = arena.place(ClientConnection())
        exchange = arena.place(Exchange(client: client))
        client.value.peer = SocketAddress(parsing: peer) ?? SocketAddress(ipv4: 1, port: 1)
        client.value.local = SocketAddress(ipv4: 0xC000_0201, port: 8443)
        client.value.serial = 17
        client.value.listener = runtime.listeners[0]
        client.value.runtime = runtime
        client.value.groups = GroupMap(number: 1, slots: [])
        exchange.value.begin(
            slot: 0,
            token: Token(bits: 0),
            client: client
        )
        var parser = RequestHeadParser()
        let count = try? parser.parse(bytes.span, into: &exchange.value.head)
        guard let count else { return nil }
        exchange.value.headBytes = ByteBuffer(bytes[..<count])
        exchange.value.remote = client.value.peer
        exchange.value.id = (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210)
        exchange.value.startedAt = environment.value.now
        exchange.value.requestBytes = UInt64(count)
        exchange.value.keepsAlive = exchange.value.head.isKeepAlive
        switch exchange.value.head.body {
        case .none, .untilClose: exchange.value.requestBody = .complete
        case .length(let length): exchange.value.requestBody = length == 0 ? .complete : .length(length)
        case .chunked: exchange.value.requestBody = .chunked
        }
    }

    var context: RequestContext { RequestContext(exchange: exchange, environment: environment) }

    /// What becomes of the request; no phase of these configurations waits.
    func decide() throws(Broken) -> Decision {
        let request = context
        for phase in Phase.allCases {
            let decision =
                switch phase {
                case .server: ServerPhase.decide(request, runtime.listeners[0].choice)
                case .location: LocationPhase.decide(request)
                case .answer: AnswerPhase.decide(request)
                case .limits: LimitPhase.decide(request, runtime: runtime, ofUsers: false)
                case .connections: ConnectionLimitPhase.decide(request, runtime: runtime, ofUsers: false)
                case .access: AccessPhase.decide(request, runtime: runtime, services: Self.services)
                case .crossSite: CrossSitePhase.decide(request)
                case .userLimits: LimitPhase.decide(request, runtime: runtime, ofUsers: true)
                case .handler: HandlerPhase.decide(request)
                }
            guard case .next = decision else { return decision }
        }
        throw Broken(description: "a request that nobody answers")
    }

    /// The text of one of the configuration's variables.
    func render(_ variable: Variable) -> [UInt8] {
        var output = ByteBuffer()
        context.append(CompiledTemplate(Template([.variable(variable)]), arena: arena), to: &output)
        return output.readable.array
    }

    /// Holds the lines of the configuration's logs to one line each, without what steers a terminal or ends a string.
    func checkLogs() throws(Broken) {
        for index in 0..<runtime.logs.count {
            let log = runtime.logs[index]
            var output = ByteBuffer()
            AccessLogs.append(log, context, to: &output)
            let line = output.readable.array
            let shown = String(decoding: line, as: UTF8.self).debugDescription
            switch log.escape {
            case .standard: try hold(line.allSatisfy { (0x20...0x7E).contains($0) }, "the log line \(shown)")
            case .json:
                try hold(line.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "the log line \(shown)")
                try hold(String(validating: line, as: UTF8.self) != nil, "the log line \(shown) isn't UTF-8")
                try hold(Self.quotes(line) == 12, "strings of \(shown)")
            case .none: try hold(line.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "the log line \(shown)")
            }
        }
    }

    /// Quotation marks that no backslash escapes; -1 when one escapes what JSON can't.
    private static func quotes(_ line: [UInt8]) -> Int {
        var count = 0
        var index = 0
        while index < line.count {
            if line[index] == 0x22 { count += 1 }
            if line[index] == 0x5C {
                index += 1
                guard index < line.count, "\"\\u".utf8.contains(line[index]) else { return -1 }
            }
            index += 1
        }
        return count
    }
}

/// Limits wide enough for a head with what Postern adds to it.
let wideLimits = HeadLimits(requestLine: 1 << 16, field: 1 << 16, total: 1 << 18, fieldCount: 250)
