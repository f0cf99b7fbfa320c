import Bytes
import CNGHTTP2

extension HTTP2Connection {
    /// Bytes of a header block, decoded or as they came, beyond which it is an attack.
    var blockLimit: Int { settings.limits.total * settings.bounds.blockFactor }

    /// A request's head is complete. False ends the connection.
    mutating func headReceived(_ stream: Ref<HTTP2Stream>, endsStream: Bool) -> Bool {
        assembly.finish(stream, endsStream: endsStream, settings.limits)
        requests += 1
        stream.value.isAnnounced = true
        if stream.value.refusal != nil {
            post(stream, .refused)
            if !countReset() { return false }
        } else {
            post(stream, .request)
        }
        if endsStream {
            // That nothing follows is part of the head.
            stream.value.isRequestComplete = true
        }
        if requests >= settings.maxRequests { announceEnd() }
        return true
    }

    /// A second header block of a stream: trailers, or nothing we know. False ends the connection.
    mutating func trailersReceived(_ stream: Ref<HTTP2Stream>, endsStream: Bool) -> Bool {
        if stream.value.isResetting { return true }
        guard endsStream, stream.value.trailerCount <= ChunkedDecoder.maximumTrailerCount else {
            return resetForError(stream, "trailers that can't be trailers")
        }
        return requestEnded(stream)
    }

    /// Asks the client to open no more streams here: first with a notice, so that what is on its way still is served.
    mutating func announceEnd() {
        switch shutdown {
        case .none:
            shutdown = .noticed
            _ = unsafe nghttp2_submit_shutdown_notice(session)
        case .noticed where requests >= settings.maxRequests + Int(settings.maxConcurrentStreams):
            endStreams()
        case .noticed, .final, .terminated:
            break
        }
    }

    /// Takes no stream after those that have begun.
    mutating func endStreams() {
        guard shutdown == .none || shutdown == .noticed else { return }
        shutdown = .final
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        _ = unsafe nghttp2_submit_goaway(session, 0, last, HTTP2Code.noError, nil, 0)
    }
}

/// A request's trailers.
enum HTTP2Trailers {
    /// More than can be: the trailers are wrong.
    private static let refused = Int.max

    /// Keeps a trailer as a line, as the decoder of HTTP/1's chunks would; what it would refuse makes the count impossible.
    static func add(_ name: borrowing Span<UInt8>, _ value: borrowing Span<UInt8>, to stream: Ref<HTTP2Stream>) {
        if stream.value.trailerCount > ChunkedDecoder.maximumTrailerCount { return }
        let size = stream.value.trailers.readableCount + name.count + value.count + 4
        guard size + 2 <= ChunkedDecoder.maximumTrailers,
            let entry = try? HTTP2FieldLine.append(name, value, to: &stream.value.trailers),
            !entry.id.isForbiddenInTrailers
        else {
            stream.value.trailers.clear()
            stream.value.trailerCount = refused
            return
        }
        stream.value.trailerCount += 1
    }
}
