import Bytes
package import EventLoop
import Glibc
import Synchronization

/// A server that does on each connection what a script says, and keeps what it received.
///
/// The connections follow their scripts at the same time, each on a thread of its own. One for which there is no script is
/// closed at once.
package final class ScriptedUpstream: Sendable {
    /// One thing to do on a connection.
    package enum Step: Sendable {
        /// Receive up to and with the empty line that ends a head.
        case readHead
        /// Receive so many bytes.
        case read(Int)
        /// Receive until the peer ends its side.
        case readToEnd
        case send([UInt8])
        /// Go on once `proceed` was called as many times as there are such steps before this one, and once more.
        case wait
        /// End our side of the stream.
        case shutdownWrite
        /// Close with a reset.
        case reset
        /// Close in order, as the end of a script does.
        case close

        package static func send(_ text: String) -> Step { .send(Array(text.utf8)) }
    }

    /// What became of one connection.
    package struct Record: Sendable {
        package var received: [UInt8] = []
        /// Whether the script was carried out to its end.
        package var isFinished = false
        /// Why it wasn't.
        package var failure: String?

        package var text: String { String(decoding: received, as: UTF8.self) }
    }

    private struct State: ~Copyable {
        var records: [Record] = []
        var proceeded = 0
        var isStopped = false
        var thread: WorkerThread?
    }

    /// Where it listens.
    package let address: SocketAddress
    private let scripts: [[Step]]
    private let listener: OwnedDescriptor
    private let state = Mutex(State())
    private let wake: Mailbox<Int>

    /// Listens on a free port of the loopback address, or on `address`.
    package init(
        _ scripts: [[Step]],
        on address: SocketAddress = SocketAddress(ipv4: 0x7F00_0001, port: 0)
    ) throws {
        self.scripts = scripts
        listener = try Listener.listen(on: address)
        self.address = Sockets.localAddress(of: listener.raw) ?? address
        wake = try Mailbox(capacity: 4)
        let (wake, raw) = (wake, listener.raw)
        var thread: WorkerThread? = try WorkerThread(name: "upstream") { [weak self] in
            Self.serve(raw, wake, self: { self })
        }
        state.withLock { $0.thread = thread.take() }
    }

    /// A server with the same script for one connection.
    package convenience init(_ steps: Step...) throws { try self.init([steps]) }

    deinit { stop() }

    /// Connections accepted so far, in order.
    package var records: [Record] { state.withLock { $0.records } }

    /// Waits until so many connections have come to the end of their scripts.
    package func waitUntilFinished(_ count: Int = 1) -> Bool {
        Patience.until { self.state.withLock { $0.records.filter(\.isFinished).count } >= count }
    }

    /// Lets the scripts that stand at `wait` go on.
    package func proceed() { state.withLock { $0.proceeded += 1 } }

    /// Stops listening and waits for the accepting thread. Connections follow their scripts to the end.
    package func stop() {
        let thread = state.withLock { state -> WorkerThread? in
            state.isStopped = true
            return state.thread.take()
        }
        _ = wake.post(0)
        if let thread { thread.join() }
    }

    // MARK: Serving

    private static func serve(_ listener: Int32, _ wake: Mailbox<Int>, self owner: () -> ScriptedUpstream?) {
        while true {
            var entries = [
                pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            guard unsafe poll(&entries, 2, -1) > 0 else { continue }
            if entries[1].revents != 0 { return }
            guard let upstream = owner() else { return }
            if case .connection(let socket, _) = Listener.accept(listener) { upstream.begin(socket) }
        }
    }

    private func begin(_ socket: consuming OwnedDescriptor) {
        let index = state.withLock { state -> Int in
            state.records.append(Record())
            return state.records.count - 1
        }
        guard index < scripts.count else { return }
        let raw = socket.release()
        _ = try? WorkerThread(name: "upstream \(index)") { [weak self] in
            let socket = OwnedDescriptor(adopting: raw)
            self?.follow(index, socket.raw)
        }
    }

    private func follow(_ index: Int, _ socket: Int32) {
        var waits = 0
        do {
            for step in scripts[index] {
                switch step {
                case .readHead: try receive(socket, index) { $0.suffix(4) == [13, 10, 13, 10] }
                case .read(let count):
                    let target = state.withLock { $0.records[index].received.count } + count
                    try receive(socket, index) { $0.count >= target }
                case .readToEnd: try receive(socket, index) { _ in false }
                case .send(let bytes): try send(socket, bytes)
                case .wait:
                    waits += 1
                    let wanted = waits
                    guard Patience.until({ self.state.withLock { $0.proceeded } >= wanted }) else {
                        throw TestError("nobody called proceed")
                    }
                case .shutdownWrite: IO.shutdownWrite(socket)
                case .reset: Sockets.setResetOnClose(socket)
                case .close: break
                }
            }
            state.withLock { $0.records[index].isFinished = true }
        } catch {
            state.withLock { $0.records[index].failure = "\(error)" }
        }
    }

    /// Receives byte by byte, so that nothing beyond a step's end is taken.
    private func receive(_ socket: Int32, _ index: Int, until isDone: ([UInt8]) -> Bool) throws {
        let deadline = Clock.monotonic() + Patience.limit
        var byte: UInt8 = 0
        while !state.withLock({ isDone($0.records[index].received) }) {
            let result = unsafe withUnsafeMutableBytes(of: &byte) { unsafe IO.recv(socket, into: $0) }
            switch result {
            case .bytes: state.withLock { $0.records[index].received.append(byte) }
            case .wantsRead, .wantsWrite: try Patience.wait(for: socket, Int32(POLLIN), until: deadline)
            case .endOfStream: return
            case .failed(let error): throw error
            }
        }
    }

    private func send(_ socket: Int32, _ bytes: [UInt8]) throws {
        var output = ByteBuffer(capacity: max(bytes.count, 1))
        output.append(bytes)
        let deadline = Clock.monotonic() + Patience.limit
        while !output.isEmpty {
            switch IO.write(socket, from: &output) {
            case .bytes: continue
            case .wantsWrite, .wantsRead: try Patience.wait(for: socket, Int32(POLLOUT), until: deadline)
            case .endOfStream: throw TestError("the peer has closed")
            case .failed(let error): throw error
            }
        }
    }
}
