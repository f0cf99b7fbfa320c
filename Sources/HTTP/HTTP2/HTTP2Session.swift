package import Bytes
import CNGHTTP2

/// The server's side of an HTTP/2 connection (RFC 9113), without I/O: bytes in, events and bytes out.
///
///     receive(bytes) ─▶ nextEvent … ─▶ streams' handles ─▶ send(into:)
///
/// Framing, HPACK and flow control are nghttp2's; messages are held to the rules of HTTP/1's parser. After an error, or once
/// `isFinished`, write what `send` brings and close.
@safe
package struct HTTP2Session: ~Copyable {
    private let connection: Ref<HTTP2Connection>

    /// A session whose SETTINGS are queued. `resources` must outlive it; `now` in nanoseconds.
    package init(_ resources: Ref<HTTP2Resources>, settings: HTTP2Settings, now: UInt64) {
        let place = UnsafeMutablePointer<HTTP2Connection>.allocate(capacity: 1)
        var made: OpaquePointer?
        var memory = unsafe HTTP2Memory.table(resources.value.memory)
        let result = unsafe nghttp2_session_server_new3(
            &made,
            resources.value.callbacks,
            place,
            resources.value.options,
            &memory
        )
        guard result == 0, let session = unsafe made else { fatalError("out of memory") }
        unsafe place.initialize(to: HTTP2Connection(session, resources, settings, now: now))
        connection = unsafe Ref(unsafe: place)
        connection.value.submitSettings()
    }

    deinit {
        connection.value.detachStreams()
        unsafe nghttp2_session_del(connection.value.session)
        unsafe connection.address.deinitialize(count: 1)
        unsafe connection.address.deallocate()
    }

    /// Takes bytes from the client, all of them; what they mean is in the events. `now` in nanoseconds.
    ///
    /// Throws what ends the connection, once: later bytes are passed over.
    package mutating func receive(_ bytes: borrowing Span<UInt8>, now: UInt64) throws(HTTP2Error) {
        connection.value.now = now
        if connection.value.failure != nil || connection.value.isOver || bytes.count == 0 { return }
        let session = unsafe connection.value.session
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe nghttp2_session_mem_recv(session, $0.baseAddress, $0.count)
        }
        if connection.value.isOver { return }
        if result < 0 { connection.value.fail(HTTP2Error.codec(result)) }
        connection.value.countStrays(bytes.count)
        if let failure = connection.value.failure { throw failure }
    }

    /// What a stream has to tell, oldest first; nil when there is nothing more.
    package mutating func nextEvent() -> HTTP2Event? { connection.value.nextEvent() }

    /// Whether streams have something to tell.
    package var hasEvents: Bool { connection.value.firstQueued != nil }

    /// Whether the next event, if there is one, is a request's beginning.
    package var beginsRequest: Bool { connection.value.beginsRequest }

    /// Appends frames to `output` until it holds `limit` bytes or more, or nothing more is due.
    package mutating func send(into output: inout ByteBuffer, limit: Int) throws(HTTP2Error) {
        swap(&output, &connection.value.output)
        defer { swap(&output, &connection.value.output) }
        try connection.value.send(limit: limit)
    }

    /// Whether `send` would bring something.
    package var wantsWrite: Bool { unsafe nghttp2_session_want_write(connection.value.session) != 0 }

    /// Whether there is nothing more to read or to write: the connection can be closed.
    package var isFinished: Bool {
        if wantsWrite { return false }
        return unsafe connection.value.failure != nil || nghttp2_session_want_read(connection.value.session) == 0
    }

    /// What ended the connection: what `receive` threw, or what the codec found by itself.
    package var failure: HTTP2Error? { connection.value.failure }

    // MARK: Ending

    /// Ends the connection in order: the first call asks the client to open no more streams, the second (a round trip later,
    /// say) takes none after those that have begun. Streams that have begun are finished.
    package mutating func shutdown() {
        if connection.value.shutdown == .none {
            connection.value.announceEnd()
        } else {
            connection.value.endStreams()
        }
    }

    /// Ends the connection at once, with an error code (RFC 9113, section 7).
    package mutating func terminate(_ code: UInt32) {
        connection.value.fail(HTTP2Error(code, "ended by this side"))
    }

    /// Breaks off all streams, as the connection is gone: each that the loop holds gets a `.reset`.
    package mutating func abandon() { connection.value.abandon() }

    /// Whether the client was asked to open no more streams.
    package var isShuttingDown: Bool { connection.value.shutdown != .none }
    /// Whether streams that the client opens now are still served.
    package var takesStreams: Bool { connection.value.shutdown == .none || connection.value.shutdown == .noticed }

    // MARK: Figures

    /// Streams that are open.
    package var openStreams: Int { connection.value.openStreams }
    /// Requests so far, refused ones among them.
    package var requests: Int { connection.value.requests }
    /// Bytes of bodies so far, from the client and to it.
    package var bodyBytes: (received: UInt64, sent: UInt64) {
        (connection.value.bodyBytesIn, connection.value.bodyBytesOut)
    }
    /// Bytes of request bodies that are unread.
    package var bufferedBytes: Int { connection.value.buffered }
    /// Whether a header block has begun and not ended: the loop times it.
    package var isReceivingHead: Bool { connection.value.isReceivingHead }
}

extension HTTP2Connection {
    /// Queues our SETTINGS and the connection's window.
    mutating func submitSettings() {
        let listSize = settings.limits.total + 32 * settings.limits.fieldCount
        let entries: InlineArray<6, nghttp2_settings_entry> = [
            Self.entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.maxConcurrentStreams),
            Self.entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.streamWindow),
            Self.entry(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, settings.maxFrameSize),
            Self.entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(clamping: listSize)),
            Self.entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
            Self.entry(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1),
        ]
        let count = settings.enablesConnectProtocol ? 6 : 5
        let span = entries.span
        let result = unsafe span.withUnsafeBufferPointer {
            unsafe nghttp2_submit_settings(session, 0, $0.baseAddress, count)
        }
        precondition(result == 0, "settings out of their range")
        _ = unsafe nghttp2_session_set_local_window_size(session, 0, 0, settings.connectionWindow)
    }

    private static func entry(_ id: nghttp2_settings_id, _ value: UInt32) -> nghttp2_settings_entry {
        nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: value)
    }

    /// The session ends: handles that the loop still holds stay valid and know it.
    mutating func detachStreams() {
        while let stream = streams {
            streams = stream.value.following
            let isUnheard = !stream.value.pending.isDisjoint(with: [.request, .refused])
            stream.value.connection = nil
            stream.value.isClosed = true
            stream.value.isQueued = false
            stream.value.pending = []
            if stream.value.isReleased || !stream.value.isAnnounced || isUnheard { HTTP2Stream.recycle(stream) }
        }
    }

    /// The connection is gone: tells the loop for each stream that it holds.
    mutating func abandon() {
        if failure == nil { failure = HTTP2Error(HTTP2Code.cancel, "the connection is gone") }
        shutdown = .terminated
        var next = streams
        while let stream = next {
            next = stream.value.following
            if stream.value.isClosed { continue }
            _ = unsafe nghttp2_session_set_stream_user_data(session, stream.value.id, nil)
            closed(stream, HTTP2Code.cancel)
        }
    }
}

extension HTTP2Error {
    /// What the codec's answer to bytes means.
    static func codec(_ result: Int) -> HTTP2Error {
        switch Int32(truncatingIfNeeded: result) {
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: .badPreface
        case NGHTTP2_ERR_FLOODED.rawValue: .floodedAcks
        case NGHTTP2_ERR_TOO_MANY_SETTINGS.rawValue: .settingsEntries
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: .continuations
        case NGHTTP2_ERR_NOMEM.rawValue: .outOfMemory
        default: .broken
        }
    }
}
