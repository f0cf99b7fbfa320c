internal import COpenSSL
internal import Synchronization

/// The keys that protect session tickets, shared by all contexts of a process and kept across reloads.
///
/// They are random, live in memory only, and are replaced by `rotateIfDue`; the last ones still open tickets for one more
/// lifetime. Each context derives its own from them, so that a ticket of one virtual server is noise at another.
package final class TicketKeys: Sendable {
    private struct State {
        var current: SecretBytes
        var previous: SecretBytes?
        var rotatedAt: UInt64
    }

    private let state: Mutex<State>
    private let lifetime: UInt64
    private let rotations = Atomic<Int>(0)

    /// Fresh keys as of `now`, to be replaced every `lifetime` (both in nanoseconds).
    package init(now: UInt64 = 0, lifetime: UInt64 = 12 * 3600 * 1_000_000_000) {
        self.lifetime = lifetime
        state = Mutex(State(current: .random(count: 32), previous: nil, rotatedAt: now))
    }

    /// Replaces the keys if their lifetime has passed at `now`. A timer must call this: nothing else does.
    /// - Returns: whether they were replaced.
    @discardableResult
    package func rotateIfDue(now: UInt64) -> Bool {
        state.withLock { state in
            guard now >= state.rotatedAt &+ lifetime else { return false }
            state.previous = state.current
            state.current = .random(count: 32)
            state.rotatedAt = now
            rotations.add(1, ordering: .releasing)
            return true
        }
    }

    /// Changes whenever the keys do.
    var generation: Int { rotations.load(ordering: .acquiring) }

    /// What the context named by `identity` protects its tickets with.
    func derive(identity: [UInt8]) -> DerivedTicketKeys {
        let (generation, current, previous) = state.withLock { state in
            (rotations.load(ordering: .relaxed), state.current, state.previous)
        }
        return DerivedTicketKeys(
            generation: generation,
            current: Self.derive(from: current, identity: identity),
            previous: previous.map { Self.derive(from: $0, identity: identity) }
        )
    }

    private static func derive(from master: SecretBytes, identity: [UInt8]) -> SecretBytes {
        let derived = SecretBytes(count: 96)
        for block in 0..<3 {
            let message = identity + [UInt8(block)]
            unsafe HMAC(
                EVP_sha256(),
                master.start,
                Int32(master.count),
                message,
                message.count,
                derived.start + block * 32,
                nil
            )
        }
        return derived
    }
}

/// One context's ticket keys: a 16-byte name, then at 32 the cipher's key, at 64 the authenticator's.
struct DerivedTicketKeys: Sendable {
    let generation: Int
    let current: SecretBytes
    let previous: SecretBytes?
}

/// Key material that is wiped when nobody holds it any more.
@safe
final class SecretBytes: @unchecked Sendable {
    let start: UnsafeMutablePointer<UInt8>
    let count: Int

    init(count: Int) {
        unsafe start = UnsafeMutablePointer.allocate(capacity: count)
        unsafe start.initialize(repeating: 0, count: count)
        self.count = count
    }

    deinit {
        unsafe OPENSSL_cleanse(start, count)
        unsafe start.deallocate()
    }

    static func random(count: Int) -> SecretBytes {
        let bytes = SecretBytes(count: count)
        precondition(unsafe RAND_bytes(bytes.start, Int32(count)) == 1, "the system gives no random bytes")
        return bytes
    }
}

/// Fetched once: looking an algorithm up costs more than using it.
@safe
private struct TicketCipher: @unchecked Sendable {
    let pointer = unsafe EVP_CIPHER_fetch(nil, "AES-256-CBC", nil)
    static let shared = TicketCipher()
}

/// Sets `cipher` and `mac` up for a ticket (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)).
func prepareTicket(
    session: OpaquePointer?,
    name: UnsafeMutablePointer<UInt8>?,
    iv: UnsafeMutablePointer<UInt8>?,
    cipher: OpaquePointer?,
    mac: OpaquePointer?,
    encrypting: Int32
) -> Int32 {
    guard let session = unsafe session, let name = unsafe name, let iv = unsafe iv,
        let transport = unsafe Transport.of(session),
        let context = unsafe transport.pointee.context?.takeUnretainedValue()
    else { return -1 }
    let keys = context.ticketKeys()
    if encrypting == 1 {
        let key = keys.current
        guard unsafe RAND_bytes(iv, 16) == 1,
            unsafe EVP_EncryptInit_ex(cipher, TicketCipher.shared.pointer, nil, key.start + 32, iv) == 1,
            unsafe COpenSSL_MAC_set_sha256_key(mac, key.start + 64, 32) == 1
        else { return -1 }
        unsafe name.update(from: key.start, count: 16)
        return 1
    }
    for (key, isCurrent) in [(keys.current, true), (keys.previous, false)] {
        guard let key, unsafe CRYPTO_memcmp(name, key.start, 16) == 0 else { continue }
        guard unsafe COpenSSL_MAC_set_sha256_key(mac, key.start + 64, 32) == 1,
            unsafe EVP_DecryptInit_ex(cipher, TicketCipher.shared.pointer, nil, key.start + 32, iv) == 1
        else { return -1 }
        // A TLS 1.3 client uses a ticket once (RFC 8446, C.4), so it needs the next one.
        return unsafe isCurrent && SSL_version(session) < TLS1_3_VERSION ? 1 : 2
    }
    return 0
}
