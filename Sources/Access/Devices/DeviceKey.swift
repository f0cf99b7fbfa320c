import Bytes
import Crypto

/// The secret that signs the cookies of devices. It must outlive the process, or all devices are strangers after a restart.
package struct DeviceKey: Sendable {
    /// Characters of a cookie: base64url of the id's 16 bytes and the code's 32.
    package static let cookieCount = 64

    /// 32 bytes, for the store.
    package let secret: [UInt8]
    private let key: HMACSHA256

    /// Nil unless there are 32 bytes.
    package init?(_ secret: [UInt8]) {
        guard secret.count == 32 else { return nil }
        self.secret = secret
        key = HMACSHA256(key: secret.span)
    }

    private init(random secret: [UInt8]) {
        self.secret = secret
        key = HMACSHA256(key: secret.span)
    }

    /// A key that nobody has.
    package static func random() -> DeviceKey { DeviceKey(random: Random.bytes(32)) }

    /// The cookie's value for a device: base64url of the id and its HMAC-SHA-256.
    package func sign(_ id: DeviceID) -> [UInt8] {
        let (name, code) = (id.bytes, code(id).bytes)
        return Base64.encode((name.span.array + code.span.array).span, alphabet: .url)
    }

    /// The device whose cookie `value` is; nil when this key hasn't signed it. Constant time for values of the right length.
    /// Allocates nothing.
    package func verify(_ value: borrowing Span<UInt8>) -> DeviceID? {
        guard value.count == Self.cookieCount else { return nil }
        var decoded = InlineArray<48, UInt8>(repeating: 0)
        var room = decoded.mutableSpan
        guard Base64.decode(groups: value, alphabet: .url, into: &room) else { return nil }
        var (high, low) = (UInt64(0), UInt64(0))
        for index in 0..<8 {
            high = high << 8 | UInt64(decoded[index])
            low = low << 8 | UInt64(decoded[index + 8])
        }
        let id = DeviceID(high: high, low: low)
        let (right, given) = (code(id), Digest32(decoded.span.extracting(16..<48)))
        return given == right && id != .none ? id : nil
    }

    /// What shows that `user` proved themselves on the device: 22 characters for its cookie, behind those of `sign`.
    package func proof(_ id: DeviceID, user: borrowing Span<UInt8>) -> [UInt8] {
        let bytes = code(id, "postern device user", user).bytes
        return Base64.encode(bytes.span.extracting(0..<16), alphabet: .url)
    }

    private func code(_ id: DeviceID) -> Digest32 { code(id, "postern device", Span()) }

    private func code(_ id: DeviceID, _ purpose: StaticString, _ user: borrowing Span<UInt8>) -> Digest32 {
        let bytes = id.bytes
        var message = key.message()
        unsafe message.update(
            Span(_unsafeElements: UnsafeBufferPointer(start: purpose.utf8Start, count: purpose.utf8CodeUnitCount))
        )
        message.update(bytes.span)
        message.update(user)
        return message.finish()
    }
}
