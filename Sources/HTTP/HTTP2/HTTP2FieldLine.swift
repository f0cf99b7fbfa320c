import Bytes

/// A field of HTTP/2 as a line of HTTP/1.
enum HTTP2FieldLine {
    /// Appends `name: value` and CRLF, and reads it back. On an error what was appended stays.
    @inline(__always)
    static func append(
        _ name: borrowing Span<UInt8>,
        _ value: borrowing Span<UInt8>,
        to bytes: inout ByteBuffer
    ) throws(HeadError) -> FieldEntry {
        let start = bytes.writeIndex
        let count = name.count &+ value.count &+ 4
        _ = unsafe bytes.withWritable(minimum: count) { memory -> Int in
            var place = memory.baseAddress!
            unsafe name.withUnsafeBytes { source in
                if let from = source.baseAddress { unsafe ByteBuffer.copy(from, to: place, source.count) }
            }
            unsafe place += name.count
            unsafe place.storeBytes(of: UInt16(0x203A).littleEndian, as: UInt16.self)
            unsafe place += 2
            unsafe value.withUnsafeBytes { source in
                if let from = source.baseAddress { unsafe ByteBuffer.copy(from, to: place, source.count) }
            }
            unsafe place += value.count
            unsafe place.storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
            return count
        }
        return try read(bytes.written, from: start, nameCount: name.count, valueCount: value.count)
    }

    /// Reads the line at `start` as HTTP/1 would, and insists that it is the field it was made of: a name in lower case and
    /// a value without white space around it.
    @inline(__always)
    static func read(
        _ bytes: borrowing Span<UInt8>,
        from start: Int,
        nameCount: Int,
        valueCount: Int
    ) throws(HeadError) -> FieldEntry {
        let line = try FieldLine.read(bytes, from: start, bound: bytes.count, .crlf, FieldNameTable.shared)
        guard case .field(let entry, let next) = line, Int(entry.name.count) == nameCount else { throw .malformedName }
        guard next == bytes.count else { throw .controlCharacter }
        guard Int(entry.value.count) == valueCount else { throw .fieldWhitespace }
        // Eight bytes at a time, as far as there are so many.
        var index = start
        let end = start &+ nameCount
        while index < end, index &+ 8 <= bytes.count {
            let word = bytes.word(at: index)
            let count = end &- index
            let name = count < 8 ? (1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1 : UInt64.max
            if (ASCII.lowercased(word) ^ word) & name != 0 { throw .uppercaseName }
            index &+= 8
        }
        while index < end {
            // The name lies in the bytes.
            if unsafe ASCII.isUppercase(bytes[unchecked: index]) { throw .uppercaseName }
            index &+= 1
        }
        return entry
    }

    /// Whether a value has white space around it.
    static func isPadded(_ value: borrowing Span<UInt8>) -> Bool {
        let count = value.count
        if count == 0 { return false }
        let first = value[0]
        let last = value[count - 1]
        return first == ASCII.space || first == ASCII.tab || last == ASCII.space || last == ASCII.tab
    }
}
