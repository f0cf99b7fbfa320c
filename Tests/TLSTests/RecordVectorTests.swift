import Bytes
import Testing

@testable import TLS

/// The example of RFC 8448, section 3.
@Suite struct RecordVectorTests {
    static let client = hex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5")
    static let server = hex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
    static let payload = [UInt8](0...0x31)
    static let clientRecord = hex(
        """
        17030300 43a23f70 54b62c94 d0affafe 8228ba55 cbefacea 42f914aa 66bcab3f 2b9819a8 a5b46b39 5bd54a9a
        20441e2b 62974e1f 5a6292a2 977014bd 1e3deae6 3aeebb21 694915e4
        """
    )
    static let serverRecord = hex(
        """
        17030300 432e937e 11ef4ac7 40e538ad 36005fc4 a46932fc 3225d05f 82aa1b36 e30efaf9 7d90e6df fc602dcb
        501a59a8 fcc49c4b f2e5f0a2 1c0047c2 abf33254 0dd032e1 67c2955d
        """
    )
    static let clientClose = hex("1703030013 c9872760655666b74d7ff1153efd6db6d0b0e3")
    static let serverClose = hex("1703030013 b58fd67166ebf599d24720cfbe7efa7a8864a9")

    @Test(arguments: [
        (client, "key", "17422dda596ed5d9acd890e3c63f5051"), (client, "iv", "5b78923dee08579033e523d9"),
        (server, "key", "9f02283b6c9c07efc26bb9f2ac92e356"), (server, "iv", "cf782b88dd83549aadf1e984"),
    ])
    func derivesKeys(secret: [UInt8], label: String, expected: String) {
        let (expected, isKey) = (hex(expected), label == "key")
        let derived = KeySchedule(.sha256, secret: secret.span)
            .expand(label: isKey ? "key" : "iv", length: expected.count)
        #expect((0..<expected.count).map { derived[$0] } == expected)
    }

    @Test(arguments: [
        (RecordHash.sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (.sha384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"),
    ])
    func authenticatesAsRFC4231(hash: RecordHash, expected: String) {
        let (key, message) = (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        let digest = KeySchedule(hash, secret: key.span).authenticate(message.span)
        #expect((0..<hash.length).map { digest[$0] } == hex(expected))
    }

    @Test func serverSideOfTheTrace() {
        var server = RecordProtection(.aes128GCM, client: Self.client, server: Self.server, isServer: true)!
        // The ticket went first.
        server.writer.advance()
        #expect(opened(&server, Self.clientRecord) == .init(.data(consumed: 72, count: 50), Self.payload))
        #expect(sealed(&server, Self.payload) == Self.serverRecord)
        #expect(opened(&server, Self.clientClose).event == .closed(consumed: 24))
        var space = [UInt8](repeating: 0, count: 24)
        var span = space.mutableSpan
        #expect(server.sealAlert(0, into: &span, at: 0) == 24)
        #expect(space == Self.serverClose)
    }

    @Test func clientSideOfTheTrace() {
        var client = RecordProtection(.aes128GCM, client: Self.client, server: Self.server, isServer: false)!
        #expect(sealed(&client, Self.payload) == Self.clientRecord)
        // The ticket, which would come before it, is missing.
        #expect(opened(&client, Self.serverRecord).event == .failed(.badRecord))
    }
}

/// What opening one record brought, and the plaintext that was delivered.
struct Opened: Equatable {
    let event: RecordEvent
    let bytes: [UInt8]
    init(_ event: RecordEvent, _ bytes: [UInt8] = []) { (self.event, self.bytes) = (event, bytes) }
}

/// Opens the record at the front of `ciphertext`, with `room` for its content; what is left over follows what fitted.
func opened(_ protection: inout RecordProtection, _ ciphertext: [UInt8], room: Int = 20000) -> Opened {
    var space = [UInt8](repeating: 0, count: room)
    var span = space.mutableSpan
    var rest = ByteBuffer()
    let event = protection.open(ciphertext.span, at: 0, into: &span, at: 0, rest: &rest, onlyData: false)
    guard case .data(_, let count) = event else { return Opened(event) }
    return Opened(event, space[..<count] + bytes(rest))
}

func bytes(_ buffer: borrowing ByteBuffer) -> [UInt8] {
    let readable = buffer.readable
    return readable.indices.map { readable[$0] }
}

/// Seals one record of `bytes`.
func sealed(_ protection: inout RecordProtection, type: UInt8 = 23, _ bytes: [UInt8]) -> [UInt8] {
    var space = [UInt8](repeating: 0, count: bytes.count + 22)
    var span = space.mutableSpan
    let count = protection.seal(type, bytes.span, 0..<bytes.count, into: &span, at: 0)
    return count == space.count ? space : []
}

/// Bytes from hexadecimal digits; blanks between them don't count.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue).map { UInt8($0) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
