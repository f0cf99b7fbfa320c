import COpenSSL
import Testing

@testable import TLS

/// The derivation that Postern provides against the one that OpenSSL has.
@Suite struct KeyDerivationTests {
    /// One call of EVP_KDF_derive(3).
    struct Call {
        var digest = "SHA256"
        var mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY
        var key: [UInt8]? = [UInt8](repeating: 7, count: 32)
        var salt: [UInt8]?
        var label = "c ap traffic"
        var data: [UInt8]?
        var count = 32
    }

    /// Parameters and what they point to, for the time of one call.
    @safe
    private final class Parameters {
        private(set) var list: [OSSL_PARAM] = unsafe []
        private var memory: [UnsafeMutableRawBufferPointer] = unsafe []

        deinit { unsafe memory.forEach { unsafe $0.deallocate() } }

        private func keep(_ bytes: [UInt8]) -> UnsafeMutableRawBufferPointer {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
            unsafe copy.copyBytes(from: bytes)
            unsafe memory.append(copy)
            return unsafe copy
        }

        /// A name at an address that stays.
        private static func key(_ name: StaticString) -> UnsafePointer<CChar> {
            unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        }

        func add(_ name: StaticString, _ bytes: [UInt8]?) {
            guard let bytes else { return }
            unsafe list.append(OSSL_PARAM_construct_octet_string(Self.key(name), keep(bytes).baseAddress, bytes.count))
        }

        func add(digest: String) {
            let text = unsafe keep(Array(digest.utf8) + [0]).baseAddress!.assumingMemoryBound(to: CChar.self)
            unsafe list.append(OSSL_PARAM_construct_utf8_string(Self.key("digest"), text, 0))
        }

        func add(mode: Int32) {
            let bytes = unsafe withUnsafeBytes(of: mode) { unsafe Array($0) }
            let value = unsafe keep(bytes).baseAddress!.assumingMemoryBound(to: Int32.self)
            unsafe list.append(OSSL_PARAM_construct_int(Self.key("mode"), value))
        }

        func end() { unsafe list.append(OSSL_PARAM_construct_end()) }
    }

    /// What comes out, nil for a refusal.
    /// - Parameter isSetBefore: by a call of its own, whose parameters are gone when it derives.
    private func derive(_ call: Call, _ properties: String, isSetBefore: Bool = false) -> [UInt8]? {
        guard let kdf = unsafe EVP_KDF_fetch(nil, "TLS13-KDF", properties) else { return nil }
        defer { unsafe EVP_KDF_free(kdf) }
        guard let context = unsafe EVP_KDF_CTX_new(kdf) else { return nil }
        defer { unsafe EVP_KDF_CTX_free(context) }
        var parameters = Parameters()
        parameters.add(mode: call.mode)
        parameters.add(digest: call.digest)
        parameters.add("prefix", Array("tls13 ".utf8))
        parameters.add("label", Array(call.label.utf8))
        parameters.add("key", call.key)
        parameters.add("salt", call.salt)
        parameters.add("data", call.data)
        parameters.end()
        if isSetBefore {
            guard unsafe EVP_KDF_CTX_set_params(context, parameters.list) == 1 else { return nil }
            parameters = Parameters()
            parameters.end()
        }
        var output = [UInt8](repeating: 0, count: call.count)
        let isDone = unsafe EVP_KDF_derive(context, &output, output.count, parameters.list)
        ERR_clear_error()
        return isDone == 1 ? output : nil
    }

    static let calls: [Call] = {
        var calls: [Call] = []
        for (digest, length) in [("SHA256", 32), ("SHA384", 48), ("SHA2-256", 32), ("sha2-384", 48)] {
            let secret = (0..<UInt8(length)).map { $0 &* 7 }
            for label in ["c ap traffic", "s ap traffic", "c hs traffic", "res master", "finished", "key", "iv"] {
                for count in [12, 16, length] {
                    calls.append(Call(digest: digest, key: secret, label: label, data: secret, count: count))
                    calls.append(Call(digest: digest, key: secret, label: label, data: nil, count: count))
                }
            }
            // More than one round, and an empty context.
            calls.append(Call(digest: digest, key: secret, label: "exporter", data: [], count: length * 3 + 5))
            let extract = EVP_KDF_HKDF_MODE_EXTRACT_ONLY
            for key in [nil, secret, [1], [UInt8](repeating: 9, count: 32)] {
                for salt in [nil, secret] {
                    calls.append(
                        Call(digest: digest, mode: extract, key: key, salt: salt, label: "derived", count: length)
                    )
                }
            }
        }
        return calls
    }()

    @Test func isTaken() {
        #expect(KeyDerivation.isAvailable)
    }

    @Test func derivesWhatOpenSSLDerives() throws {
        try #require(KeyDerivation.isAvailable)
        for call in Self.calls {
            let theirs = derive(call, "provider=default")
            #expect(theirs != nil, "\(call)")
            #expect(derive(call, "provider=postern") == theirs, "\(call)")
        }
    }

    @Test func derivesFromWhatWasSetBefore() throws {
        try #require(KeyDerivation.isAvailable)
        for call in Self.calls {
            let theirs = derive(call, "provider=default")
            #expect(derive(call, "provider=postern", isSetBefore: true) == theirs, "\(call)")
        }
        #expect(derive(Call(label: String(repeating: "l", count: 256)), "provider=postern", isSetBefore: true) == nil)
    }

    /// Secrets come again, in any order and more of them than are kept.
    @Test func aHandshakesMemoChangesNothing() throws {
        try #require(KeyDerivation.isAvailable)
        var transport = Transport(descriptor: -1)
        let result = unsafe withUnsafeMutablePointer(to: &transport) { session in
            unsafe KeyDerivation.whileDeriving(for: session) {
                for round in 0..<40 {
                    let secret = [UInt8](repeating: UInt8(round % 3 + round / 20 * 3), count: 32)
                    for call in [
                        Call(key: secret, label: "key"), Call(digest: "SHA384", key: secret + secret[..<16], count: 48),
                        Call(mode: EVP_KDF_HKDF_MODE_EXTRACT_ONLY, salt: secret, label: "derived"),
                        Call(key: Array(secret[..<31])),
                    ] {
                        let theirs = derive(call, "provider=default")
                        #expect(theirs != nil && derive(call, "provider=postern") == theirs, "\(call)")
                    }
                }
                return 7
            }
        }
        #expect(result == 7)
        let isIdle = unsafe KeyDerivation.session == nil
        #expect(isIdle)
    }

    @Test func refusesWhatIsNone() throws {
        try #require(KeyDerivation.isAvailable)
        for call in [
            Call(digest: "SHA512"), Call(digest: "MD5"), Call(digest: ""), Call(mode: 0), Call(mode: 9), Call(key: nil),
            Call(key: [UInt8](repeating: 1, count: 300)), Call(label: String(repeating: "l", count: 250)),
            Call(mode: EVP_KDF_HKDF_MODE_EXTRACT_ONLY, label: "derived", count: 31),
            Call(data: [UInt8](repeating: 1, count: 256)), Call(count: 255 * 32 + 1),
        ] { #expect(derive(call, "provider=postern") == nil, "\(call)") }
    }

    /// Only a server's session that shakes hands is told of secrets, and only of its own two.
    @Test func nobodyElseIsToldOfSecrets() throws {
        try #require(KeyDerivation.isAvailable)
        let isIdle = unsafe KeyDerivation.session == nil
        #expect(isIdle)
        #expect(derive(Call(), "provider=postern") != nil)
    }
}
