import Bytes
package import EventLoop
import Glibc

/// A client that sends what a test says, byte by byte if need be, and reads with a time limit.
package final class TestClient {
    private let socket: OwnedDescriptor
    /// What was received and not read yet.
    private var input = ByteBuffer()
    /// How long one call may take, in nanoseconds.
    package var timeout: UInt64
    /// Bytes that a read without a length takes at the most.
    package var limit = 64 * 1024 * 1024

    /// Connects to `address`, from `source` if given.
    package init(
        _ address: SocketAddress,
        from source: SocketAddress? = nil,
        timeout: UInt64 = Patience.limit
    ) throws {
        self.timeout = timeout
        switch Sockets.connect(to: address, from: source) {
        case .connected(let socket):
            self.socket = socket
        case .inProgress(let socket):
            try Patience.wait(for: socket.raw, Int32(POLLOUT), until: Clock.monotonic() + timeout)
            if let error = Sockets.error(of: socket.raw) { throw error }
            self.socket = socket
        case .failed(let error):
            throw error
        }
        Sockets.setNoDelay(self.socket.raw)
    }

    /// Speaks over a socket that is connected already.
    package init(adopting socket: consuming OwnedDescriptor, timeout: UInt64 = Patience.limit) {
        self.timeout = timeout
        self.socket = socket
        Sockets.setNoDelay(self.socket.raw)
    }

    /// The socket, for options.
    package var descriptor: Int32 { socket.raw }

    /// Our own address.
    package var localAddress: SocketAddress? { Sockets.localAddress(of: socket.raw) }

    // MARK: Sending

    /// Sends all of `bytes`.
    package func send(_ bytes: [UInt8]) throws {
        var output = ByteBuffer(capacity: max(bytes.count, 1))
        output.append(bytes)
        let deadline = Clock.monotonic() + timeout
        while !output.isEmpty {
            switch IO.write(socket.raw, from: &output) {
            case .bytes: continue
            case .wantsWrite, .wantsRead: try Patience.wait(for: socket.raw, Int32(POLLOUT), until: deadline)
            case .endOfStream: throw TestError("the peer has closed")
            case .failed(let error): throw error
            }
        }
    }

    /// Sends the UTF-8 of `text` as it is.
    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Ends our side of the stream.
    package func shutdownWrite() { IO.shutdownWrite(socket.raw) }

    /// Makes closing reset the connection.
    package func resetOnClose() { Sockets.setResetOnClose(socket.raw) }

    // MARK: Receiving

    /// Receives once. False at the end of the stream; a reset counts as one.
    private func receive(until deadline: UInt64) throws -> Bool {
        guard input.readableCount < limit else { throw TestError("more than \(limit) bytes") }
        input.compact()
        var isDrained = false
        while true {
            switch IO.read(socket.raw, into: &input, minimum: 16_384, isDrained: &isDrained) {
            case .bytes: return true
            case .wantsRead, .wantsWrite: try Patience.wait(for: socket.raw, Int32(POLLIN), until: deadline)
            case .endOfStream: return false
            case .failed(let error):
                if error.code == ECONNRESET { return false }
                throw error
            }
        }
    }

    /// Exactly `count` bytes.
    package func read(_ count: Int) throws -> [UInt8] {
        let deadline = Clock.monotonic() + timeout
        while input.readableCount < count {
            guard try receive(until: deadline) else {
                throw TestError("the stream ended \(count - input.readableCount) bytes early")
            }
        }
        return take(count)
    }

    /// All bytes up to and with `mark`.
    package func read(through mark: String) throws -> String {
        let mark = Array(mark.utf8)
        let deadline = Clock.monotonic() + timeout
        var searched = 0
        while true {
            if let end = Self.find(mark, in: input, from: searched) {
                return String(decoding: take(end), as: UTF8.self)
            }
            searched = max(input.readableCount - mark.count + 1, 0)
            guard try receive(until: deadline) else {
                throw TestError("the stream ended before the mark, after: \(Self.text(input))")
            }
        }
    }

    /// All bytes to the end of the stream.
    package func readToEnd() throws -> [UInt8] {
        let deadline = Clock.monotonic() + timeout
        while try receive(until: deadline) {}
        return take(input.readableCount)
    }

    /// Reads and drops `count` bytes; `check` sees each run of them with its offset.
    package func discard(_ count: Int, _ check: (borrowing Span<UInt8>, Int) -> Void = { _, _ in }) throws {
        var done = 0
        while done < count {
            if input.isEmpty, try !receive(until: Clock.monotonic() + timeout) {
                throw TestError("the stream ended \(count - done) bytes early")
            }
            let part = min(input.readableCount, count - done)
            Self.show(input, part, done, check)
            input.consume(part)
            done += part
        }
    }

    /// Whether the peer has closed, and sent nothing more.
    package func isAtEnd() throws -> Bool {
        guard input.isEmpty else { return false }
        return try !receive(until: Clock.monotonic() + timeout)
    }

    /// What has come and is not read yet, without waiting.
    package var pending: [UInt8] {
        Self.prefix(input, input.readableCount)
    }

    private func take(_ count: Int) -> [UInt8] {
        let bytes = Self.prefix(input, count)
        input.consume(count)
        return bytes
    }

    // A span of a class's property can't be kept for more than one access, hence these.

    private static func prefix(_ input: borrowing ByteBuffer, _ count: Int) -> [UInt8] {
        input.readable.extracting(0..<count).array
    }

    private static func text(_ input: borrowing ByteBuffer) -> String { input.readable.string }

    private static func show(
        _ input: borrowing ByteBuffer,
        _ count: Int,
        _ offset: Int,
        _ check: (borrowing Span<UInt8>, Int) -> Void
    ) {
        check(input.readable.extracting(0..<count), offset)
    }

    private static func find(_ mark: [UInt8], in input: borrowing ByteBuffer, from start: Int) -> Int? {
        let bytes = input.readable
        guard bytes.count >= mark.count else { return nil }
        for index in start...(bytes.count - mark.count)
        where bytes.extracting(index..<(index + mark.count)).equals(mark.span) {
            return index + mark.count
        }
        return nil
    }
}
