import Bytes
import Glibc
import Limits

/// Addresses and their prefixes as people write them.
enum PlaceText {
    /// `192.0.2.1`, or the /64 of an IPv6 address: `2001:db8:0:1::/64`.
    static func text(of place: LimitKey) -> String {
        if place.high == 0, place.low >> 32 == 0xFFFF {
            return (0..<4).map { String(place.low >> UInt64(24 - 8 * $0) & 0xFF) }.joined(separator: ".")
        }
        var address = in6_addr()
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe bytes.storeBytes(of: place.high.bigEndian, as: UInt64.self)
            unsafe bytes.storeBytes(of: place.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/64"
    }

    /// The prefix that an address belongs to, with or without `/64` after one of IPv6; nil for other text.
    static func key(of text: String) -> LimitKey? {
        let address = Array((text.hasSuffix("/64") ? String(text.dropLast(3)) : text).utf8)
        return IPText.parse(address.span).map { LimitKey(ipv6: $0) }
    }
}
