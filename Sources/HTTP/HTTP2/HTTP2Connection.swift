import Bytes
import CNGHTTP2

/// One connection's state, at one address for as long as the codec may call back.
@safe
struct HTTP2Connection: ~Copyable {
    /// How far the end of the connection has been announced.
    enum Shutdown: UInt8 { case none, noticed, final, terminated }

    let session: OpaquePointer
    let resources: Ref<HTTP2Resources>
    let settings: HTTP2Settings
    var now: UInt64

    /// What ended the connection.
    var failure: HTTP2Error?
    var shutdown = Shutdown.none
    /// The client has said GOAWAY.
    var isPeerLeaving = false
    /// It said so, and had no stream open when more came: nothing is read any more.
    var isOver = false

    // The header block that is under way.
    var receiving: Ref<HTTP2Stream>?
    var isReceivingHead = false
    var assembly = HTTP2HeadAssembly()
    /// Bytes of it, decoded, each field counted 32 more (RFC 9113, section 6.5.2).
    var blockBytes = 0
    /// Bytes of it as they came.
    var blockWireBytes = 0
    /// CONTINUATION frames of it.
    var continuations = 0
    /// The codec passed over the last block: its stream is closed, or comes after the end.
    var isBlockIgnored = false
    /// Bytes received, less those of the preface and of frames that the codec knows (whole, once their first bytes are
    /// there), less those charged for.
    var strayBytes = -24
    /// More of them came than may.
    var hasStrayed = false

    // Streams, and those that have something to tell.
    var streams: Ref<HTTP2Stream>?
    var firstQueued: Ref<HTTP2Stream>?
    var lastQueued: Ref<HTTP2Stream>?
    var openStreams = 0
    var requests = 0

    // Flow control of the connection as a whole.
    /// Bytes of bodies that are unread.
    var buffered = 0
    /// Of these, bytes not yet given back to the connection's window.
    var withheld = 0
    var bodyBytesIn: UInt64 = 0
    var bodyBytesOut: UInt64 = 0

    var resets: HTTP2Budget
    var idleFrames: HTTP2Budget

    // While `send` runs.
    var output = ByteBuffer()
    var outputLimit = 0

    init(_ session: OpaquePointer, _ resources: Ref<HTTP2Resources>, _ settings: HTTP2Settings, now: UInt64) {
        unsafe self.session = session
        self.resources = resources
        self.settings = settings
        self.now = now
        let bounds = settings.bounds
        resets = HTTP2Budget(burst: bounds.resetBurst, rate: bounds.resetRate, now: now)
        idleFrames = HTTP2Budget(burst: bounds.idleFrameBurst, rate: bounds.idleFrameRate, now: now)
    }

    // MARK: Ends

    /// Ends the connection: GOAWAY is queued, and no more is read.
    mutating func fail(_ error: HTTP2Error) {
        guard failure == nil else { return }
        failure = error
        shutdown = .terminated
        _ = unsafe nghttp2_session_terminate_session(session, error.code)
    }

    /// Counts a stream that ended by the client's doing; false when that was one too many.
    mutating func countReset() -> Bool {
        if resets.take(now) { return true }
        fail(.rapidReset)
        return false
    }

    /// Counts a frame that moves nothing; false when that was one too many.
    mutating func countIdleFrame() -> Bool {
        if idleFrames.take(now) { return true }
        fail(.idleFrames)
        return false
    }

    /// Charges for bytes of frames that the codec passes over without a word, and ends the connection when they are too many.
    ///
    /// The codec also passes over what follows a frame that ended the connection. What it says in GOAWAY tells the two apart.
    mutating func countStrays(_ count: Int) {
        strayBytes += count
        while strayBytes >= Self.strayPrice, !hasStrayed {
            strayBytes -= Self.strayPrice
            hasStrayed = !idleFrames.take(now)
        }
        // Changes nothing where the codec has ended the connection already.
        if hasStrayed { _ = unsafe nghttp2_session_terminate_session(session, HTTP2Error.idleFrames.code) }
    }

    /// GOAWAY with an error is sent: what ended the connection, unless that is known.
    mutating func ended(_ code: UInt32) {
        guard failure == nil else { return }
        failure = hasStrayed && code == HTTP2Error.idleFrames.code ? .idleFrames : .protocolViolation(code)
    }

    /// Bytes of unknown frames that cost as much as one frame that moves nothing.
    private static let strayPrice = 64

    // MARK: Streams

    /// Starts a stream for a request whose head begins; nil when the loop has no room for another.
    mutating func open(_ id: Int32) -> Ref<HTTP2Stream>? {
        guard let slot = resources.value.streams.allocate({ HTTP2Stream() }) else { return nil }
        let stream = resources.value.streams[slot]
        stream.value.id = id
        stream.value.slot = slot
        stream.value.resources = resources
        if !stream.value.headBytes.hasStorage { stream.value.headBytes = resources.value.buffers.take() }
        stream.value.headBytes.clear()
        stream.value.head.reset()
        stream.value.following = streams
        streams?.value.previous = stream
        streams = stream
        openStreams += 1
        return stream
    }

    /// The codec has closed the stream.
    mutating func closed(_ stream: Ref<HTTP2Stream>, _ code: UInt32) {
        stream.value.isClosed = true
        stream.value.closeCode = code
        openStreams -= 1
        if receiving == stream { receiving = nil }
        let isUnheard = !stream.value.pending.isDisjoint(with: [.request, .refused])
        guard stream.value.isAnnounced, !stream.value.isReleased, !isUnheard else {
            // Nobody waits for it.
            stream.value.pending = []
            stream.value.isReleased = true
            free(stream)
            return
        }
        resources.value.buffers.reclaim(&stream.value.output)
        post(stream, .reset)
    }

    /// Frees a stream that is closed and released, unless the queue still holds it.
    mutating func free(_ stream: Ref<HTTP2Stream>) {
        guard stream.value.isClosed, stream.value.isReleased, !stream.value.isQueued else { return }
        giveBack(stream.value.body.readableCount)
        if let previous = stream.value.previous {
            previous.value.following = stream.value.following
        } else {
            streams = stream.value.following
        }
        stream.value.following?.value.previous = stream.value.previous
        HTTP2Stream.recycle(stream)
    }

    /// From here on a stream is only waited to be closed: nobody reads what came of its body, nor is told of it.
    mutating func beginReset(_ stream: Ref<HTTP2Stream>) {
        stream.value.isResetting = true
        stream.value.pending.subtract([.readable, .writable])
        giveBack(stream.value.body.readableCount)
        resources.value.buffers.reclaim(&stream.value.body)
    }

    /// Resets a stream for what the client did wrong.
    mutating func resetForError(_ stream: Ref<HTTP2Stream>, _ violation: StaticString) -> Bool {
        beginReset(stream)
        stream.value.violation = violation
        _ = unsafe nghttp2_submit_rst_stream(session, 0, stream.value.id, HTTP2Code.protocolError)
        return countReset()
    }

    // MARK: Events

    mutating func post(_ stream: Ref<HTTP2Stream>, _ event: HTTP2Stream.Pending) {
        stream.value.pending.formUnion(event)
        if stream.value.isQueued { return }
        stream.value.isQueued = true
        stream.value.nextQueued = nil
        if let last = lastQueued { last.value.nextQueued = stream } else { firstQueued = stream }
        lastQueued = stream
    }

    var beginsRequest: Bool {
        guard let stream = firstQueued else { return false }
        return !stream.value.pending.isDisjoint(with: [.request, .refused])
    }

    mutating func nextEvent() -> HTTP2Event? {
        while let stream = firstQueued {
            let pending = stream.value.pending
            if let event = take(stream, pending) {
                if stream.value.pending.isEmpty { dequeue(stream) }
                return event
            }
            dequeue(stream)
            free(stream)
        }
        return nil
    }

    private mutating func dequeue(_ stream: Ref<HTTP2Stream>) {
        firstQueued = stream.value.nextQueued
        if firstQueued == nil { lastQueued = nil }
        stream.value.nextQueued = nil
        stream.value.isQueued = false
    }

    private func take(_ stream: Ref<HTTP2Stream>, _ pending: HTTP2Stream.Pending) -> HTTP2Event? {
        let handle = HTTP2StreamHandle(stream: stream)
        if pending.contains(.request) {
            stream.value.pending.remove(.request)
            return .request(handle)
        }
        if pending.contains(.refused) {
            stream.value.pending.remove(.refused)
            return .refused(handle, stream.value.refusal ?? .malformedPseudoField)
        }
        if pending.contains(.reset) {
            stream.value.pending = []
            return .reset(handle, code: stream.value.closeCode)
        }
        if pending.contains(.readable) {
            stream.value.pending.remove(.readable)
            return .readable(handle)
        }
        if pending.contains(.writable) {
            stream.value.pending.remove(.writable)
            return .writable(handle)
        }
        return nil
    }

    // MARK: Bodies

    /// Bytes of a request's body have come. False ends the connection.
    mutating func receive(_ stream: Ref<HTTP2Stream>, _ bytes: borrowing Span<UInt8>) -> Bool {
        let count = bytes.count
        bodyBytesIn &+= UInt64(count)
        idleFrames.earn(count, price: settings.bounds.bytesPerFrame)
        stream.value.receivedBody += Int64(count)
        if stream.value.expectedBody >= 0, stream.value.receivedBody > stream.value.expectedBody,
            !stream.value.isResetting, !stream.value.isReplySent
        {
            discard(count)
            return resetForError(stream, "more body than content-length says")
        }
        if stream.value.isResetting || stream.value.isReleased || stream.value.isReplySent {
            discard(count)
            return true
        }
        if !stream.value.body.hasStorage { stream.value.body = resources.value.buffers.take() }
        stream.value.body.append(bytes)
        buffered += count
        if buffered <= settings.bufferedLimit {
            _ = unsafe nghttp2_session_consume_connection(session, count)
        } else {
            withheld += count
        }
        tellReadable(stream)
        return true
    }

    /// Drops bytes that nobody will read. The stream's window isn't given back for them.
    private func discard(_ count: Int) {
        _ = unsafe nghttp2_session_consume_connection(session, count)
    }

    /// Bytes of a body were read or dropped.
    mutating func giveBack(_ count: Int) {
        guard count > 0 else { return }
        buffered -= count
        let due = min(withheld, count)
        if due > 0 {
            withheld -= due
            _ = unsafe nghttp2_session_consume_connection(session, due)
        }
    }

    mutating func tellReadable(_ stream: Ref<HTTP2Stream>) {
        if stream.value.isReadableTold || !stream.value.isAnnounced { return }
        stream.value.isReadableTold = true
        post(stream, .readable)
    }

    /// The client has ended its side. False ends the connection.
    mutating func requestEnded(_ stream: Ref<HTTP2Stream>) -> Bool {
        if stream.value.isResetting { return true }
        if stream.value.isReplySent {
            stream.value.isRequestComplete = true
            return true
        }
        if stream.value.expectedBody >= 0, stream.value.receivedBody != stream.value.expectedBody {
            return resetForError(stream, "less body than content-length says")
        }
        stream.value.isRequestComplete = true
        if !stream.value.isReleased { tellReadable(stream) }
        return true
    }

    /// END_STREAM is written. What the client still sends is dropped. It is told to stop only once nobody waits for its end
    /// any more: some clients take a reset, whatever its code, for the loss of a reply that they have whole.
    mutating func replySent(_ stream: Ref<HTTP2Stream>) {
        stream.value.isReplySent = true
        if stream.value.isReleased {
            stopRequest(stream)
        } else if !stream.value.isRequestComplete {
            giveBack(stream.value.body.readableCount)
            resources.value.buffers.reclaim(&stream.value.body)
        }
    }

    mutating func stopRequest(_ stream: Ref<HTTP2Stream>) {
        if stream.value.isClosed || stream.value.isResetting || stream.value.isRequestComplete { return }
        beginReset(stream)
        forgiveInFlight(stream)
        _ = unsafe nghttp2_submit_rst_stream(session, 0, stream.value.id, HTTP2Code.noError)
    }

    /// A stream is reset for no fault of the client's, which may send all that the stream's window allows before it hears
    /// of it (RFC 9113, section 5.4.2). The codec passes over those frames; they are no strays.
    mutating func forgiveInFlight(_ stream: Ref<HTTP2Stream>) {
        if stream.value.isRequestComplete { return }
        let window = unsafe Int(nghttp2_session_get_stream_local_window_size(session, stream.value.id))
        // With their heads.
        if window > 0 { strayBytes -= window + window / 16 }
    }
}
