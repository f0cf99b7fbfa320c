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
enum KeySchedule {
    /// HKDF-Expand-Label without a context, at most a digest's length of it: one round of HMAC (RFC 5869, 2.3).
    static func expand(
        _ hash: RecordHash,
        _ secret: borrowing Span<UInt8>,
        label: StaticString,
        length: Int
    ) -> Derived {
        precondition(length <= hash.length && label.utf8CodeUnitCount <= 12)
        var info = InlineArray<24, UInt8>(repeating: 0)
        var count = 0
        func put(_ byte: UInt8) {
            info[count] = byte
            count += 1
        }
        put(UInt8(length >> 8))
        put(UInt8(truncatingIfNeeded: length))
        put(UInt8(6 + label.utf8CodeUnitCount))
        for byte in [0x74, 0x6C, 0x73, 0x31, 0x33, 0x20] as [UInt8] { put(byte) }
        for index in 0..<label.utf8CodeUnitCount { put(unsafe label.utf8Start[index]) }
        put(0)
        put(1)
        return authenticate(hash, key: secret, info.span.extracting(0..<count))
    }

    /// HMAC (RFC 2104), with a key no longer than a block.
    ///
    /// On the plain digests: what EVP spends on looking its parts up is many times the work, and this runs at every handshake.
    static func authenticate(
        _ hash: RecordHash,
        key: borrowing Span<UInt8>,
        _ message: borrowing Span<UInt8>
    ) -> Derived {
        precondition(key.count <= hash.blockLength)
        var pad = InlineArray<128, UInt8>(repeating: 0x36)
        for index in key.indices { pad[index] ^= key[index] }
        var inner = RunningDigest(hash)
        inner.update(pad.span.extracting(0..<hash.blockLength))
        inner.update(message)
        let digest = inner.finish()
        for index in pad.indices { pad[index] ^= 0x36 ^ 0x5C }
        var outer = RunningDigest(hash)
        outer.update(pad.span.extracting(0..<hash.blockLength))
        outer.update(digest.span.extracting(0..<hash.length))
        wipe(&pad)
        return outer.finish()
    }
}

/// Overwrites it in a way that the optimizer keeps.
func wipe<let count: Int>(_ bytes: inout InlineArray<count, UInt8>) {
    var span = bytes.mutableSpan
    unsafe span.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
}

/// A digest under way; `finish` wipes it.
private struct RunningDigest: ~Copyable {
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
            case .sha256:
                unsafe postern_sha256_final(&small, space.baseAddress)
                unsafe OPENSSL_cleanse(&small, MemoryLayout<SHA256_CTX>.size)
            case .sha384:
                unsafe postern_sha384_final(&large, space.baseAddress)
                unsafe OPENSSL_cleanse(&large, MemoryLayout<SHA512_CTX>.size)
            }
        }
        return digest
    }
}
