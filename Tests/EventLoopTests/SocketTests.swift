import Bytes
import EventLoop
import Glibc
import Testing

@Suite struct SocketTests {
    /// Waits for the next event, at most five seconds.
    static func event(_ poller: inout Poller) throws -> Poller.Event {
        let count = try poller.wait(timeoutNanoseconds: 5_000_000_000)
        try #require(count > 0, "nothing happened in five seconds")
        return poller.event(at: 0)
    }

    @Test(arguments: ["127.0.0.1:0", "[::1]:0", "unix"])
    func acceptsAndConnects(text: String) throws {
        let path = "/tmp/postern-test-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        defer { _ = unsafe unlink(path) }
        let wanted = try #require(text == "unix" ? SocketAddress(path: path) : SocketAddress(parsing: text))
        let listener = try Listener.listen(on: wanted, backlog: 16)
        let bound = try #require(Sockets.localAddress(of: listener.raw))
        #expect(bound.family == wanted.family)
        if case .wouldBlock = Listener.accept(listener.raw) {} else { Issue.record("nobody has connected yet") }

        var poller = try Poller()
        let listenerToken = Token(kind: 1, slot: 1, generation: 1)
        try poller.add(descriptor: listener.raw, token: listenerToken, interest: .read, exclusive: true)
        let client: OwnedDescriptor
        switch Sockets.connect(to: bound) {
        case .connected(let socket): client = socket
        case .inProgress(let socket): client = socket
        case .failed(let error): throw error
        }
        let event = try Self.event(&poller)
        #expect(event.token == listenerToken && event.isReadable)
        switch Listener.accept(listener.raw) {
        case .connection(let server, let peer):
            #expect(peer.family == wanted.family)
            if wanted.family != .unix { #expect(Sockets.localAddress(of: client.raw) == peer) }
            #expect(Sockets.error(of: client.raw) == nil)
            #expect(fcntl(server.raw, F_GETFD) & FD_CLOEXEC != 0)
            #expect(fcntl(server.raw, F_GETFL) & O_NONBLOCK != 0)
            Sockets.setNoDelay(server.raw)
            Sockets.setKeepAlive(server.raw, idle: 60, interval: 10, count: 3)
            var output = ByteBuffer("hello".utf8)
            let result2 = IO.write(client.raw, from: &output)
            #expect(result2 == .bytes(5))
            IO.shutdownWrite(client.raw)
            try poller.add(descriptor: server.raw, token: Token(kind: 2, slot: 0, generation: 0))
            let event = try Self.event(&poller)
            #expect(event.isReadable)
            var input = ByteBuffer()
            var isDrained = false
            let result3 = IO.read(server.raw, into: &input, minimum: 64, isDrained: &isDrained)
            #expect(result3 == .bytes(5))
            #expect(isDrained)
            #expect(input.readable.string == "hello")
            let result4 = IO.read(server.raw, into: &input, minimum: 64, isDrained: &isDrained)
            #expect(result4 == .endOfStream)
        case .wouldBlock: Issue.record("a connection should wait")
        case .retry: Issue.record("the connection should live")
        case .outOfDescriptors(let error): throw error
        case .failed(let error): throw error
        }
    }

    @Test func aRefusedConnectionIsReported() throws {
        var bound: SocketAddress?
        do {
            let listener = try Listener.listen(on: SocketAddress(ipv4: 0x7F00_0001, port: 0))
            bound = Sockets.localAddress(of: listener.raw)
        }
        switch Sockets.connect(to: try #require(bound)) {
        case .connected: Issue.record("nobody listens there")
        case .inProgress(let socket):
            var poller = try Poller()
            try poller.add(descriptor: socket.raw, token: Token(bits: 7))
            let event = try Self.event(&poller)
            #expect(event.isHangup)
            #expect(Sockets.error(of: socket.raw)?.code == ECONNREFUSED)
        case .failed(let error): #expect(error.code == ECONNREFUSED)
        }
    }

    @Test func aStaleSocketFileIsReplacedAndALiveOneIsNot() throws {
        let path = "/tmp/postern-test-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        defer { _ = unsafe unlink(path) }
        let address = try #require(SocketAddress(path: path))
        do { _ = try Listener.listen(on: address) }
        let second = try Listener.listen(on: address, mode: 0o600)
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(throws: SystemError("bind", code: EADDRINUSE)) { _ = try Listener.listen(on: address) }
        _ = consume second
    }

    @Test func aFileThatIsNoSocketIsLeftAlone() throws {
        let path = "/tmp/postern-test-\(getpid())-\(UInt32.random(in: 0 ... .max)).txt"
        let descriptor = unsafe open(path, O_CREAT | O_WRONLY, 0o600)
        #expect(descriptor >= 0)
        close(descriptor)
        defer { _ = unsafe unlink(path) }
        let address = try #require(SocketAddress(path: path))
        #expect(throws: SystemError.self) { _ = try Listener.listen(on: address) }
        #expect(FileStamp(path: path) != nil)
    }

    @Test func manyListenersShareAPort() throws {
        let first = try Listener.listen(on: SocketAddress(ipv4: 0x7F00_0001, port: 0), reusePort: true)
        let bound = try #require(Sockets.localAddress(of: first.raw))
        let second = try Listener.listen(on: bound, reusePort: true)
        #expect(second.raw != first.raw)
        #expect(throws: SystemError("bind", code: EADDRINUSE)) { _ = try Listener.listen(on: bound) }
    }

    @Test func writingIsReportedAndBrokenPipesDoNotKill() throws {
        let pair = try Sockets.pair()
        var buffer = ByteBuffer(capacity: 65536)
        for _ in 0..<65536 { buffer.append(0x2E) }
        var result = IOResult.bytes(0)
        var sent = 0
        while case .bytes = result {
            result = unsafe buffer.withReadable { bytes in
                unsafe IO.sendv(
                    pair.first.raw,
                    UnsafeRawBufferPointer(rebasing: bytes[..<100]),
                    UnsafeRawBufferPointer(rebasing: bytes[100...])
                )
            }
            if case .bytes(let count) = result { sent += count }
        }
        #expect(result == .wantsWrite)
        #expect(sent > 65536)
        let socket = pair.first.raw
        let kept = closeSecond(pair)
        #expect(unsafe buffer.withReadable { unsafe IO.send(socket, $0) } == .failed(SystemError("send", code: EPIPE)))
        _ = consume kept
    }

    private func closeSecond(_ pair: consuming Sockets.Pair) -> OwnedDescriptor { pair.first }
}
