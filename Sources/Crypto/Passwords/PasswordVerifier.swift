import Bytes
import CCrypt
import Glibc

/// Verifies passwords against their stored forms, and makes stored forms.
///
/// Holds the 32 KiB of working memory that libcrypt wants, so a thread that hashes keeps one. What a verification leaves
/// there is wiped before it returns.
@safe
package struct PasswordVerifier: ~Copyable {
    private let data: UnsafeMutablePointer<crypt_data>
    private let phrase: UnsafeMutableBufferPointer<CChar>
    private let setting: UnsafeMutableBufferPointer<CChar>

    package init() {
        unsafe data = .allocate(capacity: 1)
        unsafe phrase = .allocate(capacity: Int(CRYPT_MAX_PASSPHRASE_SIZE))
        unsafe setting = .allocate(capacity: 513)
        unsafe explicit_bzero(data, MemoryLayout<crypt_data>.size)
    }

    deinit {
        unsafe data.deallocate()
        unsafe phrase.deallocate()
        unsafe setting.deallocate()
    }

    /// Whether `password` is the one that `stored` was made from.
    ///
    /// False for a password with a NUL, for one of more than 511 bytes with a scheme of libcrypt's, and for a stored form
    /// that isn't recognized. bcrypt counts the first 72 bytes, DES crypt the first 8. Blocks for as long as the scheme takes:
    /// never on a loop.
    package mutating func verify(password: borrowing Span<UInt8>, against stored: borrowing Span<UInt8>) -> Bool {
        guard let hash = PasswordHash(stored), password.firstIndex(of: 0, in: 0..<password.count) == nil else {
            return false
        }
        switch hash.scheme {
        case .plain:
            // Digests have one length, so the comparison tells nothing of the lengths.
            return SHA256.hash(password) == SHA256.hash(stored.extracting(7..<stored.count))
        case .sha1:
            return verifySHA1(password, stored.extracting(5..<stored.count))
        case .saltedSHA1:
            return verifySHA1(password, stored.extracting(6..<stored.count))
        case .apr1:
            let digest = APR1.digest(password: password, salt: stored.extracting(6..<(stored.count - 23)))
            return constantTimeEquals(digest.span, stored.extracting((stored.count - 22)..<stored.count))
        case .md5crypt, .bcrypt, .sha256crypt, .sha512crypt, .yescrypt, .des:
            return crypt(password, stored) { constantTimeEquals($0, stored) } ?? false
        }
    }

    /// A stored form of `password` with a fresh salt.
    package mutating func make(
        password: borrowing Span<UInt8>,
        _ recipe: PasswordRecipe
    ) throws(PasswordError) -> [UInt8] {
        if password.isEmpty { throw .empty }
        if password.firstIndex(of: 0, in: 0..<password.count) != nil { throw .containsNul }
        let limit = recipe.maximumPasswordCount
        if password.count > limit { throw .tooLong(count: password.count, limit: limit) }
        guard let prefix = recipe.prefix else {
            let salt = Random.bytes(8).map { CryptAlphabet.character($0 & 63) }
            let digest = APR1.digest(password: password, salt: salt.span)
            return Array("$apr1$".utf8) + salt + [ASCII.dollar] + digest.span.array
        }
        let random = Random.bytes(32)
        var salt = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
        let made = unsafe random.withUnsafeBytes { bytes in
            unsafe crypt_gensalt_rn(
                prefix,
                recipe.count,
                bytes.baseAddress!.assumingMemoryBound(to: CChar.self),
                Int32(bytes.count),
                &salt,
                Int32(salt.count)
            ) != nil
        }
        let chosen = salt.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        guard made, let stored = crypt(password, chosen.span, { $0.array }) else { throw .unsupported(recipe) }
        return stored
    }

    private func verifySHA1(_ password: borrowing Span<UInt8>, _ text: borrowing Span<UInt8>) -> Bool {
        var decoded = ByteBuffer(capacity: 512)
        guard Base64.decode(text, into: &decoded) else { return false }
        let stored = decoded.readable
        var digest = SHA1()
        digest.update(password)
        digest.update(stored.extracting(20..<stored.count))
        let actual = digest.finish()
        return constantTimeEquals(actual.span, stored.extracting(0..<20))
    }

    /// Runs libcrypt, and `body` with what it made; nil when it fails. Wipes all that it leaves.
    private mutating func crypt<Result>(
        _ password: borrowing Span<UInt8>,
        _ salt: borrowing Span<UInt8>,
        _ body: (borrowing Span<UInt8>) -> Result
    ) -> Result? {
        guard unsafe password.count < phrase.count, salt.count < 513 else { return nil }
        unsafe copy(password, to: phrase)
        unsafe copy(salt, to: setting)
        defer {
            unsafe wipeMemory(UnsafeMutableRawBufferPointer(phrase))
            unsafe explicit_bzero(data, MemoryLayout<crypt_data>.size)
        }
        let size = Int32(MemoryLayout<crypt_data>.size)
        guard let output = unsafe crypt_rn(phrase.baseAddress, setting.baseAddress, data, size) else { return nil }
        let bytes = unsafe UnsafeRawPointer(output).assumingMemoryBound(to: UInt8.self)
        return unsafe body(Span(_unsafeStart: bytes, count: strlen(output)))
    }

    private func copy(_ bytes: borrowing Span<UInt8>, to target: UnsafeMutableBufferPointer<CChar>) {
        for index in 0..<bytes.count { unsafe target[index] = CChar(bitPattern: bytes[index]) }
        unsafe target[bytes.count] = 0
    }
}
