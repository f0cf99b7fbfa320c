extension ByteBuffer {
    /// Runs `body` with the readable bytes at `range`, counted from the first of them, to change them in place.
    package mutating func withMutableReadable<Failure: Error>(
        _ range: Range<Int>,
        _ body: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(range.lowerBound >= 0 && range.upperBound <= readableCount)
        guard !range.isEmpty else { return }
        var span = unsafe MutableSpan(_unsafeStart: base + readIndex + range.lowerBound, count: range.count)
        try body(&span)
    }

    /// Runs `body` with all storage, of which the bytes up to the write position are written, to change those in place.
    package mutating func withMutableWritten<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: capacity))
    }
}
