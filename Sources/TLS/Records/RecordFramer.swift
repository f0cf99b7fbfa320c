/// Follows where records begin and end in the bytes of a handshake, whatever they carry.
struct RecordFramer {
    private var headerCount = 0
    private var left = 0

    /// How many of `bytes` belong to the record in progress, or to the next one if none is: never a byte beyond its end.
    mutating func admit(_ bytes: borrowing Span<UInt8>) -> Int {
        var index = 0
        while index < bytes.count {
            if headerCount < RecordHeader.length {
                if headerCount == 3 { left = Int(bytes[index]) << 8 }
                if headerCount == 4 { left |= Int(bytes[index]) }
                headerCount += 1
                index += 1
                if headerCount < RecordHeader.length { continue }
            } else {
                let count = min(left, bytes.count - index)
                left -= count
                index += count
            }
            if left == 0 {
                headerCount = 0
                return index
            }
        }
        return index
    }
}
