/// What one server's HTTP/2 connections are given and held to.
package struct HTTP2Settings: Sendable, Equatable {
    /// Streams that a client may have open at a time (SETTINGS_MAX_CONCURRENT_STREAMS).
    package var maxConcurrentStreams: UInt32 = 128
    /// Bytes of request body that one stream may have on its way or unread (SETTINGS_INITIAL_WINDOW_SIZE).
    package var streamWindow: UInt32 = 65_535
    /// The same for all streams of the connection; at least 65,535.
    package var connectionWindow: Int32 = 1 << 20
    /// Bytes of unread request bodies up to which the connection's window is given back as they arrive.
    package var bufferedLimit = 256 << 10
    /// The largest frame taken, in bytes (SETTINGS_MAX_FRAME_SIZE); 16,384 to 16,777,215.
    package var maxFrameSize: UInt32 = 16_384
    /// Bytes of payload in a DATA frame we send, at the most.
    package var chunkSize = 16_384
    /// Whether WebSockets may be opened (RFC 8441).
    package var enablesConnectProtocol = true
    /// Bytes and fields of a request's head.
    package var limits = HeadLimits()
    /// Requests after which the client is asked for a new connection.
    package var maxRequests = 1000
    package var bounds = HTTP2Bounds()

    package init() {}
}

/// How much a client may trouble us without getting anywhere. Beyond it the connection ends with ENHANCE_YOUR_CALM.
package struct HTTP2Bounds: Sendable, Equatable {
    /// Streams reset by the client, by its errors, and requests refused: so many at once, and so many a second.
    package var resetBurst: UInt32 = 256
    package var resetRate: UInt32 = 32
    /// Frames that move nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, unknown and empty ones): at once, and a second.
    package var idleFrameBurst: UInt32 = 1024
    package var idleFrameRate: UInt32 = 128
    /// Body bytes, either way, that earn back one such frame.
    package var bytesPerFrame: UInt32 = 256
    /// CONTINUATION frames of one header block.
    package var continuations = 16
    /// Bytes of one header block, decoded, as a multiple of the largest head.
    package var blockFactor = 4
    /// Answers to PING and SETTINGS that wait to be written.
    package var outboundAcks = 1000
    /// Entries of one SETTINGS frame.
    package var settingsEntries = 32

    package init() {}
}
