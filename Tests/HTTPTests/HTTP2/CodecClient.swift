import CNGHTTP2

@testable import HTTP

/// nghttp2's client, to hold our server to what another implementation makes of it.
@safe
final class CodecClient {
    struct Reply: Equatable {
        var fields: [String] = []
        var body: [UInt8] = []
        var interims: [[String]] = []
        var trailers: [String] = []
        var closed: UInt32?
        fileprivate var blocks = 0
    }

    private var session: OpaquePointer?
    var replies: [Int32: Reply] = [:]
    /// Which streams the DATA frames were of, in order.
    var order: [Int32] = []
    var goAways: [(last: Int32, code: UInt32)] = []
    var bodies: [Int32: [UInt8]] = [:]
    var unfinished: Set<Int32> = []
    private var block: [String] = []

    /// - Parameter window: bytes that each stream may send us before we give more.
    init(window: UInt32 = 65_535, isManual: Bool = false) {
        var callbacks: OpaquePointer?
        var option: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&callbacks)
        unsafe nghttp2_option_new(&option)
        if isManual { unsafe nghttp2_option_set_no_auto_window_update(option, 1) }
        defer {
            unsafe nghttp2_session_callbacks_del(callbacks)
            unsafe nghttp2_option_del(option)
        }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) {
            unsafe CodecClient.from($2).block = []
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            let name = unsafe String(decoding: UnsafeBufferPointer(start: $2, count: $3), as: UTF8.self)
            let value = unsafe String(decoding: UnsafeBufferPointer(start: $4, count: $5), as: UTF8.self)
            unsafe CodecClient.from($7).block.append("\(name): \(value)")
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) {
            unsafe CodecClient.from($2).received($1!.pointee)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            let client = unsafe CodecClient.from($5)
            client.replies[$2, default: Reply()].body += unsafe Array(UnsafeBufferPointer(start: $3, count: $4))
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
            unsafe CodecClient.from($3).replies[$1, default: Reply()].closed = $2
            return 0
        }
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe nghttp2_session_client_new2(&session, callbacks, this, option)
        var entries = [
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: window)
        ]
        unsafe nghttp2_submit_settings(session, 0, &entries, 1)
    }

    deinit { unsafe nghttp2_session_del(session) }

    private static func from(_ context: UnsafeMutableRawPointer?) -> CodecClient {
        unsafe Unmanaged<CodecClient>.fromOpaque(context!).takeUnretainedValue()
    }

    private func received(_ frame: nghttp2_frame) {
        let head = unsafe frame.hd
        switch head.type {
        case 0: order.append(head.stream_id)
        case 1:
            var reply = replies[head.stream_id] ?? Reply()
            if block.first?.hasPrefix(":status: 1") ?? false {
                reply.interims.append(block)
            } else if reply.blocks == 0 {
                reply.fields = block
                reply.blocks = 1
            } else {
                reply.trailers = block
            }
            replies[head.stream_id] = reply
        case 7: unsafe goAways.append((frame.goaway.last_stream_id, frame.goaway.error_code))
        default: break
        }
    }

    /// Starts a request; `body` is sent at once, and ended unless `ends` is false.
    func request(_ fields: [(String, String)], body: [UInt8]? = nil, ends: Bool = true) -> Int32 {
        var storage: [[UInt8]] = []
        for (name, value) in fields {
            storage.append(Array(name.utf8) + [0])
            storage.append(Array(value.utf8) + [0])
        }
        let pointers = unsafe storage.map { bytes -> UnsafeMutablePointer<UInt8> in
            let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
            unsafe copy.initialize(from: bytes, count: bytes.count)
            return unsafe copy
        }
        defer { for index in unsafe pointers.indices { unsafe pointers[index].deallocate() } }
        var values: [nghttp2_nv] = unsafe []
        for index in 0..<fields.count {
            unsafe values.append(
                nghttp2_nv(
                    name: pointers[index * 2],
                    value: pointers[index * 2 + 1],
                    namelen: storage[index * 2].count - 1,
                    valuelen: storage[index * 2 + 1].count - 1,
                    flags: 0
                )
            )
        }
        guard let body else {
            return unsafe nghttp2_submit_request(session, nil, values, values.count, nil, nil)
        }
        var provider = unsafe nghttp2_data_provider()
        unsafe provider.read_callback = { _, id, target, room, flags, _, context in
            let client = unsafe CodecClient.from(context)
            let waiting = client.bodies[id] ?? []
            let ends = !client.unfinished.contains(id)
            if waiting.isEmpty, !ends { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
            let count = min(room, waiting.count)
            for index in 0..<count { unsafe target![index] = waiting[index] }
            client.bodies[id] = Array(waiting.dropFirst(count))
            if count == waiting.count, ends { unsafe flags!.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue) }
            return count
        }
        let id = unsafe nghttp2_submit_request(session, nil, values, values.count, &provider, nil)
        bodies[id] = body
        if !ends { unfinished.insert(id) }
        return id
    }

    func take(_ bytes: [UInt8]) -> Int { unsafe nghttp2_session_mem_recv(session, bytes, bytes.count) }

    func send() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            var data: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &data)
            if count <= 0 { return all }
            unsafe all += Array(UnsafeBufferPointer(start: data, count: count))
        }
    }

    /// Hands bytes to and fro until both are silent.
    func exchange(with rig: SessionRig) {
        for _ in 0..<100 {
            let up = send()
            if !up.isEmpty {
                do throws(HTTP2Error) { try rig.receive(up) } catch { rig.events.append("failed: \(error.reason)") }
            }
            let down = rig.send()
            if !down.isEmpty { _ = take(down) }
            if up.isEmpty, down.isEmpty { return }
        }
    }

    func reset(_ id: Int32, _ code: UInt32) { unsafe nghttp2_submit_rst_stream(session, 0, id, code) }
    func open(_ id: Int32, window: Int32) { unsafe nghttp2_submit_window_update(session, 0, id, window) }
    func consume(_ id: Int32, _ count: Int) { unsafe nghttp2_session_consume(session, id, count) }
}
