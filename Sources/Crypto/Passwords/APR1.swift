import Bytes

/// Apache's `$apr1$`: MD5 crypt with another prefix, which libcrypt doesn't have.
enum APR1 {
    /// The 22 characters for a password and a salt of at most eight bytes.
    static func digest(password: borrowing Span<UInt8>, salt: borrowing Span<UInt8>) -> InlineArray<22, UInt8> {
        let prefix: InlineArray<6, UInt8> = [0x24, 0x61, 0x70, 0x72, 0x31, 0x24]
        var alternate = MD5()
        alternate.update(password)
        alternate.update(salt)
        alternate.update(password)
        let mixed = alternate.finish()

        var first = MD5()
        first.update(password)
        first.update(prefix.span)
        first.update(salt)
        var left = password.count
        while left > 0 {
            first.update(mixed.span.extracting(0..<min(left, 16)))
            left -= 16
        }
        // The bits of the length choose between a NUL and the password's first byte: an accident that became the rule.
        let zero: InlineArray<1, UInt8> = [0]
        var bits = password.count
        while bits > 0 {
            if bits & 1 == 1 { first.update(zero.span) } else { first.update(password.extracting(0..<1)) }
            bits >>= 1
        }
        var state = first.finish()

        for round in 0..<1000 {
            var digest = MD5()
            if round & 1 == 1 { digest.update(password) } else { digest.update(state.span) }
            if round % 3 != 0 { digest.update(salt) }
            if round % 7 != 0 { digest.update(password) }
            if round & 1 == 1 { digest.update(state.span) } else { digest.update(password) }
            state = digest.finish()
        }
        return encoded(state)
    }

    private static func encoded(_ state: InlineArray<16, UInt8>) -> InlineArray<22, UInt8> {
        var output = InlineArray<22, UInt8>(repeating: 0)
        var position = 0
        func put(_ value: UInt32, _ count: Int) {
            var value = value
            for _ in 0..<count {
                output[position] = CryptAlphabet.character(UInt8(truncatingIfNeeded: value & 63))
                position += 1
                value >>= 6
            }
        }
        for index in 0..<5 {
            let last = index == 4 ? 5 : index + 12
            put(UInt32(state[index]) << 16 | UInt32(state[index + 6]) << 8 | UInt32(state[last]), 4)
        }
        put(UInt32(state[11]), 2)
        return output
    }
}

/// The characters of crypt's base 64.
enum CryptAlphabet {
    /// The character for a value from 0 to 63.
    static func character(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<12: value + 0x2E
        case 12..<38: value - 12 + 0x41
        default: value - 38 + 0x61
        }
    }
}
