import Bytes
import EventLoop
import Glibc
import HTTP

/// The time of day in the forms that heads and logs want, made anew once a second.
struct TimeText: ~Copyable {
    private var second = Int.min
    private(set) var milliseconds = 0
    /// When the clock was read, in nanoseconds of the monotonic one.
    private var readAt: UInt64 = 0
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    var httpDate = ByteBuffer(capacity: 64)
    /// `06/Nov/1994:08:49:37 +0000`
    var local = ByteBuffer(capacity: 64)
    /// `1994-11-06T08:49:37+00:00`
    var iso8601 = ByteBuffer(capacity: 64)

    /// Brings the texts up to date with the real-time clock, which is read once a millisecond at the most: they tell no
    /// shorter times. `monotonic` is now, in nanoseconds.
    @inline(__always)
    mutating func refresh(monotonic: UInt64) {
        if monotonic &- readAt >= 1_000_000 { read(monotonic: monotonic) }
    }

    private mutating func read(monotonic: UInt64) {
        readAt = monotonic
        milliseconds = Clock.realtimeMilliseconds()
        let now = milliseconds / 1000
        if now == second { return }
        second = now
        httpDate.clear()
        HTTPDate.append(unixSeconds: Int64(now), to: &httpDate)
        var time = time_t(now)
        var parts = unsafe tm()
        unsafe localtime_r(&time, &parts)
        unsafe Self.format("%d/%b/%Y:%H:%M:%S %z", parts, into: &local)
        unsafe Self.format("%Y-%m-%dT%H:%M:%S%z", parts, into: &iso8601)
        // strftime writes +0000, the standard wants +00:00.
        if iso8601.readableCount == 24 {
            let last = (iso8601.readable[22], iso8601.readable[23])
            iso8601.truncate(to: 22)
            iso8601.append(ASCII.colon)
            iso8601.append(last.0)
            iso8601.append(last.1)
        }
    }

    private static func format(_ format: String, _ parts: tm, into buffer: inout ByteBuffer) {
        buffer.clear()
        var parts = unsafe parts
        _ = unsafe buffer.withWritable(minimum: 64) { memory in
            unsafe strftime(memory.baseAddress!.assumingMemoryBound(to: CChar.self), memory.count, format, &parts)
        }
    }
}
