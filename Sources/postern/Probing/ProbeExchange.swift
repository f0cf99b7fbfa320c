import Bytes
import EventLoop
import Glibc
import TLS

/// One request over one connection, and its status; waits, until a deadline.
struct ProbeExchange: ~Copyable {
    /// Bytes of the reply that are looked at: its status line is far shorter.
    private static let lookedAt = 1024

    private let target: ProbeTarget
    /// CLOCK_MONOTONIC
    private let deadline: UInt64
    private let socket: OwnedDescriptor
    private var session: TLSSession?

    /// Asks, and waits for the reply's status.
    /// - Throws: with what went wrong, in words, the URL first.
    static func status(of target: ProbeTarget, deadline: UInt64) throws(CommandError) -> Int {
        var exchange = try ProbeExchange(target, deadline)
        try exchange.prepare()
        var request = "GET \(target.path) HTTP/1.1\r\nHost: \(target.host)\r\nUser-Agent: postern-probe\r\n"
        request += "Accept: text/plain\r\nConnection: close\r\n\r\n"
        try exchange.send(Array(request.utf8))
        return try exchange.readStatus()
    }

    private init(_ target: ProbeTarget, _ deadline: UInt64) throws(CommandError) {
        self.target = target
        self.deadline = deadline
        switch Sockets.connect(to: target.address) {
        case .connected(let socket): self.socket = socket
        case .inProgress(let socket): self.socket = socket
        case .failed(let error): throw Self.refused(target, error)
        }
    }

    /// Connects, and shakes hands.
    private mutating func prepare() throws(CommandError) {
        try wait(POLLOUT, "did not take the connection")
        if let error = Sockets.error(of: socket.raw) { throw Self.refused(target, error) }
        if target.needsProxyHeader { try send(Array("PROXY UNKNOWN\r\n".utf8)) }
        guard target.isTLS else { return }
        var settings = ClientTLSSettings()
        settings.verifiesPeer = false
        settings.applicationProtocols = [.http11]
        do throws(TLSError) {
            let context = try ClientContext(settings)
            session = try TLSSession(client: context, descriptor: socket.raw, serverName: target.serverName)
        } catch {
            throw failure("no TLS: \(error)")
        }
        while true {
            switch session?.handshake() {
            case .none, .done: return
            case .wantsRead: try wait(POLLIN, "did not finish the TLS handshake")
            case .wantsWrite: try wait(POLLOUT, "did not finish the TLS handshake")
            case .failed(let error): throw failure("no TLS: \(error)")
            }
        }
    }

    private mutating func send(_ bytes: [UInt8]) throws(CommandError) {
        var sent = 0
        while sent < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { memory in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: memory[sent...])
                return unsafe session?.write(rest) ?? IO.send(socket.raw, rest)
            }
            switch result {
            case .bytes(let count): sent += count
            case .wantsRead: try wait(POLLIN, "did not take the request")
            case .wantsWrite: try wait(POLLOUT, "did not take the request")
            case .endOfStream: throw failure("closed the connection before it had the request")
            case .failed(let error): throw failure("broke the connection before it had the request (\(error))")
            }
        }
    }

    private mutating func readStatus() throws(CommandError) -> Int {
        var reply: [UInt8] = []
        var space = [UInt8](repeating: 0, count: Self.lookedAt)
        while true {
            if let end = reply.firstIndex(of: ASCII.lineFeed) {
                guard let status = Self.status(in: reply[..<end]) else { throw failure("answered, but not in HTTP/1") }
                return status
            }
            guard reply.count < Self.lookedAt else { throw failure("answered, but not in HTTP/1") }
            let result = unsafe space.withUnsafeMutableBytes { memory in
                unsafe session?.read(into: memory) ?? IO.recv(socket.raw, into: memory)
            }
            switch result {
            case .bytes(let count): reply += space[..<count]
            case .wantsRead: try wait(POLLIN, "did not answer")
            case .wantsWrite: try wait(POLLOUT, "did not answer")
            case .endOfStream: throw failure("closed the connection without an answer")
            case .failed(let error): throw failure("broke the connection without an answer (\(error))")
            }
        }
    }

    /// The number in `HTTP/1.1 200 OK`.
    private static func status(in line: ArraySlice<UInt8>) -> Int? {
        let text = String(decoding: line.last == ASCII.carriageReturn ? line.dropLast() : line, as: UTF8.self)
        guard text.hasPrefix("HTTP/1.") else { return nil }
        let words = text.split(separator: " ")
        guard words.count >= 2, words[1].count == 3 else { return nil }
        return Int(words[1])
    }

    // MARK: Waiting

    private func wait(_ events: Int32, _ what: String) throws(CommandError) {
        while true {
            let now = Clock.monotonic()
            guard now < deadline else { throw failure("\(what) in time") }
            var entry = pollfd(fd: socket.raw, events: Int16(events), revents: 0)
            // Rounded up, so that the deadline has passed when the wait has.
            let count = unsafe poll(&entry, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw failure("\(SystemError("poll", code: errno))") }
        }
    }

    private func failure(_ what: String) -> CommandError { CommandError("\(target.url): \(what)") }

    private static func refused(_ target: ProbeTarget, _ error: SystemError) -> CommandError {
        let isNobodyThere = error.code == ECONNREFUSED || error.code == ENOENT
        return CommandError("\(target.url): \(isNobodyThere ? "nothing listens there" : "can't be reached") (\(error))")
    }
}
