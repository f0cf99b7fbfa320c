import Bytes
import CLinux
import EventLoop
import Glibc
import HTTP

/// How much and how long one request at the control socket may take.
package struct ControlLimits: Sendable {
    /// Bytes of a head.
    package var head = 8192
    /// Bytes of a body.
    package var body = 65_536
    /// Milliseconds that a read or a write may wait.
    package var wait: Int32 = 5000
    /// Requests at once.
    package var connections = 16

    package init() {}
}

/// One connection to the control socket, for a thread that waits: one request, one answer.
struct ControlConnection: ~Copyable {
    private let socket: OwnedDescriptor
    private let limits: ControlLimits
    private var bytes: [UInt8] = []

    init(_ socket: consuming OwnedDescriptor, _ limits: ControlLimits) {
        self.socket = socket
        self.limits = limits
    }

    /// Reads the request, has it carried out and answers. A peer that says nothing whole gets no answer.
    mutating func serve(_ actions: ControlActions) {
        guard let caller = caller() else { return }
        guard caller.user == 0 || caller.user == geteuid() else {
            return send(.refusal(403, "only root and the user that the proxy runs as may ask here"))
        }
        do throws(Refusal) {
            guard let request = try readRequest(caller) else { return }
            send(actions.answer(request))
        } catch {
            send(.refusal(error.status, error.sentence))
        }
    }

    /// Says that there is no room.
    func refuse() { send(.refusal(503, "too many ask at once: try again")) }

    private struct Refusal: Error {
        let status: Int
        let sentence: String
    }

    private func caller() -> ControlCaller? {
        var user: UInt32 = 0
        var process: Int32 = 0
        guard unsafe clinux_peer_credentials(socket.raw, &user, &process) == 0 else { return nil }
        return ControlCaller(user: user, process: process)
    }

    // MARK: Reading

    private mutating func readRequest(_ caller: ControlCaller) throws(Refusal) -> ControlRequest? {
        var head = RequestHead(fieldCapacity: 64)
        var parser = RequestHeadParser()
        let sizes = HeadLimits(requestLine: limits.head, field: limits.head, total: limits.head, fieldCount: 64)
        while true {
            let length: Int?
            do throws(HeadError) {
                length = try parser.parse(bytes.span, limits: sizes, into: &head)
            } catch {
                throw Refusal(status: error.status, sentence: "\(error.reason)")
            }
            if length != nil { break }
            guard receive() else { return nil }
        }
        let end = head.byteCount
        let count = try bodyLength(head)
        if head.expectsContinue { write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        while bytes.count < end + count {
            guard receive() else { return nil }
        }
        var request = ControlRequest(method: text(head.methodRange), path: text(head.path), caller: caller)
        if let query = head.query { request.query = text(query) }
        request.body = Array(bytes[end..<(end + count)])
        return request
    }

    private func bodyLength(_ head: borrowing RequestHead) throws(Refusal) -> Int {
        switch head.body {
        case .none: return 0
        case .length(let count):
            guard count <= limits.body else {
                throw Refusal(status: 413, sentence: "a body has at most \(limits.body) bytes here")
            }
            return Int(count)
        case .chunked, .untilClose:
            throw Refusal(status: 411, sentence: "a body needs a Content-Length here")
        }
    }

    private func text(_ range: ByteRange) -> String { String(decoding: bytes[range.range], as: UTF8.self) }

    /// Reads on; false when nothing came in time, or nothing will.
    private mutating func receive() -> Bool {
        guard isReady(POLLIN) else { return false }
        var part = [UInt8](repeating: 0, count: 4096)
        let count = unsafe part.withUnsafeMutableBytes { unsafe recv(socket.raw, $0.baseAddress, $0.count, 0) }
        if count < 0 { return errno == EINTR || errno == EAGAIN }
        bytes += part.prefix(count)
        return count > 0
    }

    // MARK: Writing

    private func send(_ reply: ControlReply) {
        var head = "HTTP/1.1 \(reply.status) \(Status.reason(reply.status))\r\n"
        head += "Content-Type: application/json\r\nContent-Length: \(reply.body.count)\r\n"
        if let allow = reply.allow { head += "Allow: \(allow)\r\n" }
        head += "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        write(Array(head.utf8) + reply.body)
    }

    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty, isReady(POLLOUT) {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(socket.raw, $0.baseAddress, $0.count, clinux_msg_nosignal)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Waits, as long as is allowed, until the socket is ready for `events`.
    private func isReady(_ events: Int32) -> Bool {
        var entry = pollfd(fd: socket.raw, events: Int16(events), revents: 0)
        while true {
            let count = unsafe poll(&entry, 1, limits.wait)
            if count > 0 { return true }
            if count == 0 || errno != EINTR { return false }
        }
    }
}
