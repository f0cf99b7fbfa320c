import Bytes

@testable import TLS

/// The client's end of a session in memory, which can also send what a sane one would not.
struct RecordPeer: ~Copyable {
    let suite: RecordSuite
    private var cipher: RecordCipher
    private var secret: [UInt8]
    /// Reads what the server sends.
    var reading: RecordProtection

    private static func secrets(_ suite: RecordSuite) -> (client: [UInt8], server: [UInt8]) {
        ((0..<suite.hash.length).map { UInt8($0 + 1) }, (0..<suite.hash.length).map { UInt8(0xF0 ^ $0) })
    }

    /// The other end, under the same secrets.
    static func server(
        _ suite: RecordSuite,
        updateInterval: UInt64 = RecordProtection.updateInterval
    ) -> RecordReader {
        let (client, server) = secrets(suite)
        let protection = RecordProtection(
            suite,
            client: client,
            server: server,
            isServer: true,
            updateInterval: updateInterval
        )
        return RecordReader(protection!)
    }

    init(_ suite: RecordSuite) {
        let (client, server) = Self.secrets(suite)
        self.suite = suite
        secret = client
        cipher = RecordCipher.make(suite, .seal, secret: client.span)!
        reading = RecordProtection(suite, client: client, server: server, isServer: false)!
    }

    /// A record with this inner plaintext, whatever it is.
    mutating func seal(inner: [UInt8], header: [UInt8]? = nil) -> [UInt8] {
        let length = inner.count + 16
        let header = header ?? [23, 3, 3, UInt8(length >> 8), UInt8(length & 0xFF)]
        var record = header + [UInt8](repeating: 0, count: length)
        var span = record.mutableSpan
        precondition(cipher.begin(header: header.span))
        precondition(cipher.update(inner.span, 0..<inner.count, into: &span, at: 5))
        precondition(cipher.finish(into: &span, at: 5 + inner.count))
        cipher.advance()
        return record
    }

    mutating func seal(_ content: [UInt8], type: UInt8 = 23, padding: Int = 0) -> [UInt8] {
        seal(inner: content + [type] + [UInt8](repeating: 0, count: padding))
    }

    /// A key update, after which the next key is in use.
    mutating func update(request: UInt8 = 0) -> [UInt8] {
        let record = seal([24, 0, 0, 1, request], type: 22)
        let next = KeySchedule(suite.hash, secret: secret.span).expand(label: "traffic upd", length: secret.count)
        let renewed = (0..<secret.count).map { next[$0] }
        let isSet = cipher.setKey(suite, secret: renewed.span)
        precondition(isSet)
        secret = renewed
        return record
    }
}

/// Feeds a reader as a socket would, in pieces, and gathers what it delivers, as many bytes at a time as `room` says.
func feed(
    _ reader: inout RecordReader,
    _ ciphertext: [UInt8],
    pieces: [Int] = [],
    room: Int = 20000
) -> (bytes: [UInt8], outcome: RecordReader.Outcome) {
    var all: [UInt8] = []
    var space = [UInt8](repeating: 0, count: room)
    var start = 0
    for end in pieces + [ciphertext.count] {
        var window = [UInt8](repeating: 0, count: reader.keptCount)
        var windowSpan = window.mutableSpan
        let kept = reader.copyKept(into: &windowSpan)
        precondition(kept == window.count)
        window += ciphertext[start..<end]
        start = end
        var span = space.mutableSpan
        var outcome = reader.read(window.span, into: &span)
        while case .bytes(let count) = outcome {
            all += space[..<count]
            var span = space.mutableSpan
            outcome = reader.read(into: &span)
        }
        if outcome != .needsMore { return (all, outcome) }
    }
    return (all, .needsMore)
}
