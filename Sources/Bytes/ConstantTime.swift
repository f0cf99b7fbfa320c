import Glibc

/// Whether both hold the same bytes. Takes time by the length alone, never by content; unequal lengths answer at once.
package func constantTimeEquals(_ left: borrowing Span<UInt8>, _ right: borrowing Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in 0..<left.count { difference |= unsafe left[unchecked: index] ^ right[unchecked: index] }
    return difference == 0
}

/// Whether both hold the same bytes. Takes time by the length alone.
package func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    constantTimeEquals(left.span, right.span)
}

/// Overwrites memory with zeros in a way the optimizer keeps.
package func wipeMemory(_ memory: UnsafeMutableRawBufferPointer) {
    guard let base = memory.baseAddress else { return }
    unsafe explicit_bzero(base, memory.count)
}

/// Overwrites the array's bytes with zeros and empties it. Copies made before are out of reach.
package func wipe(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBytes { unsafe wipeMemory($0) }
    bytes.removeAll(keepingCapacity: false)
}
