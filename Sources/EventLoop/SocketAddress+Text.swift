package import Bytes

extension SocketAddress {
    /// Reads `127.0.0.1:80`, `[::1]:80` or `unix:/path`. Nil for anything else, host names among it.
    ///
    /// Without a port, `defaultPort` counts; without that, the port must be there.
    package init?(parsing text: String, defaultPort: UInt16? = nil) {
        if text.hasPrefix("unix:") {
            self.init(path: String(text.dropFirst(5)))
            return
        }
        let bytes = Array(text.utf8)
        let span = bytes.span
        var host = 0..<bytes.count
        var rest = bytes.count
        if let first = bytes.first, first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = 1..<close
            rest = close + 1
            guard bytes[host].contains(ASCII.colon) else { return nil }
        } else if let colon = bytes.firstIndex(of: ASCII.colon) {
            host = 0..<colon
            rest = colon
        }
        var port = defaultPort
        if rest < bytes.count {
            guard bytes[rest] == ASCII.colon, bytes.count - rest <= 6,
                let value = span.extracting((rest + 1)..<bytes.count).decimalValue(), value <= 65535
            else { return nil }
            port = UInt16(value)
        }
        guard let port, let ip = Self.parseIP(span.extracting(host)) else { return nil }
        self.init(ip: ip, port: port)
    }

    /// Reads an IPv4 or IPv6 address without port or brackets (inet_pton(3): strict, no leading zeros). Allocates nothing.
    package static func parseIP(_ text: borrowing Span<UInt8>) -> IPBytes? {
        guard let (high, low) = IPText.parse(text) else { return nil }
        return IPBytes(high: high, low: low)
    }

    /// Appends the address without its port, IPv6 without brackets (RFC 5952); `unix:` and the path for a path.
    package func appendAddress(to buffer: inout ByteBuffer) {
        switch family {
        case .ipv4: ipBytes.appendIPv4(to: &buffer)
        case .ipv6: ipBytes.appendIPv6(to: &buffer)
        case .unix:
            buffer.append("unix:")
            appendPath(to: &buffer)
        }
    }

    /// Appends the form that `init(parsing:)` reads.
    package func append(to buffer: inout ByteBuffer) {
        if family == .ipv6 { buffer.append(0x5B) }
        appendAddress(to: &buffer)
        if family == .ipv6 { buffer.append(0x5D) }
        if family == .unix { return }
        buffer.append(ASCII.colon)
        buffer.append(decimal: UInt64(port))
    }

    /// The address without its port, as `appendAddress` writes it. Allocates.
    package var addressText: String {
        var buffer = ByteBuffer(capacity: 64)
        appendAddress(to: &buffer)
        return buffer.readable.string
    }
}

extension SocketAddress: CustomStringConvertible {
    /// The form that `init(parsing:)` reads.
    package var description: String {
        switch family {
        case .ipv4: return "\(addressText):\(port)"
        case .ipv6: return "[\(addressText)]:\(port)"
        case .unix: return addressText
        }
    }
}

extension SocketAddress.IPBytes {
    /// Appends the text of the address: dotted for a mapped one, else as RFC 5952 has it.
    package func append(to buffer: inout ByteBuffer) {
        if isIPv4 { appendIPv4(to: &buffer) } else { appendIPv6(to: &buffer) }
    }

    fileprivate func appendIPv4(to buffer: inout ByteBuffer) {
        // Four numbers of at most three digits and three dots.
        _ = unsafe buffer.withWritable(minimum: 15) { memory in
            var count = 0
            var shift: UInt64 = 32
            while shift > 0 {
                shift &-= 8
                // At most 255: multiplied by 205 and 41, it divides by 10 and 100 without a division.
                let value = UInt32(truncatingIfNeeded: low &>> shift) & 0xFF
                let hundreds = (value &* 41) &>> 12
                let tens = (value &* 205) &>> 11
                if hundreds > 0 {
                    unsafe memory[count] = UInt8(truncatingIfNeeded: hundreds) &+ ASCII.zero
                    count &+= 1
                }
                if tens > 0 {
                    unsafe memory[count] = UInt8(truncatingIfNeeded: tens &- hundreds &* 10) &+ ASCII.zero
                    count &+= 1
                }
                unsafe memory[count] = UInt8(truncatingIfNeeded: value &- tens &* 10) &+ ASCII.zero
                count &+= 1
                if shift > 0 {
                    unsafe memory[count] = ASCII.dot
                    count &+= 1
                }
            }
            return count
        }
    }

    private func group(_ index: Int) -> UInt64 {
        (index < 4 ? high : low) >> UInt64((3 - index % 4) * 16) & 0xFFFF
    }

    fileprivate func appendIPv6(to buffer: inout ByteBuffer) {
        // The longest run of at least two zero groups, the first of equals (RFC 5952, section 4.2).
        var best = 0..<0
        var start = 0
        for index in 0...8 where index == 8 || group(index) != 0 {
            if index - start > max(best.count, 1) { best = start..<index }
            start = index + 1
        }
        var index = 0
        while index < 8 {
            if !best.isEmpty, index == best.lowerBound {
                buffer.append("::")
                index = best.upperBound
                continue
            }
            buffer.append(hexadecimal: group(index))
            index += 1
            if index < 8, index != best.lowerBound || best.isEmpty { buffer.append(ASCII.colon) }
        }
    }
}
