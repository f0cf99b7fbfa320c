import Bytes
import CNGHTTP2

/// What the codec calls back. Each is given the connection's address.
enum HTTP2Callbacks {
    static let failure = CInt(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)

    /// Frame types (RFC 9113, section 6).
    enum FrameType {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let resetStream: UInt8 = 3
        static let goAway: UInt8 = 7
        static let continuation: UInt8 = 9
    }

    static let endStream: UInt8 = 1
    static let padded: UInt8 = 8

    /// The table of callbacks, for `nghttp2_session_callbacks_del`.
    static func make() -> OpaquePointer {
        var made: OpaquePointer?
        let result = unsafe nghttp2_session_callbacks_new(&made)
        guard result == 0, let table = unsafe made else { fatalError("out of memory") }
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(table) { unsafe HTTP2Callbacks.beginFrame($1, $2) }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(table) {
            unsafe HTTP2Callbacks.beginHeaders($1, $2)
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(table) {
            unsafe HTTP2Callbacks.header($2, $3, $4, $5, $7)
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(table) {
            unsafe HTTP2Callbacks.frameReceived($1, $2)
        }
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table) {
            unsafe HTTP2Callbacks.invalidFrame($1, $2, $3)
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) {
            unsafe HTTP2Callbacks.dataReceived($2, $3, $4, $5)
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(table) {
            unsafe HTTP2Callbacks.streamClosed($1, $2, $3)
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(table) { unsafe HTTP2Callbacks.frameSent($1, $2) }
        unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(table) {
            unsafe HTTP2Callbacks.frameNotSent($1, $3)
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(table) {
            unsafe HTTP2Callbacks.sendData($2, $3, $4, $5)
        }
        return unsafe table
    }

    @inline(__always)
    private static func connection(_ context: UnsafeMutableRawPointer?) -> Ref<HTTP2Connection> {
        unsafe Ref(unsafe: context!.assumingMemoryBound(to: HTTP2Connection.self))
    }

    @inline(__always)
    private static func stream(_ connection: Ref<HTTP2Connection>, _ id: Int32) -> Ref<HTTP2Stream>? {
        guard let data = unsafe nghttp2_session_get_stream_user_data(connection.value.session, id) else { return nil }
        return unsafe Ref(unsafe: data.assumingMemoryBound(to: HTTP2Stream.self))
    }

    // MARK: Frames in

    /// The first nine bytes of a frame have come: what costs the client nothing is counted here.
    private static func beginFrame(
        _ frame: UnsafePointer<nghttp2_frame_hd>?,
        _ context: UnsafeMutableRawPointer?
    ) -> CInt {
        let connection = unsafe connection(context)
        let head = unsafe frame!.pointee
        if connection.value.failure != nil { return failure }
        // The client is leaving and has no stream open. The codec passes over what comes from its next call on; so that it
        // doesn't matter how the client's bytes are cut, over the rest of what came in this one too.
        if connection.value.isPeerLeaving, unsafe nghttp2_session_want_read(connection.value.session) == 0 {
            connection.value.isOver = true
            return failure
        }
        connection.value.strayBytes -= head.length + 9
        if connection.value.isBlockIgnored, head.type != FrameType.continuation {
            connection.value.isBlockIgnored = false
            if !connection.value.countIdleFrame() { return failure }
        }
        switch head.type {
        case FrameType.data:
            connection.value.isReceivingHead = false
            if head.length == 0, head.flags & endStream == 0 { return connection.value.countIdleFrame() ? 0 : failure }
            return 0
        case FrameType.headers:
            connection.value.isReceivingHead = true
            connection.value.isBlockIgnored = true
            connection.value.blockBytes = 0
            connection.value.continuations = 0
            connection.value.blockWireBytes = head.length
        case FrameType.continuation:
            connection.value.blockWireBytes += head.length
            connection.value.continuations += 1
            if connection.value.continuations > connection.value.settings.bounds.continuations {
                connection.value.fail(.continuations)
                return failure
            }
            if connection.value.blockWireBytes > connection.value.blockLimit {
                connection.value.fail(.blockTooLarge)
                return failure
            }
            if !connection.value.countIdleFrame() { return failure }
        case FrameType.resetStream:
            connection.value.isReceivingHead = false
            return connection.value.countReset() ? 0 : failure
        default:
            connection.value.isReceivingHead = false
            return connection.value.countIdleFrame() ? 0 : failure
        }
        return 0
    }

    private static func beginHeaders(
        _ frame: UnsafePointer<nghttp2_frame>?,
        _ context: UnsafeMutableRawPointer?
    ) -> CInt {
        let connection = unsafe connection(context)
        let head = unsafe frame!.pointee.hd
        connection.value.isBlockIgnored = false
        if unsafe frame!.pointee.headers.cat != NGHTTP2_HCAT_REQUEST {
            connection.value.receiving = stream(connection, head.stream_id)
            return 0
        }
        guard let stream = connection.value.open(head.stream_id) else {
            connection.value.receiving = nil
            _ = unsafe nghttp2_submit_rst_stream(
                connection.value.session,
                0,
                head.stream_id,
                HTTP2Code.refusedStream
            )
            return 0
        }
        stream.value.connection = connection
        let address = unsafe stream.address
        _ = unsafe nghttp2_session_set_stream_user_data(connection.value.session, head.stream_id, address)
        connection.value.receiving = stream
        connection.value.assembly = HTTP2HeadAssembly()
        return 0
    }

    private static func header(
        _ name: UnsafePointer<UInt8>?,
        _ nameCount: Int,
        _ value: UnsafePointer<UInt8>?,
        _ valueCount: Int,
        _ context: UnsafeMutableRawPointer?
    ) -> CInt {
        let connection = unsafe connection(context)
        connection.value.blockBytes += nameCount + valueCount + 32
        if connection.value.blockBytes > connection.value.blockLimit {
            connection.value.fail(.blockTooLarge)
            return failure
        }
        guard let stream = connection.value.receiving else { return 0 }
        let name = unsafe UnsafeBufferPointer(start: name, count: nameCount).span
        let value = unsafe UnsafeBufferPointer(start: value, count: valueCount).span
        if stream.value.isAnnounced {
            HTTP2Trailers.add(name, value, to: stream)
        } else {
            connection.value.assembly.add(name, value, connection.value.settings.limits, to: stream)
        }
        return 0
    }

    private static func frameReceived(
        _ frame: UnsafePointer<nghttp2_frame>?,
        _ context: UnsafeMutableRawPointer?
    ) -> CInt {
        let connection = unsafe connection(context)
        let head = unsafe frame!.pointee.hd
        switch head.type {
        case FrameType.data:
            if head.flags & (endStream | padded) == padded, unsafe frame!.pointee.data.padlen == head.length {
                return connection.value.countIdleFrame() ? 0 : failure
            }
            guard head.flags & endStream != 0, let stream = stream(connection, head.stream_id) else { return 0 }
            return connection.value.requestEnded(stream) ? 0 : failure
        case FrameType.headers:
            connection.value.isReceivingHead = false
            guard let stream = connection.value.receiving else { return 0 }
            connection.value.receiving = nil
            let isGood =
                stream.value.isAnnounced
                ? connection.value.trailersReceived(stream, endsStream: head.flags & endStream != 0)
                : connection.value.headReceived(stream, endsStream: head.flags & endStream != 0)
            return isGood ? 0 : failure
        case FrameType.goAway:
            connection.value.isPeerLeaving = true
            return 0
        default:
            return 0
        }
    }

    /// A frame that the codec refuses: it resets the stream, or ends the connection.
    private static func invalidFrame(
        _ frame: UnsafePointer<nghttp2_frame>?,
        _ code: CInt,
        _ context: UnsafeMutableRawPointer?
    ) -> CInt {
        let connection = unsafe connection(context)
        let head = unsafe frame!.pointee.hd
        if head.type == FrameType.headers { connection.value.isReceivingHead = false }
        if let stream = stream(connection, head.stream_id) {
            connection.value.beginReset(stream)
            stream.value.violation = "a frame that HTTP/2 forbids"
        }
        return connection.value.countReset() ? 0 : failure
    }

    private static func dataReceived(
        _ id: Int32,
        _ data: UnsafePointer<UInt8>?,
        _ count: Int,
        _ context: UnsafeMutableRawPointer?
    ) -> CInt {
        let connection = unsafe connection(context)
        guard let stream = stream(connection, id) else {
            _ = unsafe nghttp2_session_consume(connection.value.session, id, count)
            return 0
        }
        let bytes = unsafe UnsafeBufferPointer(start: data, count: count).span
        return connection.value.receive(stream, bytes) ? 0 : failure
    }

    private static func streamClosed(_ id: Int32, _ code: UInt32, _ context: UnsafeMutableRawPointer?) -> CInt {
        let connection = unsafe connection(context)
        guard let stream = stream(connection, id) else { return 0 }
        connection.value.closed(stream, code)
        return 0
    }

    // MARK: Frames out

    private static func frameSent(
        _ frame: UnsafePointer<nghttp2_frame>?,
        _ context: UnsafeMutableRawPointer?
    ) -> CInt {
        let head = unsafe frame!.pointee.hd
        switch head.type {
        case FrameType.data, FrameType.headers:
            guard head.flags & endStream != 0 else { return 0 }
            let connection = unsafe connection(context)
            if let stream = stream(connection, head.stream_id) { connection.value.replySent(stream) }
        case FrameType.goAway:
            let connection = unsafe connection(context)
            let code = unsafe frame!.pointee.goaway.error_code
            if code != HTTP2Code.noError { connection.value.ended(code) }
        default: break
        }
        return 0
    }

    /// A frame that can't be sent: a reply's head that is too large, say, would otherwise never come.
    private static func frameNotSent(_ frame: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?)
        -> CInt
    {
        let connection = unsafe connection(context)
        let head = unsafe frame!.pointee.hd
        guard head.type == FrameType.headers, let stream = stream(connection, head.stream_id),
            !stream.value.isResetting
        else { return 0 }
        connection.value.beginReset(stream)
        _ = unsafe nghttp2_submit_rst_stream(connection.value.session, 0, head.stream_id, HTTP2Code.internalError)
        return 0
    }

    /// A DATA frame's turn: its head, then its bytes straight from the stream's buffer.
    private static func sendData(
        _ head: UnsafePointer<UInt8>?,
        _ count: Int,
        _ source: UnsafeMutablePointer<nghttp2_data_source>?,
        _ context: UnsafeMutableRawPointer?
    ) -> CInt {
        let connection = unsafe connection(context)
        if connection.value.output.readableCount >= connection.value.outputLimit {
            return CInt(NGHTTP2_ERR_WOULDBLOCK.rawValue)
        }
        let stream = unsafe Ref(unsafe: source!.pointee.ptr.assumingMemoryBound(to: HTTP2Stream.self))
        guard count <= stream.value.output.readableCount else { return failure }
        connection.value.output.reserve(count + 9)
        connection.value.output.append(unsafe UnsafeBufferPointer(start: head, count: 9).span)
        connection.value.output.append(stream.value.output.readable, 0..<count)
        stream.value.output.consume(count)
        connection.value.dataSent(stream, count)
        return 0
    }
}
