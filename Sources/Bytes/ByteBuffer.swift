/// A contiguous region of bytes with a read and a write position.
///
/// `0 ≤ readIndex ≤ writeIndex ≤ capacity`. The readable bytes lie between the two positions. A buffer without storage
/// (`capacity == 0`) costs nothing, so that an idle connection holds none. Appending past the capacity grows the storage by
/// doubling; callers that must stay bounded check `writableCount` or `readableCount` first.
@safe
package struct ByteBuffer: ~Copyable, @unchecked Sendable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>?
    /// Bytes of storage.
    package private(set) var capacity: Int
    /// Where reading goes on, in bytes from the start of the storage.
    package private(set) var readIndex: Int = 0
    /// Where writing goes on, in bytes from the start of the storage.
    package private(set) var writeIndex: Int = 0

    /// A buffer without storage.
    package init() {
        unsafe base = nil
        capacity = 0
    }

    /// A buffer of `capacity` bytes.
    package init(capacity: Int) {
        precondition(capacity > 0)
        unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        self.capacity = capacity
    }

    /// A buffer that holds a copy of `bytes`.
    package init(_ bytes: some Collection<UInt8>) {
        self.init(capacity: max(bytes.count, 1))
        append(contentsOf: bytes)
    }

    deinit { unsafe base?.deallocate() }

    package var isEmpty: Bool { readIndex == writeIndex }
    package var hasStorage: Bool { capacity > 0 }
    /// Bytes that wait to be read.
    package var readableCount: Int { writeIndex - readIndex }
    /// Bytes that can be appended before the storage grows.
    package var writableCount: Int { capacity - writeIndex }

    // MARK: Reading

    /// The bytes that wait to be read.
    package var readable: Span<UInt8> {
        @_lifetime(borrow self) get {
            let span = unsafe Span(_unsafeStart: pointer(at: readIndex), count: readableCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// All bytes from the start of the storage to the write position, those already read among them.
    package var written: Span<UInt8> {
        @_lifetime(borrow self) get {
            let span = unsafe Span(_unsafeStart: pointer(at: 0), count: writeIndex)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Runs `body` with the readable bytes, for calls into C.
    package func withReadable<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: pointer(at: readIndex), count: readableCount))
    }

    /// Marks `count` readable bytes as read. Positions go back to zero when none are left.
    package mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= readableCount)
        readIndex += count
        if readIndex == writeIndex {
            readIndex = 0
            writeIndex = 0
        }
    }

    /// Marks `count` readable bytes as read and leaves both positions where they are, so that ranges into `written` stay valid.
    package mutating func skip(_ count: Int) {
        precondition(count >= 0 && count <= readableCount)
        readIndex += count
    }

    /// Forgets all content.
    package mutating func clear() {
        readIndex = 0
        writeIndex = 0
    }

    /// Moves the readable bytes to the start of the storage.
    package mutating func compact() {
        guard readIndex > 0 else { return }
        let count = readableCount
        unsafe pointer(at: 0).update(from: pointer(at: readIndex), count: count)
        readIndex = 0
        writeIndex = count
    }

    /// Drops everything after the first `count` written bytes.
    package mutating func truncate(to count: Int) {
        precondition(count >= readIndex && count <= writeIndex)
        writeIndex = count
    }

    // MARK: Writing

    /// Makes room for `count` more bytes.
    package mutating func reserve(_ count: Int) {
        if writableCount >= count { return }
        grow(by: count)
    }

    /// Runs `body` with at least `minimum` bytes of free storage; it returns how many it filled.
    package mutating func withWritable<Failure: Error>(
        minimum: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        reserve(minimum)
        let free = unsafe UnsafeMutableRawBufferPointer(start: pointer(at: writeIndex), count: writableCount)
        let count = try unsafe body(free)
        precondition(count >= 0 && count <= writableCount)
        writeIndex += count
        return count
    }

    package mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe pointer(at: writeIndex).pointee = byte
        writeIndex += 1
    }

    package mutating func append(_ bytes: borrowing Span<UInt8>) {
        let count = bytes.count
        if count == 0 { return }
        reserve(count)
        unsafe bytes.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { unsafe pointer(at: writeIndex).update(from: start, count: count) }
        }
        writeIndex += count
    }

    package mutating func append(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {
        append(bytes.extracting(range))
    }

    package mutating func append(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        reserve(count)
        unsafe pointer(at: writeIndex).update(from: text.utf8Start, count: count)
        writeIndex += count
    }

    package mutating func append(_ bytes: [UInt8]) {
        append(bytes.span)
    }

    package mutating func append(contentsOf bytes: some Collection<UInt8>) {
        reserve(bytes.count)
        for byte in bytes { append(byte) }
    }

    /// Appends the UTF-8 of `text`. Not for the request path.
    package mutating func append(text: String) {
        append(contentsOf: text.utf8)
    }

    /// Appends `value` in decimal, without sign or padding.
    package mutating func append(decimal value: UInt64) {
        if value < 10 {
            append(UInt8(truncatingIfNeeded: value) &+ 0x30)
            return
        }
        var digits = 0
        var probe = value
        while probe > 0 {
            digits &+= 1
            probe /= 10
        }
        reserve(digits)
        var rest = value
        var position = writeIndex &+ digits
        while position > writeIndex {
            position &-= 1
            unsafe pointer(at: position).pointee = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
            rest /= 10
        }
        writeIndex += digits
    }

    package mutating func append(decimal value: Int) {
        if value < 0 { append(0x2D) }
        append(decimal: UInt64(value.magnitude))
    }

    /// Appends `value` in lower-case hexadecimal without leading zeros.
    package mutating func append(hexadecimal value: UInt64) {
        let digits = value == 0 ? 1 : (64 - value.leadingZeroBitCount + 3) / 4
        reserve(digits)
        for position in 0..<digits {
            let nibble = UInt8(truncatingIfNeeded: (value >> UInt64((digits - 1 - position) * 4)) & 0xF)
            unsafe pointer(at: writeIndex + position).pointee = ASCII.lowercaseHexDigit(nibble)
        }
        writeIndex += digits
    }

    /// Overwrites all storage with zeros: for buffers that held secrets.
    package mutating func wipe() {
        guard let base = unsafe base else { return }
        unsafe wipeMemory(UnsafeMutableRawBufferPointer(start: base, count: capacity))
        clear()
    }

    // MARK: Storage

    private func pointer(at offset: Int) -> UnsafeMutablePointer<UInt8> {
        // A buffer without storage has no readable and no writable byte: a stand-in address is never dereferenced.
        unsafe (base ?? UnsafeMutablePointer(bitPattern: 0x1000)!) + offset
    }

    private mutating func grow(by count: Int) {
        let wanted = writeIndex + count
        var size = max(capacity, 64)
        while size < wanted { size *= 2 }
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        if let base = unsafe base {
            unsafe fresh.update(from: base, count: writeIndex)
            unsafe base.deallocate()
        }
        unsafe base = fresh
        capacity = size
    }
}
