/// What a table counts by: 128 bits made from an address or from keyed hashing.
package struct LimitKey: BoundedTableKey, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address, its first byte the most significant.
    package init(ipv4 address: UInt32) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(address))
    }

    /// The network of an IPv6 address: its first `prefix` bits (0 to 128), first byte most significant.
    ///
    /// An IPv4 address in IPv6 clothes (`::ffff:a.b.c.d`, RFC 4291, section 2.5.5.2) counts as the IPv4 address: all of them
    /// share one /64.
    package init(ipv6 address: (high: UInt64, low: UInt64), prefix: Int = 64) {
        precondition(prefix >= 0 && prefix <= 128)
        if address.high == 0, address.low >> 32 == 0xFFFF {
            self.init(ipv4: UInt32(truncatingIfNeeded: address.low))
            return
        }
        // Swift's smart shifts give zero when the whole width is shifted out.
        self.init(
            high: address.high & ~(UInt64.max >> UInt64(min(prefix, 64))),
            low: address.low & ~(UInt64.max >> UInt64(max(prefix - 64, 0)))
        )
    }

    /// An address in network byte order: four bytes or sixteen. Nil for any other length.
    package init?(address: borrowing Span<UInt8>, prefix6: Int = 64) {
        switch address.count {
        case 4:
            var value: UInt32 = 0
            for index in 0..<4 { value = value << 8 | UInt32(address[index]) }
            self.init(ipv4: value)
        case 16:
            var (high, low) = (UInt64(0), UInt64(0))
            for index in 0..<8 {
                high = high << 8 | UInt64(address[index])
                low = low << 8 | UInt64(address[index + 8])
            }
            self.init(ipv6: (high, low), prefix: prefix6)
        default:
            return nil
        }
    }

    package func hash(_ seed: TableSeed) -> UInt64 { seed.mix(high, low) }
}
