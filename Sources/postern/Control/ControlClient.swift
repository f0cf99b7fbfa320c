import CLinux
import EventLoop
import Glibc
import Proxy

/// Asks the running proxy, over its control socket, and waits for the answer.
struct ControlClient {
    let path: String

    /// Milliseconds to wait for the next bytes: an answer may have to wait for a disk.
    var wait: Int32 = 30_000

    /// Bytes of an answer: more than all the sessions there can be.
    private static let limit = 128 << 20

    /// Reads something; the answer as it came, which is JSON.
    func get(_ target: String) throws(CommandError) -> [UInt8] { try ask("GET", target, nil) }

    /// Has something done.
    func post<Answer: Decodable>(
        _ target: String,
        _ body: [String: String] = [:],
        for type: Answer.Type
    ) throws(CommandError) -> Answer {
        let answer = try ask("POST", target, ControlJSON.encode(body))
        return try Self.read(type, answer)
    }

    /// What an answer says.
    static func read<Answer: Decodable>(_ type: Answer.Type, _ answer: [UInt8]) throws(CommandError) -> Answer {
        guard let value = ControlJSON.decode(type, answer) else {
            throw CommandError("the proxy's answer can't be read: is it of another version than this command?")
        }
        return value
    }

    /// A text as part of a query (RFC 3986, section 2.3).
    static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                result.append(Character(UnicodeScalar(byte)))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }

    // MARK: One exchange

    private func ask(_ method: String, _ target: String, _ body: [UInt8]?) throws(CommandError) -> [UInt8] {
        let socket = try connect()
        var request = "\(method) \(target) HTTP/1.1\r\nHost: postern\r\nConnection: close\r\n"
        if let body { request += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        try send(Array((request + "\r\n").utf8) + (body ?? []), socket.raw)
        return try result(receive(socket.raw))
    }

    private func connect() throws(CommandError) -> OwnedDescriptor {
        guard let address = SocketAddress(path: path) else {
            throw CommandError(
                "\(path) is too long for a socket's path: at most \(SocketAddress.maximumPathCount) bytes"
            )
        }
        switch Sockets.connect(to: address) {
        case .connected(let socket): return socket
        // Which a unix socket never is.
        case .inProgress(let socket): return socket
        case .failed(let error): throw CommandError(explanation(error))
        }
    }

    private func explanation(_ error: SystemError) -> String {
        switch error.code {
        case ENOENT:
            "no proxy listens at \(path): there is no such socket. "
                + "Is Postern running, and is this the socket that its configuration names?"
        case ECONNREFUSED: "no proxy listens at \(path): the one that did has ended"
        case EACCES, EPERM:
            "\(path) can't be opened: permission denied. Ask as root, or as the user that Postern runs as"
        case EAGAIN: "too many ask at \(path) at once: try again"
        default: "\(path) can't be reached: \(error)"
        }
    }

    private func send(_ bytes: [UInt8], _ socket: Int32) throws(CommandError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            try waitUntilReady(socket, POLLOUT)
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(socket, $0.baseAddress, $0.count, clinux_msg_nosignal)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            // Refused before it was read whole: the answer says why.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private func receive(_ socket: Int32) throws(CommandError) -> [UInt8] {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= Self.limit {
            try waitUntilReady(socket, POLLIN)
            let count = unsafe part.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            if count <= 0 { return bytes }
            bytes += part.prefix(count)
        }
        throw CommandError("the proxy's answer is longer than \(Self.limit >> 20) MiB")
    }

    private func waitUntilReady(_ socket: Int32, _ events: Int32) throws(CommandError) {
        var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
        while true {
            let count = unsafe poll(&entry, 1, wait)
            if count > 0 { return }
            if count == 0 { throw CommandError("the proxy at \(path) doesn't answer") }
            if errno != EINTR { throw .system("can't be waited for", path) }
        }
    }

    /// The body of an answer, or why there is none.
    private func result(_ bytes: [UInt8]) throws(CommandError) -> [UInt8] {
        let end = Array("\r\n\r\n".utf8)
        let start = Array("HTTP/1.1 ".utf8)
        guard bytes.starts(with: start), bytes.count > 12,
            let status = Int(String(decoding: bytes[9..<12], as: UTF8.self)),
            let head = bytes.indices.first(where: { bytes[$0...].starts(with: end) })
        else {
            throw CommandError(
                bytes.isEmpty
                    ? "the proxy at \(path) closed the connection without an answer"
                    : "what listens at \(path) is not Postern's control socket"
            )
        }
        let body = Array(bytes[(head + 4)...])
        if status == 200 { return body }
        guard let error = ControlJSON.decode(ControlError.self, body) else {
            throw CommandError("the proxy answered with status \(status)")
        }
        throw CommandError(Words.printable(error.error))
    }
}
