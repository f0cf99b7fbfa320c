import Bytes
import CLinux
import EventLoop
import Glibc

/// Decrypts a file by running `age -d -i IDENTITY PATH` (age(1)). Blocks.
struct AgeDecryption: Sendable {
    /// Found in PATH unless it has a slash.
    var program = "age"
    /// Nanoseconds; whoever takes longer is killed.
    var timeout: UInt64 = 10_000_000_000

    struct Failure: Error {
        let message: String
        let hint: String
    }

    /// Bytes of its messages that are kept.
    private static let messageLimit = 2048

    /// The plaintext, of at most `limit` bytes.
    func decrypt(_ path: String, identity: String, limit: Int) throws(Failure) -> [UInt8] {
        let process = try AgeProcess(program, ["-d", "-i", identity, path])
        let deadline = Clock.monotonic() &+ timeout
        var output = PipeContent(limit: limit)
        var messages = PipeContent(limit: Self.messageLimit, dropsRest: true)
        var isInTime = true
        while (!output.isEnded || !messages.isEnded) && !output.isOverLimit && isInTime {
            isInTime = process.wait(output: output.isEnded, messages: messages.isEnded, until: deadline)
            if isInTime {
                output.read(process.output)
                messages.read(process.messages)
            }
        }
        let status = process.end(killing: !isInTime || output.isOverLimit, by: deadline)
        let text = messages.text
        guard isInTime, !output.isOverLimit, status == 0 else {
            output.wipeAll()
            if output.isOverLimit {
                throw Failure(message: "it decrypts to more than \(limit) bytes", hint: "keep only secrets in it")
            }
            guard isInTime, status != nil || Clock.monotonic() < deadline else {
                let hint = "an identity that asks for a passphrase or for a token in a slot can't be used"
                throw Failure(message: "age did not end in time and was stopped", hint: hint)
            }
            guard let status else { throw Failure(message: "age was ended by a signal", hint: "try again") }
            let said = text.isEmpty ? "exit status \(status)" : text
            throw Failure(message: "age could not decrypt it (\(said))", hint: "see that identity= is the right key")
        }
        return output.take()
    }
}

/// What has come out of a pipe so far.
private struct PipeContent {
    private var bytes: [UInt8]
    private var count = 0
    private(set) var isEnded = false
    private let limit: Int
    private let dropsRest: Bool

    init(limit: Int, dropsRest: Bool = false) {
        self.limit = limit
        self.dropsRest = dropsRest
        bytes = [UInt8](repeating: 0, count: limit + 1)
    }

    var isOverLimit: Bool { count > limit }

    /// What there is now; the pipe doesn't block. Beyond the limit nothing is kept.
    mutating func read(_ descriptor: Int32) {
        while !isEnded, !isOverLimit {
            let start = count
            let got = unsafe bytes.withUnsafeMutableBytes { memory in
                unsafe Glibc.read(descriptor, memory.baseAddress.map { unsafe $0 + start }, memory.count - start)
            }
            if got < 0, errno == EINTR { continue }
            if got < 0, errno == EAGAIN { return }
            if got <= 0 {
                isEnded = true
            } else {
                count += got
                if dropsRest { count = min(count, limit) }
            }
        }
    }

    /// In one line, for people.
    var text: String {
        let lines = bytes[..<min(count, limit)].split(separator: ASCII.lineFeed).map {
            String(decoding: $0, as: UTF8.self)
        }
        return lines.filter { !$0.contains("report unexpected") }.joined(separator: " ")
    }

    /// The bytes; they are the caller's to wipe.
    mutating func take() -> [UInt8] {
        bytes.removeLast(bytes.count - count)
        defer { bytes = [] }
        return bytes
    }

    mutating func wipeAll() { wipe(&bytes) }
}
