import Bytes
package import EventLoop
import Glibc
import Synchronization

/// A request as it came.
package struct TestRequest: Sendable {
    /// The whole head, its last line end included.
    package let head: String
    /// The body, decoded if it was chunked.
    package var body: [UInt8]

    package init(head: String, body: [UInt8] = []) {
        self.head = head
        self.body = body
    }

    package var text: String { String(decoding: body, as: UTF8.self) }
    /// Method, target and version.
    package var line: String { head.split(separator: "\r\n").first.map(String.init) ?? "" }
    package var target: String { line.split(separator: " ").dropFirst().first.map(String.init) ?? "" }

    /// The values of the field with this lower-case name, in order.
    package subscript(name: String) -> [String] {
        head.split(separator: "\r\n").dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name else { return nil }
            return line[line.index(after: colon)...].drop { $0 == " " }.description
        }
    }
}

extension TestClient {
    /// Reads a request with the body that its head announces; nil at the end of the stream.
    package func readRequest() throws -> TestRequest? {
        if pending.isEmpty, try isAtEnd() { return nil }
        var request = TestRequest(head: try read(through: "\r\n\r\n"))
        if let length = request["content-length"].first {
            guard let count = Int(length) else { throw TestError("no length: \(length)") }
            request.body = try read(count)
        } else if !request["transfer-encoding"].isEmpty {
            while let chunk = try readChunk() { request.body += chunk }
        }
        return request
    }
}

/// A server that runs a closure for each connection, all at the same time, each on a thread of its own.
package final class TestServer: Sendable {
    private struct State: ~Copyable {
        var requests: [TestRequest] = []
        var connections = 0
        var open = 0
        var thread: WorkerThread?
    }

    /// Where it listens.
    package let address: SocketAddress
    private let listener: OwnedDescriptor
    private let wake: Mailbox<Int>
    private let state = Mutex(State())
    private let serve: @Sendable (TestClient, TestServer) throws -> Void
    private let timeout: UInt64

    /// Listens on a free port of the loopback address. `serve` has the accepted connection and what it throws ends it.
    package init(
        timeout: UInt64 = 5_000_000_000,
        serving serve: @escaping @Sendable (TestClient, TestServer) throws -> Void
    ) throws {
        self.serve = serve
        self.timeout = timeout
        listener = try Listener.listen(on: SocketAddress(ipv4: 0x7F00_0001, port: 0))
        guard let address = Sockets.localAddress(of: listener.raw) else { throw TestError("no address") }
        self.address = address
        wake = try Mailbox(capacity: 4)
        let (wake, raw) = (wake, listener.raw)
        var thread: WorkerThread? = try WorkerThread(name: "server") { [weak self] in
            while true {
                var entries = [
                    pollfd(fd: raw, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
                ]
                guard unsafe poll(&entries, 2, -1) > 0 else { continue }
                if entries[1].revents != 0 { return }
                guard let self else { return }
                if case .connection(let socket, _) = Listener.accept(raw) { self.begin(socket) }
            }
        }
        state.withLock { $0.thread = thread.take() }
    }

    /// A server that answers each request with what `answer` makes of it; nil closes the connection.
    package convenience init(answering answer: @escaping @Sendable (TestRequest) -> String?) throws {
        try self.init { peer, server in
            while let request = try peer.readRequest() {
                server.note(request)
                guard let text = answer(request) else { return }
                try peer.send(text)
            }
        }
    }

    deinit { stop() }

    /// Requests noted so far.
    package var requests: [TestRequest] { state.withLock { $0.requests } }
    /// Connections accepted so far.
    package var connections: Int { state.withLock { $0.connections } }
    /// Connections whose closure still runs.
    package var openConnections: Int { state.withLock { $0.open } }

    package func note(_ request: TestRequest) { state.withLock { $0.requests.append(request) } }

    /// Stops listening. Connections run on to their ends.
    package func stop() {
        let thread = state.withLock { $0.thread.take() }
        guard let thread else { return }
        _ = wake.post(0)
        // The thread itself may hold the last reference, for the moment in which it accepts.
        if thread.isCurrent { return }
        thread.join()
    }

    private func begin(_ socket: consuming OwnedDescriptor) {
        state.withLock {
            $0.connections += 1
            $0.open += 1
        }
        let raw = socket.release()
        let (serve, timeout) = (serve, timeout)
        _ = try? WorkerThread(name: "connection") { [weak self] in
            let peer = TestClient(adopting: OwnedDescriptor(adopting: raw), timeout: timeout)
            guard let self else { return }
            try? serve(peer, self)
            self.state.withLock { $0.open -= 1 }
        }
    }
}

/// Answers as servers write them.
package enum Answer {
    package static func ok(_ body: String = "ok", _ fields: String = "") -> String {
        "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }
}
