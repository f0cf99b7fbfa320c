import Bytes
import CNGHTTP2

/// What the HTTP/2 connections of one event loop share: stream objects, body buffers, and the codec's constant tables.
///
/// Stays at one address while any session or stream handle lives, and outlives them all.
@safe
package struct HTTP2Resources: ~Copyable {
    /// Fields of a reply's head or trailers, at the most.
    static let fieldCapacity = 320

    var streams: Slab<HTTP2Stream>
    var buffers: BufferPool
    let fields: UnsafeMutablePointer<nghttp2_nv>
    let callbacks: OpaquePointer
    let options: OpaquePointer
    let memory: UnsafeMutablePointer<HTTP2Memory>

    /// - Parameters:
    ///   - streamLimit: streams at a time, of all connections.
    ///   - bufferCapacity: bytes in a buffer for bodies and heads.
    ///   - spareBuffers: buffers kept when none needs them.
    ///   - spareMemory: bytes of the codec's blocks that are kept when none needs them.
    package init(
        streamLimit: Int,
        bufferCapacity: Int = 16_384,
        spareBuffers: Int = 256,
        spareMemory: Int = 512 << 10,
        bounds: HTTP2Bounds = HTTP2Bounds()
    ) {
        streams = Slab(limit: streamLimit)
        buffers = BufferPool(bufferCapacity: bufferCapacity, limit: spareBuffers)
        unsafe fields = .allocate(capacity: Self.fieldCapacity)
        unsafe callbacks = HTTP2Callbacks.make()
        unsafe options = Self.makeOptions(bounds)
        unsafe memory = .allocate(capacity: 1)
        unsafe memory.initialize(to: HTTP2Memory(limit: spareMemory))
    }

    deinit {
        unsafe fields.deallocate()
        unsafe nghttp2_session_callbacks_del(callbacks)
        unsafe nghttp2_option_del(options)
        unsafe memory.deinitialize(count: 1)
        unsafe memory.deallocate()
    }

    /// Streams that are open or not yet released.
    package var streamCount: Int { streams.count }

    private static func makeOptions(_ bounds: HTTP2Bounds) -> OpaquePointer {
        var option: OpaquePointer?
        let result = unsafe nghttp2_option_new(&option)
        guard result == 0, let option = unsafe option else { fatalError("out of memory") }
        // Windows are given back as bodies are read; messages are checked as those of HTTP/1 are, by the same code.
        unsafe nghttp2_option_set_no_auto_window_update(option, 1)
        unsafe nghttp2_option_set_no_http_messaging(option, 1)
        unsafe nghttp2_option_set_no_closed_streams(option, 1)
        unsafe nghttp2_option_set_max_outbound_ack(option, bounds.outboundAcks)
        unsafe nghttp2_option_set_max_settings(option, bounds.settingsEntries)
        // The codec counts each part of a CONTINUATION frame's nine first bytes that comes by itself; ours counts frames.
        unsafe nghttp2_option_set_max_continuations(option, (bounds.continuations + 1) * 9)
        // Resets have a budget of their own, on the caller's clock.
        unsafe nghttp2_option_set_stream_reset_rate_limit(option, 1 << 40, 1 << 20)
        unsafe nghttp2_option_set_max_send_header_block_length(option, 256 << 10)
        return unsafe option
    }
}
