import Glibc

/// IP addresses as text.
package enum IPText {
    /// Reads an IPv4 or IPv6 address without port or brackets (inet_pton(3): strict, no leading zeros) as 128 bits in two
    /// halves, an IPv4 one mapped (`::ffff:a.b.c.d`). Nil for anything else. Allocates nothing.
    package static func parse(_ text: borrowing Span<UInt8>) -> (high: UInt64, low: UInt64)? {
        // The longest is an IPv6 address with an embedded IPv4 one.
        guard text.count >= 2, text.count <= 45 else { return nil }
        var terminated = InlineArray<46, CChar>(repeating: 0)
        var isIPv6 = false
        for index in 0..<text.count {
            let byte = text[index]
            if byte == 0 { return nil }
            if byte == ASCII.colon { isIPv6 = true }
            terminated[index] = CChar(bitPattern: byte)
        }
        var span = terminated.mutableSpan
        return unsafe span.withUnsafeMutableBufferPointer { characters -> (high: UInt64, low: UInt64)? in
            guard let start = characters.baseAddress else { return nil }
            if isIPv6 {
                var address = in6_addr()
                guard unsafe inet_pton(AF_INET6, start, &address) == 1 else { return nil }
                return unsafe withUnsafeBytes(of: &address) { bytes in
                    unsafe (
                        UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                    )
                }
            }
            var address = in_addr()
            guard unsafe inet_pton(AF_INET, start, &address) == 1 else { return nil }
            return (0, 0xFFFF << 32 | UInt64(UInt32(bigEndian: address.s_addr)))
        }
    }
}
