package import Bytes
import CNGHTTP2

/// The loop's end of a stream, from `.request` or `.refused` until `release`.
///
/// Costs nothing to copy. After the session is gone it still may be asked and released: everything else answers `.reset`.
package struct HTTP2StreamHandle: Sendable, Equatable {
    let stream: Ref<HTTP2Stream>

    /// The stream's number.
    package var id: Int32 { stream.value.id }

    /// The loop's own mark, zero at first: which of its connections the stream is.
    package var tag: UInt64 {
        get { stream.value.tag }
        nonmutating set { stream.value.tag = newValue }
    }

    /// Whether the head is that of a WebSocket opened by CONNECT (RFC 8441): a GET that asks for an upgrade, without the key
    /// that HTTP/1 needs. It has no body; what the client sends are the WebSocket's bytes.
    package var isExtendedConnect: Bool { stream.value.isExtendedConnect }

    /// Whether `:scheme` was `http`.
    package var isPlainHTTP: Bool { stream.value.isPlainHTTP }

    /// Whether the client has ended its side, which may still have to be read.
    package var isRequestComplete: Bool { stream.value.isRequestComplete }

    /// Whether the stream is no more.
    package var isGone: Bool { stream.value.isClosed || stream.value.isResetting }

    /// What the client did wrong with it, in plain words for the error log; nil when it did nothing wrong.
    package var violation: StaticString? { stream.value.violation }

    /// Bytes that wait to be framed.
    package var unsentCount: Int { stream.value.output.readableCount }

    // MARK: The request

    /// Swaps the head and the bytes that it points into with the caller's. The head keeps to `bytes` from its first byte on.
    package func takeHead(into head: inout RequestHead, bytes: inout ByteBuffer) {
        swap(&head, &stream.value.head)
        swap(&bytes, &stream.value.headBytes)
    }

    /// Reads what has come of the request's body: swaps buffers when `target` is empty, else appends.
    package func read(into target: inout ByteBuffer) -> HTTP2ReadResult {
        stream.value.isReadableTold = false
        if isGone { return .reset }
        let count = stream.value.body.readableCount
        if count == 0 { return stream.value.isRequestComplete ? .end : .wantsRead }
        if target.isEmpty {
            target.clear()
            swap(&target, &stream.value.body)
        } else {
            target.append(stream.value.body.readable)
            stream.value.body.clear()
        }
        if let connection = stream.value.connection {
            connection.value.giveBack(count)
            _ = unsafe nghttp2_session_consume_stream(connection.value.session, stream.value.id, count)
            if !stream.value.body.isEmpty { return .bytes(count) }
            connection.value.resources.value.buffers.reclaim(&stream.value.body)
        }
        return .bytes(count)
    }

    /// Appends the request's trailers, once `read` answered `.end`: a line for each, with its CRLF. False without any.
    @discardableResult
    package func appendTrailers(to target: inout ByteBuffer) -> Bool {
        if stream.value.trailers.isEmpty { return false }
        target.append(stream.value.trailers.readable)
        return true
    }

    // MARK: The reply

    /// Queues an interim reply; `head` is one of HTTP/1. False when the stream is no more.
    @discardableResult
    package func submitInterim(_ head: borrowing Span<UInt8>) -> Bool {
        guard let connection = stream.value.connection, !isGone, !stream.value.hasReply else { return false }
        return connection.value.submitInterim(stream, head)
    }

    /// Queues the reply's head, which is one of HTTP/1; `ends` when no body follows. False when the stream is no more or
    /// has a reply already.
    @discardableResult
    package func submitReply(_ head: borrowing Span<UInt8>, ends: Bool) -> Bool {
        guard let connection = stream.value.connection, !isGone, !stream.value.hasReply else { return false }
        return connection.value.submitReply(stream, head, ends: ends)
    }

    /// Takes bytes of the reply's body: swaps buffers when none wait, else appends while the buffer has room.
    package func write(from source: inout ByteBuffer) -> HTTP2WriteResult {
        guard let connection = stream.value.connection, !isGone else { return .reset }
        let count = source.readableCount
        if count == 0 { return .bytes(0) }
        if stream.value.isReplyEnded { return .reset }
        if stream.value.output.isEmpty {
            stream.value.output.clear()
            swap(&source, &stream.value.output)
            if count > connection.value.settings.chunkSize { connection.value.takeTurns(stream) }
            connection.value.resume(stream)
            return .bytes(count)
        }
        connection.value.takeTurns(stream)
        let capacity = max(stream.value.output.capacity, connection.value.resources.value.buffers.bufferCapacity)
        if stream.value.output.readIndex > 0, stream.value.output.writableCount < count {
            stream.value.output.compact()
        }
        let room = capacity - stream.value.output.writeIndex
        guard room > 0 else {
            stream.value.wantsWritable = true
            return .wantsWrite
        }
        let part = min(room, count)
        stream.value.output.append(source.readable, 0..<part)
        source.consume(part)
        return .bytes(part)
    }

    /// Ends the reply after what waits.
    package func end() {
        guard let connection = stream.value.connection, !isGone, stream.value.hasReply else { return }
        stream.value.isReplyEnded = true
        connection.value.resume(stream)
    }

    /// Ends the reply after what waits with trailers: lines as HTTP/1 has them, each with its CRLF.
    package func end(trailers: borrowing Span<UInt8>) {
        guard !isGone, stream.value.hasReply, !stream.value.isReplyEnded else { return }
        stream.value.replyTrailers.clear()
        stream.value.replyTrailers.append(trailers)
        end()
    }

    /// The reply is written to its end.
    package var isReplySent: Bool { stream.value.isReplySent }

    /// Tells a client that has the whole reply, and still sends, to stop.
    package func stopRequest() {
        guard let connection = stream.value.connection, !isGone, stream.value.isReplySent else { return }
        connection.value.stopRequest(stream)
    }

    /// Breaks the stream off.
    package func reset(_ code: UInt32) {
        guard let connection = stream.value.connection, !isGone else { return }
        connection.value.beginReset(stream)
        connection.value.forgiveInFlight(stream)
        _ = unsafe nghttp2_submit_rst_stream(connection.value.session, 0, stream.value.id, code)
    }

    /// Lets the stream go: the handle must not be used after it. A reply that isn't ended is broken off; a request that
    /// the client still sends is stopped once the reply is out.
    package func release() {
        precondition(!stream.value.isReleased)
        guard let connection = stream.value.connection else {
            HTTP2Stream.recycle(stream)
            return
        }
        if !isGone {
            if !stream.value.isReplyEnded {
                reset(HTTP2Code.internalError)
            } else if stream.value.isReplySent {
                connection.value.stopRequest(stream)
            }
        }
        stream.value.isReleased = true
        stream.value.pending = []
        connection.value.giveBack(stream.value.body.readableCount)
        connection.value.resources.value.buffers.reclaim(&stream.value.body)
        connection.value.free(stream)
    }
}
