/// What the key schedule of every handshake without a shared key begins with (RFC 8446, 7.1): constants, no secrets.
@safe
final class FirstSecret: @unchecked Sendable {
    private let secret: Derived
    private let length: Int
    /// Keyed with zeros.
    let beforeAll: KeySchedule
    /// Keyed with what the first secret derives to.
    let following: KeySchedule
    /// The digest of no message.
    let emptyDigest: Derived

    private static let sha256 = FirstSecret(.sha256)
    private static let sha384 = FirstSecret(.sha384)

    static func of(_ hash: RecordHash) -> FirstSecret { hash == .sha256 ? sha256 : sha384 }

    private init(_ hash: RecordHash) {
        length = hash.length
        let zeros = Derived(repeating: 0)
        beforeAll = KeySchedule(hash, secret: zeros.span.extracting(0..<length))
        secret = beforeAll.authenticate(zeros.span.extracting(0..<length))
        emptyDigest = KeySchedule.digest(hash, of: Span())
        let schedule = KeySchedule(hash, secret: secret.span.extracting(0..<length))
        let seed = schedule.expand(label: "derived", context: emptyDigest.span.extracting(0..<length), length: length)
        following = KeySchedule(hash, secret: seed.span.extracting(0..<length))
    }

    func equals(_ other: borrowing Span<UInt8>) -> Bool {
        guard other.count == length else { return false }
        var difference: UInt8 = 0
        for index in other.indices { difference |= other[index] ^ secret[index] }
        return difference == 0
    }
}
