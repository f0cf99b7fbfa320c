import Bytes

@testable import HTTP

/// A session, its resources, and what a loop would keep of its streams.
@safe
final class SessionRig {
    final class Box {
        var session: HTTP2Session
        init(_ session: consuming HTTP2Session) { self.session = session }
    }

    private let place: UnsafeMutablePointer<HTTP2Resources>
    let resources: Ref<HTTP2Resources>
    private(set) var box: Box?
    var now: UInt64 = 1_000_000_000
    var handles: [Int32: HTTP2StreamHandle] = [:]
    /// Events so far: `request 1`, `reset 3 8` …
    var events: [String] = []
    /// Frames that the session sent and nobody took.
    var output: [UInt8] = []

    init(_ settings: HTTP2Settings = HTTP2Settings(), streamLimit: Int = 1024, greets: Bool = true) {
        unsafe place = .allocate(capacity: 1)
        unsafe place.initialize(to: HTTP2Resources(streamLimit: streamLimit, bounds: settings.bounds))
        resources = unsafe Ref(unsafe: place)
        box = Box(HTTP2Session(resources, settings: settings, now: now))
        if greets { try? receive(Frames.preface + Frames.settings) }
    }

    deinit {
        box = nil
        for handle in handles.values { handle.release() }
        precondition(resources.value.streamCount == 0, "streams are left behind")
        unsafe place.deinitialize(count: 1)
        unsafe place.deallocate()
    }

    var streamCount: Int { resources.value.streamCount }
    var slotCount: Int { resources.value.streams.slotCount }
    var isFinished: Bool { box!.session.isFinished }
    var wantsWrite: Bool { box!.session.wantsWrite }
    var failure: HTTP2Error? { box!.session.failure }

    func dropSession() { box = nil }

    func receive(_ bytes: [UInt8]) throws(HTTP2Error) {
        defer { drainEvents() }
        try box!.session.receive(bytes.span, now: now)
    }

    func drainEvents() {
        guard let box else { return }
        while let event = box.session.nextEvent() {
            switch event {
            case .request(let handle):
                handles[handle.id] = handle
                events.append("request \(handle.id)")
            case .refused(let handle, let error):
                handles[handle.id] = handle
                events.append("refused \(handle.id) \(error)")
            case .readable(let handle): events.append("readable \(handle.id)")
            case .writable(let handle): events.append("writable \(handle.id)")
            case .reset(let handle, let code): events.append("reset \(handle.id) \(code)")
            }
        }
    }

    /// What the session has to send.
    func send(limit: Int = .max) -> [UInt8] {
        var buffer = ByteBuffer()
        guard let box else { return [] }
        do throws(HTTP2Error) { try box.session.send(into: &buffer, limit: limit) } catch {
            events.append("send failed: \(error.reason)")
        }
        drainEvents()
        return buffer.readable.array
    }

    func frames() -> [Frames.Frame] { Frames.read(send()) }

    func release(_ id: Int32) { handles.removeValue(forKey: id)?.release() }

    /// The head of a stream's request, for comparing, and the bytes that it stands in.
    func head(_ id: Int32) -> (head: String, bytes: String) {
        guard let handle = handles[id] else { return ("none", "") }
        var head = RequestHead()
        var bytes = ByteBuffer()
        handle.takeHead(into: &head, bytes: &bytes)
        return (describe(head, bytes.written.array), bytes.written.string)
    }

    /// What a stream's body brings, and how reading ended.
    func read(_ id: Int32) -> (body: [UInt8], result: HTTP2ReadResult) {
        var buffer = ByteBuffer()
        guard let handle = handles[id] else { return ([], .reset) }
        while true {
            let result = handle.read(into: &buffer)
            guard case .bytes = result else { return (buffer.readable.array, result) }
        }
    }

    /// Writes all of `body`, as far as there is room; answers what is left.
    @discardableResult
    func write(_ id: Int32, _ body: [UInt8]) -> [UInt8] {
        guard let handle = handles[id], !body.isEmpty else { return body }
        var buffer = ByteBuffer(body)
        while !buffer.isEmpty {
            guard case .bytes = handle.write(from: &buffer) else { break }
        }
        return buffer.readable.array
    }

    /// Answers a stream and lets it go.
    func answer(_ id: Int32, _ head: String = "HTTP/1.1 200 OK\r\n\r\n", _ body: String = "") {
        guard let handle = handles[id] else { return }
        handle.submitReply(Array(head.utf8).span, ends: body.isEmpty)
        write(id, Array(body.utf8))
        handle.end()
        release(id)
    }
}

extension SessionRig {
    /// The trailers of a stream's request.
    func trailers(_ id: Int32) -> String {
        var buffer = ByteBuffer()
        _ = handles[id]?.appendTrailers(to: &buffer)
        return buffer.readable.string
    }
}

extension SessionRig {
    @discardableResult
    func submitReply(_ handle: HTTP2StreamHandle, _ head: String, ends: Bool) -> Bool {
        handle.submitReply(Array(head.utf8).span, ends: ends)
    }

    func submitInterim(_ handle: HTTP2StreamHandle, _ head: String) -> Bool {
        handle.submitInterim(Array(head.utf8).span)
    }
}
