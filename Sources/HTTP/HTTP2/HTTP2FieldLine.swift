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
        bytes.reserve(name.count &+ value.count &+ 4)
        bytes.append(name)
        bytes.append(": ")
        bytes.append(value)
        bytes.append("\r\n")
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
        var index = start
        let end = start &+ nameCount
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
