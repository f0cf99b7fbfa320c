/// A range of addresses in CIDR form. IPv4 is held as IPv4-mapped IPv6, so that both compare alike.
package struct AddressRange: Sendable, Equatable {
    /// The network's 16 bytes as two big-endian words, bits past the prefix clear.
    package let high: UInt64
    package let low: UInt64
    package let maskHigh: UInt64
    package let maskLow: UInt64

    /// - Parameter prefixLength: 0 to 128 (for IPv4: 96 more than the written one).
    package init(high: UInt64, low: UInt64, prefixLength: Int) {
        let length = min(max(prefixLength, 0), 128)
        maskHigh = length == 0 ? 0 : length >= 64 ? .max : ~(.max >> UInt64(length))
        maskLow = length <= 64 ? 0 : length == 128 ? .max : ~(.max >> UInt64(length - 64))
        self.high = high & maskHigh
        self.low = low & maskLow
    }

    /// Whether the address lies in the range; an IPv4 one only in a range of IPv4: `::/0` is IPv6, as in Nginx.
    package func contains(high: UInt64, low: UInt64) -> Bool {
        high & maskHigh == self.high && low & maskLow == self.low
            && (isOfOneVersion(maskHigh, maskLow) || !isIPv4(high, low))
    }
}

/// Whether a range with these masks holds no IPv4 next to IPv6: all of a mapped address's 96 leading bits count.
@inline(__always) func isOfOneVersion(_ maskHigh: UInt64, _ maskLow: UInt64) -> Bool {
    maskHigh == .max && maskLow >> 32 == 0xFFFF_FFFF
}

/// Whether this is a mapped IPv4 address.
@inline(__always) func isIPv4(_ high: UInt64, _ low: UInt64) -> Bool {
    high == 0 && low >> 32 == 0xFFFF
}
