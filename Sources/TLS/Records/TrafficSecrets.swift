internal import COpenSSL
internal import Glibc

/// The two secrets that protect an established TLS 1.3 session, as its handshake tells them.
///
/// They arrive as lines of the key log (SSL_CTX_set_keylog_callback(3)), which here goes nowhere else. Wiped when dropped.
struct TrafficSecrets: ~Copyable {
    /// The client's secret from 0, the server's from 48.
    private var bytes: SecretBytes?
    private var clientLength = 0
    private var serverLength = 0

    var isEmpty: Bool { bytes == nil }

    static let serverOffset = 48
    private static let randomDigits = 64

    /// Keeps the secret in a line of the key log, if it is one of the two.
    mutating func take(line: borrowing Span<UInt8>) {
        if let length = store(line, label: "CLIENT_TRAFFIC_SECRET_0 ", at: 0) { clientLength = length }
        if let length = store(line, label: "SERVER_TRAFFIC_SECRET_0 ", at: Self.serverOffset) { serverLength = length }
    }

    /// Both secrets, for as long as `hash` makes them; nil where one is missing. None are kept.
    mutating func surrender(_ hash: RecordHash) -> SecretBytes? {
        defer {
            bytes = nil
            (clientLength, serverLength) = (0, 0)
        }
        return clientLength == hash.length && serverLength == hash.length ? bytes : nil
    }

    private mutating func store(_ line: borrowing Span<UInt8>, label: StaticString, at offset: Int) -> Int? {
        let start = label.utf8CodeUnitCount + Self.randomDigits + 1
        guard line.count > start, line[start - 1] == 0x20 else { return nil }
        for index in 0..<label.utf8CodeUnitCount {
            guard unsafe label.utf8Start[index] == line[index] else { return nil }
        }
        let digits = line.count - start
        guard digits == 2 * RecordHash.sha256.length || digits == 2 * RecordHash.sha384.length else { return nil }
        let space = bytes ?? SecretBytes(count: 2 * Self.serverOffset)
        bytes = space
        for index in 0..<digits / 2 {
            guard let high = hexValue(line[start + 2 * index]), let low = hexValue(line[start + 2 * index + 1]) else {
                return nil
            }
            unsafe space.start[offset + index] = high << 4 | low
        }
        return digits / 2
    }
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}

/// Hands a line of the key log to the session's transport: while it shakes hands as a server, and never else.
func noteSecret(session: OpaquePointer?, line: UnsafePointer<CChar>?) {
    guard let session = unsafe session, let line = unsafe line,
        let transport = unsafe Transport.of(session), unsafe transport.pointee.isFraming
    else { return }
    let count = unsafe strlen(line)
    unsafe line.withMemoryRebound(to: UInt8.self, capacity: count) { line in
        unsafe transport.pointee.secrets.take(line: Span(_unsafeStart: line, count: count))
    }
}
