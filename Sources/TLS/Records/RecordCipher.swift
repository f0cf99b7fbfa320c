internal import COpenSSL

/// One direction's protection of records: the cipher with its key, the nonce's fixed part and the record's number
/// (RFC 8446, 5.2 and 5.3).
///
/// A record is opened or sealed in steps: `begin` with its header, `update` with its pieces, `finish` with its tag, and
/// `advance` when it counts. Until then the same number serves again.
@safe
struct RecordCipher: ~Copyable {
    enum Direction: Int32 { case open = 0, seal = 1 }

    static let tagLength = 16

    private let context: OpaquePointer
    private var direction: Direction
    /// The three words of it as they lie in memory.
    private var iv: InlineArray<3, UInt32> = [0, 0, 0]
    /// The number of the next record. It is far below its end when a key has to be replaced.
    private(set) var sequence: UInt64 = 0

    private init(context: OpaquePointer, direction: Direction) {
        unsafe self.context = context
        self.direction = direction
    }

    /// Ready for the record with the number 0. nil where OpenSSL has no such cipher, or no memory.
    static func make(_ suite: RecordSuite, _ direction: Direction, secret: borrowing Span<UInt8>) -> RecordCipher? {
        guard let cipher = unsafe suite.cipher, let context = unsafe EVP_CIPHER_CTX_new() else { return nil }
        var made = unsafe RecordCipher(context: context, direction: direction)
        guard unsafe EVP_CipherInit_ex(context, cipher, nil, nil, nil, direction.rawValue) == 1,
            made.setKey(suite, secret: secret)
        else { return nil }
        return made
    }

    // OpenSSL wipes the key it holds.
    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    /// Takes another secret's key, and counts from zero again.
    mutating func setKey(_ suite: RecordSuite, secret: borrowing Span<UInt8>) -> Bool {
        var schedule = KeySchedule(suite.hash, secret: secret)
        var key = schedule.expand(label: "key", length: suite.keyLength)
        let fixed = schedule.expand(label: "iv", length: 12)
        schedule.wipe()
        let isSet = unsafe key.span.withUnsafeBufferPointer { key in
            unsafe EVP_CipherInit_ex(context, nil, nil, key.baseAddress, nil, direction.rawValue) == 1
        }
        wipe(&key)
        for word in iv.indices {
            iv[word] = unsafe fixed.span.bytes.unsafeLoadUnaligned(fromByteOffset: word * 4, as: UInt32.self)
        }
        sequence = 0
        return isSet
    }

    /// Begins the next record, whose header is authenticated with it.
    func begin(header: borrowing Span<UInt8>) -> Bool {
        var nonce = iv
        nonce[1] ^= UInt32(truncatingIfNeeded: sequence >> 32).bigEndian
        nonce[2] ^= UInt32(truncatingIfNeeded: sequence).bigEndian
        var count: Int32 = 0
        let isNumbered = unsafe nonce.span.withUnsafeBytes { nonce in
            let start = unsafe nonce.baseAddress!.assumingMemoryBound(to: UInt8.self)
            return unsafe EVP_CipherInit_ex(context, nil, nil, nil, start, direction.rawValue) == 1
        }
        guard isNumbered else { return false }
        return unsafe header.withUnsafeBufferPointer { header in
            unsafe EVP_CipherUpdate(context, nil, &count, header.baseAddress, Int32(header.count)) == 1
        }
    }

    /// Opens or seals the bytes of `input` at `range` into `output` from `position`, as many as they are.
    func update(
        _ input: borrowing Span<UInt8>,
        _ range: Range<Int>,
        into output: inout MutableSpan<UInt8>,
        at position: Int
    ) -> Bool {
        precondition(range.lowerBound >= 0 && range.upperBound <= input.count && range.count <= 1 << 20)
        precondition(position >= 0 && position <= output.count && range.count <= output.count - position)
        if range.isEmpty { return true }
        var count: Int32 = 0
        return unsafe input.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe EVP_CipherUpdate(
                    context,
                    output.baseAddress! + position,
                    &count,
                    input.baseAddress! + range.lowerBound,
                    Int32(range.count)
                ) == 1
            }
        }
    }

    /// Whether the opened record is what was sealed, by the tag in `input` at `range`.
    func finish(tag input: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        precondition(range.lowerBound >= 0 && range.upperBound <= input.count && range.count == Self.tagLength)
        var (count, nothing): (Int32, UInt8) = (0, 0)
        return unsafe input.withUnsafeBufferPointer { input in
            let tag = unsafe UnsafeMutableRawPointer(mutating: input.baseAddress! + range.lowerBound)
            return unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagLength), tag) == 1
                && EVP_CipherFinal_ex(context, &nothing, &count) == 1
        }
    }

    /// Ends a sealed record and puts its tag into `output` from `position`.
    func finish(into output: inout MutableSpan<UInt8>, at position: Int) -> Bool {
        precondition(position >= 0 && position <= output.count && Self.tagLength <= output.count - position)
        var (count, nothing): (Int32, UInt8) = (0, 0)
        return unsafe output.withUnsafeMutableBufferPointer { output in
            unsafe EVP_CipherFinal_ex(context, &nothing, &count) == 1
                && EVP_CIPHER_CTX_ctrl(
                    context,
                    EVP_CTRL_AEAD_GET_TAG,
                    Int32(Self.tagLength),
                    output.baseAddress! + position
                ) == 1
        }
    }

    /// Changes what it is for. The key serves both ways: these ciphers only ever run forward.
    mutating func turn(to direction: Direction) { self.direction = direction }

    /// The record counts: the next number is due.
    mutating func advance() { sequence += 1 }
}
