import Glibc

/// An address, or all that share a prefix with it.
package struct AddressPrefix: Sendable, Equatable {
    /// 4 or 16 bytes; those beyond the prefix are zero.
    package let bytes: [UInt8]
    /// In bits.
    package let prefixLength: Int
    /// Whether bits beyond the prefix were set in the text.
    package let hadHostBits: Bool

    /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
    package static func parse(_ text: String) throws(ValueError) -> AddressPrefix {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let address = String(parts.first ?? "")
        guard var bytes = IPAddressText.ipv4(address) ?? IPAddressText.ipv6(address) else {
            throw ValueError("an address or a range such as 192.0.2.0/24 or 2001:db8::/32 is expected")
        }
        let bits = bytes.count * 8
        guard parts.count == 2 else { return AddressPrefix(bytes: bytes, prefixLength: bits, hadHostBits: false) }
        guard let length = try? Numbers.integer(String(parts[1]), in: 0...UInt64(bits)) else {
            let start = address.utf8.count + 1
            throw ValueError("a prefix from 0 to \(bits) is expected", part: start..<text.utf8.count)
        }
        var hadHostBits = false
        for index in bytes.indices {
            let kept = max(0, min(8, Int(length) - index * 8))
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> kept)
            if bytes[index] & ~mask != 0 { hadHostBits = true }
            bytes[index] &= mask
        }
        return AddressPrefix(bytes: bytes, prefixLength: Int(length), hadHostBits: hadHostBits)
    }
}

/// The system's reader of address text.
package enum IPAddressText {
    /// Four bytes in network order.
    package static func ipv4(_ text: String) -> [UInt8]? { bytes(text, family: AF_INET, count: 4) }

    /// Sixteen bytes in network order.
    package static func ipv6(_ text: String) -> [UInt8]? { bytes(text, family: AF_INET6, count: 16) }

    private static func bytes(_ text: String, family: Int32, count: Int) -> [UInt8]? {
        var result = [UInt8](repeating: 0, count: count)
        let status = unsafe result.withUnsafeMutableBytes { unsafe inet_pton(family, text, $0.baseAddress) }
        return status == 1 ? result : nil
    }
}
