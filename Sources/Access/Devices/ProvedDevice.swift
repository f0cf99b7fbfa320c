package import Limits

/// The device whose cookie one connection showed last: when it sends the same again, no HMAC has to be computed.
///
/// What it keeps is a keyed hash of the cookie, and which key had signed it. Whether the device is let in is still to be asked.
package struct ProvedDevice: BitwiseCopyable, Sendable {
    private var fingerprint = LimitKey(high: 0, low: 0)
    /// No key has the number 0.
    private var key: UInt64 = 0
    private var id = DeviceID.none

    package init() {}

    /// The device of `cookie`, or nil when it is another cookie than last time, or another key signs by now.
    package func matches(_ cookie: borrowing Span<UInt8>, key: UInt64, _ hasher: SipHash128) -> DeviceID? {
        guard key == self.key, cookie.count == DeviceKey.cookieCount else { return nil }
        let hash = hasher.hash(cookie)
        return (hash.low ^ fingerprint.low) | (hash.high ^ fingerprint.high) == 0 ? id : nil
    }

    /// Remembers that `cookie`, of `DeviceKey.cookieCount` characters, was found to be the device's, signed by the key of
    /// that number, from 1.
    package mutating func remember(_ cookie: borrowing Span<UInt8>, key: UInt64, _ hasher: SipHash128, _ id: DeviceID) {
        fingerprint = hasher.hash(cookie)
        self.key = key
        self.id = id
    }

    /// Forgets it.
    package mutating func forget() { self = ProvedDevice() }
}
