extension ByteBuffer {
    /// Appends `value` in decimal, without sign or padding.
    @inlinable
    package mutating func append(decimal value: UInt64) {
        if value < 10 {
            append(UInt8(truncatingIfNeeded: value) &+ 0x30)
            return
        }
        if value < 1000 {
            reserve(3)
            let small = UInt32(truncatingIfNeeded: value)
            var position = writeIndex
            if small >= 100 {
                unsafe pointer(at: position).pointee = UInt8(truncatingIfNeeded: small / 100) &+ 0x30
                position &+= 1
            }
            unsafe pointer(at: position).pointee = UInt8(truncatingIfNeeded: small / 10 % 10) &+ 0x30
            unsafe pointer(at: position &+ 1).pointee = UInt8(truncatingIfNeeded: small % 10) &+ 0x30
            last = position &+ 2
            return
        }
        var digits = 0
        var probe = value
        while probe > 0 {
            digits &+= 1
            probe /= 10
        }
        reserve(digits)
        var rest = value
        var position = writeIndex &+ digits
        while position > writeIndex {
            position &-= 1
            unsafe pointer(at: position).pointee = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
            rest /= 10
        }
        last += digits
    }

    @inlinable
    package mutating func append(decimal value: Int) {
        if value < 0 { append(0x2D) }
        append(decimal: UInt64(value.magnitude))
    }

    /// Appends `value` in lower-case hexadecimal without leading zeros.
    @inlinable
    package mutating func append(hexadecimal value: UInt64) {
        let digits = value == 0 ? 1 : (64 - value.leadingZeroBitCount + 3) / 4
        reserve(digits)
        for position in 0..<digits {
            let nibble = UInt8(truncatingIfNeeded: (value >> UInt64((digits - 1 - position) * 4)) & 0xF)
            unsafe pointer(at: writeIndex + position).pointee = ASCII.lowercaseHexDigit(nibble)
        }
        last += digits
    }
}
