package import Bytes

/// Writes the chunked transfer coding (RFC 9112, section 7.1).
package enum ChunkedEncoder {
    /// Bytes that a chunk's header and end take at the most.
    package static let maximumOverhead = 20

    /// Appends what precedes a chunk of `count` bytes, at least one: an empty chunk would end the body.
    package static func appendHeader(_ count: Int, to output: inout ByteBuffer) {
        precondition(count > 0)
        output.append(hexadecimal: UInt64(count))
        output.append("\r\n")
    }

    /// Appends what follows a chunk's bytes.
    package static func appendChunkEnd(to output: inout ByteBuffer) {
        output.append("\r\n")
    }

    /// Appends a whole chunk; nothing for no bytes.
    package static func appendChunk(_ bytes: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        if bytes.isEmpty { return }
        output.reserve(bytes.count + maximumOverhead)
        appendHeader(bytes.count, to: &output)
        output.append(bytes)
        appendChunkEnd(to: &output)
    }

    /// Appends the last chunk and an empty trailer section.
    package static func appendEnd(to output: inout ByteBuffer) {
        output.append("0\r\n\r\n")
    }

    /// Appends the last chunk and `trailers`: whole field lines, as `ChunkedDecoder` hands them on.
    package static func appendEnd(trailers: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        output.append("0\r\n")
        output.append(trailers)
        output.append("\r\n")
    }
}
