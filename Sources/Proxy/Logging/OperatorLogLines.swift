import Bytes
import Glibc

/// Lines on their way from the ring to the file, in pieces that a pipe takes whole.
///
/// Other processes may write to the same pipe, and it keeps no more than PIPE_BUF bytes of one writer together (pipe(7)); it
/// also takes as much without a wait whenever poll(2) says that it can be written.
struct OperatorLogLines: ~Copyable {
    /// Bytes that are written at once, unless one line has more.
    static let pieceSize = Int(PIPE_BUF)
    private static let capacity = 1 << 16
    /// A line that isn't here to its end can follow whole ones.
    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(Self.capacity) }

    /// Takes what waits in `ring`, as much as there is room for. Answers how many bytes.
    mutating func take(from ring: LogRing) -> Int {
        let before = bytes.count
        while bytes.count < Self.capacity,
            unsafe ring.drain({ waiting in
                let part = unsafe waiting.prefix(Self.capacity - bytes.count)
                unsafe bytes.append(contentsOf: part)
                return unsafe part.count
            })
        {}
        return bytes.count - before
    }

    /// Hands the whole lines to `body` in pieces, and keeps the rest for the next time.
    mutating func writeOut(_ body: (borrowing Span<UInt8>) -> Void) {
        var start = 0
        while start < bytes.count {
            guard let end = pieceEnd(start) else { break }
            body(bytes.span.extracting(start..<end))
            start = end
        }
        // A line without end that fills everything is let go in parts.
        if start == 0, bytes.count == Self.capacity {
            body(bytes.span)
            start = bytes.count
        }
        bytes.removeSubrange(0..<start)
    }

    /// Where the piece from `start` on ends; nil when there is no whole line.
    private func pieceEnd(_ start: Int) -> Int? {
        let limit = min(start + Self.pieceSize, bytes.count)
        if let last = bytes[start..<limit].lastIndex(of: ASCII.lineFeed) { return last + 1 }
        return bytes[limit...].firstIndex(of: ASCII.lineFeed).map { $0 + 1 }
    }
}
