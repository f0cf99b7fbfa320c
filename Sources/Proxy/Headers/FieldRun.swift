import Bytes
import HTTP

/// Copies the lines of kept fields, neighbours in one piece.
///
/// A field whose line reads `Name: value`, CRLF, is copied as it stands; one that is spelt with other white space is written
/// anew.
struct FieldRun {
    private var start = 0
    private var end = 0

    /// Keeps a field of the head in `bytes`.
    @inline(__always)
    mutating func keep(_ field: FieldEntry, _ bytes: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        let nameEnd = field.name.upperBound
        let valueEnd = field.value.upperBound
        // Two bytes of line end follow each value of a complete head; a bare LF is no CR.
        if field.value.lowerBound == nameEnd &+ 2, valueEnd &+ 2 <= bytes.count, bytes[nameEnd &+ 1] == ASCII.space,
            bytes[valueEnd] == ASCII.carriageReturn, bytes[valueEnd &+ 1] == ASCII.lineFeed
        {
            if field.name.lowerBound != end {
                flush(bytes, to: &output)
                start = field.name.lowerBound
            }
            end = valueEnd &+ 2
        } else {
            flush(bytes, to: &output)
            output.append(bytes, field.name.range)
            output.append(": ")
            output.append(bytes, field.value.range)
            output.append("\r\n")
        }
    }

    /// Writes what is kept and not yet written. Before anything else is written, and at the end.
    @inline(__always)
    mutating func flush(_ bytes: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        if end > start { output.append(bytes, start..<end) }
        start = 0
        end = 0
    }
}
