import Bytes
import EventLoop
import Glibc
import HTTP

/// `metrics`: the page is made beside the loops, then sent.
struct MetricsHandler {
    static func decide(_ request: RequestContext) -> Decision {
        guard request.isQuestion else { return .respond(Reply(405)) }
        guard let page = request.environment.value.page else { return .suspend(.metrics) }
        if page.text.isEmpty {
            var reply = Reply(503)
            reply.retryAfter = 1
            return .respond(reply)
        }
        var reply = Reply(200)
        reply.body = .metrics
        return .respond(reply)
    }

    /// How the one who asks wants it.
    static func format(_ exchange: Ref<Exchange>) -> MetricsPage.Format {
        guard let index = exchange.value.head.fields.first(.accept) else { return .prometheus }
        let value = exchange.value.headBytes.written.extracting(exchange.value.head.fields[index].value.range)
        return value.contains("application/openmetrics-text") ? .openMetrics : .prometheus
    }
}

/// `stub_status`, word for word as Nginx has it.
struct StubStatusHandler {
    static func decide(_ request: RequestContext) -> Decision {
        guard request.isQuestion else { return .respond(Reply(405)) }
        var reply = Reply(200)
        reply.body = .stubStatus
        return .respond(reply)
    }

    static func write(_ request: RequestContext, to body: inout ByteBuffer) {
        let states = request.connectionStates
        body.append("Active connections: ")
        body.append(decimal: states.active)
        body.append(" \nserver accepts handled requests\n ")
        body.append(decimal: states.accepted)
        body.append(ASCII.space)
        body.append(decimal: states.handled)
        body.append(ASCII.space)
        body.append(decimal: states.requests)
        body.append(" \nReading: ")
        body.append(decimal: states.reading)
        body.append(" Writing: ")
        body.append(decimal: states.writing)
        body.append(" Waiting: ")
        body.append(decimal: states.waiting)
        body.append(" \n")
    }
}

extension RequestContext {
    /// GET or HEAD.
    fileprivate var isQuestion: Bool {
        exchange.value.head.method == .get || exchange.value.head.method == .head
    }

    /// Those of the whole process at this moment.
    fileprivate var connectionStates: ConnectionStates {
        let metrics = environment.value.services.metrics
        return ConnectionStates { metrics.total($0) }
    }

    /// Appends one of the variables `$connections_…`.
    func appendConnectionCount(_ code: VariableCode, to output: inout ByteBuffer) {
        let states = connectionStates
        switch code {
        case .connectionsActive: output.append(decimal: states.active)
        case .connectionsReading: output.append(decimal: states.reading)
        case .connectionsWriting: output.append(decimal: states.writing)
        case .connectionsWaiting: output.append(decimal: states.waiting)
        default: break
        }
    }
}

extension SystemError {
    /// The other side broke the connection.
    var isReset: Bool { code == ECONNRESET || code == EPIPE }
}
