import Bytes
import CNGHTTP2

/// Reads a reply's head as our writers make it, and makes fields of HTTP/2 of its lines.
enum HTTP2ReplyFields {
    enum Kind {
        /// A final reply: the fields point into `text`, which stays as it is until they are sent.
        case reply
        /// The same on a stream that becomes a WebSocket: 101 is 200 there, and the handshake's proof isn't used (RFC 8441).
        case connectReply
        /// The codec copies the fields.
        case interim, trailers
    }

    /// Puts up to `HTTP2Resources.fieldCapacity` fields into `fields` and answers how many; zero when the head isn't one.
    ///
    /// Names are written in lower case; what concerns a connection of HTTP/1 is left out.
    static func read(
        _ head: borrowing Span<UInt8>,
        kind: Kind,
        into fields: UnsafeMutablePointer<nghttp2_nv>,
        text: inout ByteBuffer
    ) -> Int {
        let end = head.count
        var position = 0
        var used = 0
        let flags: UInt8
        switch kind {
        case .reply, .connectReply:
            flags = UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
        case .interim, .trailers:
            flags = 0
        }
        text.clear()
        _ = unsafe text.withWritable(minimum: end + 3) { memory -> Int in
            let target = unsafe memory.baseAddress!.assumingMemoryBound(to: UInt8.self)
            var written = 0
            if kind != .trailers {
                // `HTTP/1.1 200 OK`
                guard end >= 14, let lineEnd = lineFeed(head, from: 12) else { return 0 }
                if kind == .connectReply, head[9] == 0x31, head[10] == 0x30, head[11] == 0x31 {
                    unsafe target[0] = 0x32
                    unsafe target[1] = 0x30
                    unsafe target[2] = 0x30
                } else {
                    unsafe target[0] = head[9]
                    unsafe target[1] = head[10]
                    unsafe target[2] = head[11]
                }
                written = 3
                let status: StaticString = ":status"
                unsafe fields[0] = nghttp2_nv(
                    name: UnsafeMutablePointer(mutating: status.utf8Start),
                    value: target,
                    namelen: 7,
                    valuelen: 3,
                    flags: flags
                )
                used = 1
                position = lineEnd + 1
            }
            while position < end, used < HTTP2Resources.fieldCapacity {
                let nameStart = position
                let name = unsafe target + written
                var byte: UInt8 = 0
                while position < end {
                    byte = unsafe head[unchecked: position]
                    if byte == ASCII.colon || byte < 0x21 { break }
                    unsafe name[position &- nameStart] = ASCII.lowercased(byte)
                    position &+= 1
                }
                let nameCount = position &- nameStart
                // The empty line, or nothing that is a field.
                if byte != ASCII.colon || nameCount == 0 { break }
                position &+= 1
                while position < end, unsafe head[unchecked: position] == ASCII.space { position &+= 1 }
                let valueStart = position
                position = LineScan.endOfValue(head, from: position, bound: end)
                let valueCount = position &- valueStart
                position &+= 2
                if unsafe isLeftOut(unsafe UnsafeBufferPointer(start: name, count: nameCount), kind) { continue }
                let value = unsafe name + nameCount
                unsafe head.extracting(valueStart..<(valueStart &+ valueCount)).withUnsafeBufferPointer { source in
                    if let start = source.baseAddress {
                        unsafe value.update(from: start, count: valueCount)
                    }
                }
                written &+= nameCount &+ valueCount
                unsafe fields[used] = nghttp2_nv(
                    name: name,
                    value: value,
                    namelen: nameCount,
                    valuelen: valueCount,
                    flags: flags
                )
                used &+= 1
            }
            return written
        }
        return used
    }

    private static func lineFeed(_ head: borrowing Span<UInt8>, from start: Int) -> Int? {
        head.firstIndex(of: ASCII.lineFeed, in: start..<head.count)
    }

    /// Whether a field concerns HTTP/1 alone.
    @inline(__always)
    private static func isLeftOut(_ name: UnsafeBufferPointer<UInt8>, _ kind: Kind) -> Bool {
        let span = unsafe name.span
        switch span.count {
        case 7: return span.equals("upgrade")
        case 10: return span.equals("connection") || span.equals("keep-alive")
        case 16: return span.equals("proxy-connection")
        case 17: return span.equals("transfer-encoding")
        case 20: return kind == .connectReply && span.equals("sec-websocket-accept")
        default: return false
        }
    }
}
