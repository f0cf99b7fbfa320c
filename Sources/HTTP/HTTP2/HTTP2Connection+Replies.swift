import Bytes
import CNGHTTP2

extension HTTP2Connection {
    /// Frames what is due until `limit` bytes wait or nothing more is due.
    mutating func send(limit: Int) throws(HTTP2Error) {
        outputLimit = limit
        while output.readableCount < limit {
            var bytes: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &bytes)
            if count == 0 { return }
            if count < 0 {
                let error = count == Int(NGHTTP2_ERR_NOMEM.rawValue) ? HTTP2Error.outOfMemory : .broken
                if failure == nil { failure = error }
                throw error
            }
            output.append(unsafe UnsafeBufferPointer(start: bytes, count: count).span)
        }
    }

    /// Bytes of a reply's body are in the output.
    mutating func dataSent(_ stream: Ref<HTTP2Stream>, _ count: Int) {
        bodyBytesOut &+= UInt64(count)
        idleFrames.earn(count, price: settings.bounds.bytesPerFrame)
        guard stream.value.output.isEmpty else { return }
        resources.value.buffers.reclaim(&stream.value.output)
        if stream.value.wantsWritable {
            stream.value.wantsWritable = false
            post(stream, .writable)
        }
    }

    /// How many bytes the stream's next DATA frame takes.
    mutating func readData(_ stream: Ref<HTTP2Stream>, _ room: Int, _ flags: inout UInt32) -> Int {
        let waiting = stream.value.output.readableCount
        if waiting == 0, !stream.value.isReplyEnded {
            stream.value.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        let count = min(room, waiting, settings.chunkSize)
        flags |= UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue)
        if count == waiting, stream.value.isReplyEnded {
            flags |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
            if !stream.value.replyTrailers.isEmpty, submitTrailers(stream) {
                flags |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
            }
        }
        return count
    }

    /// Queues the trailers; false when nothing in them is for HTTP/2: then the last DATA frame ends the stream.
    private func submitTrailers(_ stream: Ref<HTTP2Stream>) -> Bool {
        let fields = unsafe resources.value.fields
        let count = unsafe HTTP2ReplyFields.read(
            stream.value.replyTrailers.readable,
            kind: .trailers,
            into: fields,
            text: &stream.value.text
        )
        guard count > 0 else { return false }
        return unsafe nghttp2_submit_trailer(session, stream.value.id, fields, count) == 0
    }

    /// Queues a reply's head. False when the stream is no more or the head can't be framed.
    mutating func submitReply(_ stream: Ref<HTTP2Stream>, _ head: borrowing Span<UInt8>, ends: Bool) -> Bool {
        let fields = unsafe resources.value.fields
        let kind: HTTP2ReplyFields.Kind = stream.value.isExtendedConnect ? .connectReply : .reply
        let count = unsafe HTTP2ReplyFields.read(head, kind: kind, into: fields, text: &stream.value.text)
        guard count > 0 else { return false }
        stream.value.hasReply = true
        var result: CInt
        if ends {
            stream.value.isReplyEnded = true
            result = unsafe nghttp2_submit_response(session, stream.value.id, fields, count, nil)
        } else {
            var provider = unsafe nghttp2_data_provider()
            unsafe provider.source.ptr = UnsafeMutableRawPointer(stream.address)
            unsafe provider.read_callback = { _, _, _, room, flags, source, context in
                let connection = unsafe Ref(unsafe: context!.assumingMemoryBound(to: HTTP2Connection.self))
                let stream = unsafe Ref(unsafe: source!.pointee.ptr.assumingMemoryBound(to: HTTP2Stream.self))
                return unsafe connection.value.readData(stream, room, &flags!.pointee)
            }
            result = unsafe nghttp2_submit_response(session, stream.value.id, fields, count, &provider)
        }
        return result == 0
    }

    /// All streams take turns, frame by frame: whichever came first would else keep the others waiting until it is done
    /// (RFC 9218, section 10). A reply of one frame has no use for it.
    func takeTurns(_ stream: Ref<HTTP2Stream>) {
        if stream.value.takesTurns { return }
        stream.value.takesTurns = true
        var priority = nghttp2_extpri(urgency: 3, inc: 1)
        _ = unsafe nghttp2_session_change_extpri_stream_priority(session, stream.value.id, &priority, 1)
    }

    /// Queues an interim reply's head.
    mutating func submitInterim(_ stream: Ref<HTTP2Stream>, _ head: borrowing Span<UInt8>) -> Bool {
        let fields = unsafe resources.value.fields
        let count = unsafe HTTP2ReplyFields.read(head, kind: .interim, into: fields, text: &stream.value.text)
        guard count > 0 else { return false }
        return unsafe nghttp2_submit_headers(session, 0, stream.value.id, nil, fields, count, nil) == 0
    }

    /// Lets the codec ask for the stream's bytes again.
    func resume(_ stream: Ref<HTTP2Stream>) {
        guard stream.value.isDeferred, !stream.value.isClosed else { return }
        stream.value.isDeferred = false
        takeTurns(stream)
        _ = unsafe nghttp2_session_resume_data(session, stream.value.id)
    }
}
