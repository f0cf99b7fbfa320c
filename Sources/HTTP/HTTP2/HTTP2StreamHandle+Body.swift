import Bytes

extension HTTP2StreamHandle {
    /// Whether bytes of the request's body wait to be read.
    package var hasBytes: Bool { !stream.value.body.isEmpty }

    /// Whether trailers came behind the request's body. Known once `isRequestComplete`.
    package var hasTrailers: Bool { !stream.value.trailers.isEmpty }

    /// Keeps trailers for the reply's end: lines as HTTP/1 has them, each with its CRLF.
    package func keepTrailers(_ trailers: borrowing Span<UInt8>) {
        guard !isGone, stream.value.hasReply, !stream.value.isReplyEnded else { return }
        stream.value.replyTrailers.clear()
        stream.value.replyTrailers.append(trailers)
    }
}
