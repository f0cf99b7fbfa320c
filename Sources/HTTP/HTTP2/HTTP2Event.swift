/// What a connection's streams have to tell. Each stream stands in the queue at most once.
package enum HTTP2Event: Sendable {
    /// A request's head is complete: take it with `takeHead`. The handle is the loop's until `release`.
    case request(HTTP2StreamHandle)
    /// A request whose head can't be accepted: answer it as for HTTP/1. The handle is the loop's until `release`; its head
    /// holds nothing but, in the bytes, a request line for the log.
    case refused(HTTP2StreamHandle, HeadError)
    /// Bytes of the request's body have come, or its end.
    case readable(HTTP2StreamHandle)
    /// All that was written is on its way: there is room again.
    case writable(HTTP2StreamHandle)
    /// The stream is no more: the client, its errors, or the connection's end reset it. Release it.
    case reset(HTTP2StreamHandle, code: UInt32)
}

/// What one attempt to read a request's body brought.
package enum HTTP2ReadResult: Sendable, Equatable {
    /// So many bytes, at least one.
    case bytes(Int)
    /// Nothing until `.readable`.
    case wantsRead
    /// The body has ended; trailers, if any, can be taken.
    case end
    /// The stream is no more.
    case reset
}

/// What one attempt to write a reply's body brought.
package enum HTTP2WriteResult: Sendable, Equatable {
    /// So many bytes were taken.
    case bytes(Int)
    /// No room until `.writable`.
    case wantsWrite
    /// The stream is no more.
    case reset
}
