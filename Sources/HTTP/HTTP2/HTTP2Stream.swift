import Bytes

/// One stream: what the codec and the loop leave for each other.
///
/// Lives until both are done with it: the codec has closed it, and the loop has released it (or never saw it).
@safe
package struct HTTP2Stream: ~Copyable {
    struct Pending: OptionSet {
        let rawValue: UInt8
        static let request = Pending(rawValue: 1)
        static let refused = Pending(rawValue: 2)
        static let readable = Pending(rawValue: 4)
        static let writable = Pending(rawValue: 8)
        static let reset = Pending(rawValue: 16)
    }

    var id: Int32 = 0
    var slot: UInt32 = 0
    var resources: Ref<HTTP2Resources>?
    /// Nil once the connection is gone.
    var connection: Ref<HTTP2Connection>?
    /// Neighbours among the connection's streams.
    var previous: Ref<HTTP2Stream>?
    var following: Ref<HTTP2Stream>?

    // The queue of events.
    var nextQueued: Ref<HTTP2Stream>?
    var pending: Pending = []
    var isQueued = false

    // Whose it is.
    /// The loop has heard of it.
    var isAnnounced = false
    var isReleased = false
    /// The codec knows it no more.
    var isClosed = false
    var isResetting = false
    var closeCode: UInt32 = 0
    /// What the client did wrong, for which the stream was reset.
    var violation: StaticString?
    /// The loop's own mark.
    var tag: UInt64 = 0

    // The request.
    var head = RequestHead()
    var headBytes = ByteBuffer()
    var refusal: HeadError?
    var isExtendedConnect = false
    var isPlainHTTP = false
    /// Cookie crumbs, joined, until the head is complete.
    var crumbs = ByteBuffer()
    var body = ByteBuffer()
    /// Length by the request's own field, or -1.
    var expectedBody: Int64 = -1
    var receivedBody: Int64 = 0
    /// The client has ended its side.
    var isRequestComplete = false
    /// The loop was told of what is in `body`, or of its end, and hasn't read it.
    var isReadableTold = false
    var trailers = ByteBuffer()
    var trailerCount = 0

    // The reply.
    /// Pseudo-fields while the head comes; the reply's head after that.
    var text = ByteBuffer()
    var output = ByteBuffer()
    var replyTrailers = ByteBuffer()
    var hasReply = false
    /// Nothing follows `output` but trailers, if any.
    var isReplyEnded = false
    /// END_STREAM is written.
    var isReplySent = false
    /// The codec waits for `resume`.
    var isDeferred = false
    var wantsWritable = false
    /// Its frames alternate with those of others.
    var takesTurns = false

    init() {}

    /// Readies the object for the next stream and keeps what storage is worth keeping.
    mutating func reset(_ buffers: inout BufferPool) {
        connection = nil
        previous = nil
        following = nil
        pending = []
        isAnnounced = false
        isReleased = false
        isClosed = false
        isResetting = false
        closeCode = 0
        violation = nil
        tag = 0
        refusal = nil
        isExtendedConnect = false
        isPlainHTTP = false
        expectedBody = -1
        receivedBody = 0
        isRequestComplete = false
        isReadableTold = false
        trailerCount = 0
        hasReply = false
        isReplyEnded = false
        isReplySent = false
        isDeferred = false
        wantsWritable = false
        takesTurns = false
        buffers.reclaim(&headBytes)
        buffers.reclaim(&body)
        buffers.reclaim(&output)
        Self.recycle(&crumbs)
        Self.recycle(&trailers)
        Self.recycle(&text)
        Self.recycle(&replyTrailers)
    }

    /// Gives the object back for another stream.
    static func recycle(_ stream: Ref<HTTP2Stream>) {
        guard let resources = stream.value.resources else { return }
        stream.value.reset(&resources.value.buffers)
        resources.value.streams.release(stream.value.slot)
    }

    private static func recycle(_ buffer: inout ByteBuffer) {
        if buffer.capacity > 4096 {
            buffer = ByteBuffer()
        } else {
            buffer.clear()
        }
    }
}
