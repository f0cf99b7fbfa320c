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
        // The last word of a name may reach over the end.
        text.reserve(end + 8)
        text.append(head)
        return unsafe text.withMutableWritten { memory -> Int in
            let target = unsafe memory.baseAddress!.assumingMemoryBound(to: UInt8.self)
            if kind != .trailers {
                // `HTTP/1.1 200 OK`
                guard end >= 14, let lineEnd = lineFeed(head, from: 12) else { return 0 }
                if kind == .connectReply, head[9] == 0x31, head[10] == 0x30, head[11] == 0x31 {
                    unsafe target[9] = 0x32
                    unsafe target[11] = 0x30
                }
                let status: StaticString = ":status"
                unsafe fields[0] = nghttp2_nv(
                    name: UnsafeMutablePointer(mutating: status.utf8Start),
                    value: target + 9,
                    namelen: 7,
                    valuelen: 3,
                    flags: flags
                )
                used = 1
                position = lineEnd + 1
            }
            while position < end, used < HTTP2Resources.fieldCapacity {
                // The empty line, or nothing that is a field.
                guard let nameEnd = unsafe lowercaseName(target, from: position, to: end) else { break }
                let name = unsafe target + position
                let nameCount = nameEnd &- position
                position = nameEnd &+ 1
                while position < end, unsafe head[unchecked: position] == ASCII.space { position &+= 1 }
                let value = unsafe target + position
                let valueStart = position
                position = LineScan.endOfValue(head, from: position, bound: end)
                let valueCount = position &- valueStart
                position &+= 2
                if unsafe isLeftOut(unsafe UnsafeBufferPointer(start: name, count: nameCount), kind) { continue }
                unsafe fields[used] = nghttp2_nv(
                    name: name,
                    value: value,
                    namelen: nameCount,
                    valuelen: valueCount,
                    flags: flags
                )
                used &+= 1
            }
            return used
        }
    }

    private static func lineFeed(_ head: borrowing Span<UInt8>, from start: Int) -> Int? {
        head.firstIndex(of: ASCII.lineFeed, in: start..<head.count)
    }

    /// Turns the letters of the name at `start` into lower-case ones, eight bytes at a time, and answers where its colon
    /// stands; nil when there is none before `end`, before a byte that no name holds, or at once. Seven bytes beyond `end`
    /// can be read and are written back as they are.
    @inline(__always)
    private static func lowercaseName(_ bytes: UnsafeMutablePointer<UInt8>, from start: Int, to end: Int) -> Int? {
        var index = start
        while index < end {
            let place = unsafe UnsafeMutableRawPointer(bytes + index)
            let word = unsafe UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
            // The lowest set bit marks the first colon, and the first byte below 0x21: what borrows set lies above.
            let flipped = word ^ 0x3A3A_3A3A_3A3A_3A3A
            let colons = (flipped &- 0x0101_0101_0101_0101) & ~flipped & 0x8080_8080_8080_8080
            let lows = (word &- 0x2121_2121_2121_2121) & ~word & 0x8080_8080_8080_8080
            let marks = colons | lows
            if marks == 0 {
                unsafe place.storeBytes(of: ASCII.lowercased(word).littleEndian, as: UInt64.self)
                index &+= 8
                continue
            }
            let bit = marks.trailingZeroBitCount
            // All bits below those of the marked byte.
            let name = (1 &<< UInt64(bit & ~7)) &- 1
            unsafe place.storeBytes(of: (ASCII.lowercased(word) & name | word & ~name).littleEndian, as: UInt64.self)
            index &+= bit &>> 3
            return colons &>> UInt64(bit) & 1 == 1 && index > start && index < end ? index : nil
        }
        return nil
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
