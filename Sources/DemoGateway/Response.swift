import Bytes
import EventLoop
import HTTP

/// An answer with a body that is known at once.
struct Response {
    var status: Int
    var contentType: StaticString
    var fields: [(name: StaticString, value: String)] = []
    var body: [UInt8]

    init(status: Int = 200, contentType: StaticString, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    static func text(_ text: String, status: Int = 200) -> Response {
        Response(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    static func json(text: String, status: Int = 200) -> Response {
        Response(status: status, contentType: "application/json", body: Array(text.utf8))
    }

    static func json(_ value: some Encodable, status: Int = 200) -> Response {
        Response(status: status, contentType: "application/json", body: JSON.encode(value))
    }

    static func error(_ status: Int, _ message: String) -> Response {
        json(
            APIError(error: .init(message: message, type: status == 401 ? "unauthorized" : "invalid_request")),
            status: status
        )
    }

    func with(_ name: StaticString, _ value: String) -> Response {
        var copy = self
        copy.fields.append((name, value))
        return copy
    }
}

/// The body of an answer that reports an error.
struct APIError: Encodable {
    struct Detail: Encodable {
        let message: String
        let type: String
    }

    let error: Detail
}

/// How the length of an answer's body is told.
enum ReplyFraming {
    case length(UInt64)
    case chunked
    case untilClose
}

extension Connection {
    /// Writes an answer's head.
    func writeHead(
        _ status: Int,
        _ contentType: StaticString,
        _ framing: ReplyFraming,
        _ fields: [(name: StaticString, value: String)] = []
    ) {
        output.append("HTTP/1.1 ")
        output.append(decimal: status)
        output.append(" ")
        output.append(Status.reason(status))
        if !Status.isBodiless(status) {
            output.append("\r\nContent-Type: ")
            output.append(contentType)
            switch framing {
            case .length(let count):
                output.append("\r\nContent-Length: ")
                output.append(decimal: count)
            case .chunked: output.append("\r\nTransfer-Encoding: chunked")
            case .untilClose: closesAfterReply = true
            }
        }
        for field in fields {
            output.append("\r\n")
            output.append(field.name)
            output.append(": ")
            output.append(text: field.value)
        }
        if closesAfterReply {
            output.append("\r\nConnection: close")
        } else if !request.isHTTP11 {
            output.append("\r\nConnection: keep-alive")
        }
        output.append("\r\n\r\n")
    }

    /// Writes a whole answer and goes on to the next request, or closes.
    func send(_ response: Response, _ now: UInt64) {
        writeHead(response.status, response.contentType, .length(UInt64(response.body.count)), response.fields)
        if request.method != .head, !Status.isBodiless(response.status) { output.append(response.body) }
        finishReply(now)
    }

    /// The answer has been written: what comes next on the connection?
    func finishReply(_ now: UInt64) {
        deadline = now + options.idleTimeout
        phase = closesAfterReply ? .closing : .head
    }
}
