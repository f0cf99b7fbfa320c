internal import COpenSSL

/// The digest under a cipher suite's key schedule.
enum RecordHash: Sendable {
    case sha256, sha384

    /// Bytes of a digest, and of a secret.
    var length: Int { self == .sha256 ? 32 : 48 }
    /// Bytes that it takes in at a time.
    var blockLength: Int { self == .sha256 ? 64 : 128 }
}

/// Up to 48 bytes of a secret or a key. Whoever makes one wipes it.
typealias Derived = InlineArray<48, UInt8>

/// What is derived from a traffic secret (RFC 8446, 7.1 to 7.3).
///
/// HMAC (RFC 2104) on the plain digests: what EVP spends on looking its parts up is many times the work, and this runs at every
/// handshake. Whoever makes one wipes it.
struct KeySchedule: ~Copyable {
    private let hash: RecordHash
    /// Each has taken in the key.
    private var inner: RunningDigest
    private var outer: RunningDigest

    /// - Parameter secret: no longer than a block.
    init(_ hash: RecordHash, secret: borrowing Span<UInt8>) {
        precondition(secret.count <= hash.blockLength)
        self.hash = hash
        inner = RunningDigest(hash)
        outer = RunningDigest(hash)
        var pad = InlineArray<128, UInt8>(repeating: 0x36)
        for index in secret.indices { pad[index] ^= secret[index] }
        inner.update(pad.span.extracting(0..<hash.blockLength))
        for index in pad.indices { pad[index] ^= 0x36 ^ 0x5C }
        outer.update(pad.span.extracting(0..<hash.blockLength))
        TLS.wipe(&pad)
    }

    /// HKDF-Expand-Label, at most a digest's length of it: one round of HMAC (RFC 5869, 2.3).
    func expand(label: StaticString, context: borrowing Span<UInt8> = Span(), length: Int) -> Derived {
        precondition(length <= hash.length && label.utf8CodeUnitCount <= 12 && context.count <= 48)
        var info = InlineArray<72, UInt8>(repeating: 0)
        info[1] = UInt8(length)
        info[2] = UInt8(6 + label.utf8CodeUnitCount)
        let prefix: InlineArray<6, UInt8> = [0x74, 0x6C, 0x73, 0x31, 0x33, 0x20]
        for index in prefix.indices { info[3 + index] = prefix[index] }
        for index in 0..<label.utf8CodeUnitCount { info[9 + index] = unsafe label.utf8Start[index] }
        let start = 9 + label.utf8CodeUnitCount
        info[start] = UInt8(context.count)
        for index in context.indices { info[start + 1 + index] = context[index] }
        // The first round's number.
        let end = start + 1 + context.count
        info[end] = 1
        return authenticate(info.span.extracting(0...end))
    }

    /// HKDF-Expand-Label to the length of `output` (RFC 8446, 7.1; RFC 5869, 2.3); false where one of the lengths has no room.
    /// The label is `prefix` and `label`.
    func expand(
        _ prefix: UnsafeRawBufferPointer,
        _ label: UnsafeRawBufferPointer,
        _ data: UnsafeRawBufferPointer,
        into output: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        let labelCount = prefix.count + label.count
        guard labelCount <= 255, data.count <= 255, output.count <= 255 * hash.length else { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 520, alignment: 8) { memory in
            let info = unsafe memory.baseAddress!.assumingMemoryBound(to: UInt8.self)
            unsafe info[0] = UInt8(output.count >> 8)
            unsafe info[1] = UInt8(output.count & 0xFF)
            unsafe info[2] = UInt8(labelCount)
            var end = 3
            unsafe Self.append(prefix, to: info, at: &end)
            unsafe Self.append(label, to: info, at: &end)
            unsafe info[end] = UInt8(data.count)
            end += 1
            unsafe Self.append(data, to: info, at: &end)
            let text = unsafe Span<UInt8>(_unsafeStart: info, count: end + 1)
            var block = Derived(repeating: 0)
            var written = 0
            var round: UInt8 = 1
            while written < output.count {
                unsafe info[end] = round
                block =
                    round == 1 ? authenticate(text) : authenticate(block.span.extracting(0..<hash.length), then: text)
                let count = min(hash.length, output.count - written)
                for index in 0..<count { unsafe output[written + index] = block[index] }
                written += count
                round &+= 1
            }
            TLS.wipe(&block)
            return true
        }
    }

    private static func append(_ bytes: UnsafeRawBufferPointer, to info: UnsafeMutablePointer<UInt8>, at end: inout Int)
    {
        guard let start = bytes.baseAddress else { return }
        unsafe UnsafeMutableRawPointer(info + end).copyMemory(from: start, byteCount: bytes.count)
        end += bytes.count
    }

    /// The plain digest of a text.
    static func digest(_ hash: RecordHash, of text: borrowing Span<UInt8>) -> Derived {
        var digest = RunningDigest(hash)
        digest.update(text)
        return digest.finish()
    }

    private func authenticate(_ first: borrowing Span<UInt8>, then second: borrowing Span<UInt8>) -> Derived {
        var (inner, outer) = (inner, outer)
        inner.update(first)
        inner.update(second)
        let digest = inner.finish()
        outer.update(digest.span.extracting(0..<hash.length))
        return outer.finish()
    }

    func authenticate(_ message: borrowing Span<UInt8>) -> Derived {
        var (inner, outer) = (inner, outer)
        inner.update(message)
        let digest = inner.finish()
        outer.update(digest.span.extracting(0..<hash.length))
        return outer.finish()
    }

    mutating func wipe() {
        inner.wipe()
        outer.wipe()
    }
}

/// Overwrites it in a way that the optimizer keeps.
func wipe<let count: Int>(_ bytes: inout InlineArray<count, UInt8>) {
    var span = bytes.mutableSpan
    unsafe span.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
}

/// A digest under way; `finish` wipes it.
private struct RunningDigest {
    private let hash: RecordHash
    private var small = SHA256_CTX()
    private var large = SHA512_CTX()

    init(_ hash: RecordHash) {
        self.hash = hash
        switch hash {
        case .sha256: unsafe postern_sha256_init(&small)
        case .sha384: unsafe postern_sha384_init(&large)
        }
    }

    mutating func update(_ bytes: borrowing Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { bytes in
            switch hash {
            case .sha256: unsafe postern_sha256_update(&small, bytes.baseAddress, bytes.count)
            case .sha384: unsafe postern_sha384_update(&large, bytes.baseAddress, bytes.count)
            }
        }
    }

    mutating func finish() -> Derived {
        var digest = Derived(repeating: 0)
        var span = digest.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { space in
            switch hash {
            case .sha256: unsafe postern_sha256_final(&small, space.baseAddress)
            case .sha384: unsafe postern_sha384_final(&large, space.baseAddress)
            }
        }
        wipe()
        return digest
    }

    mutating func wipe() {
        switch hash {
        case .sha256: unsafe OPENSSL_cleanse(&small, MemoryLayout<SHA256_CTX>.size)
        case .sha384: unsafe OPENSSL_cleanse(&large, MemoryLayout<SHA512_CTX>.size)
        }
    }
}
