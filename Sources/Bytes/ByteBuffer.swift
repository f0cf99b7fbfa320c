/// A contiguous region of bytes with a read and a write position.
///
/// `0 ≤ readIndex ≤ writeIndex ≤ capacity`. The readable bytes lie between the two positions. A buffer without storage
/// (`capacity == 0`) costs nothing, so that an idle connection holds none. Appending past the capacity grows the storage by
/// doubling; callers that must stay bounded check `writableCount` or `readableCount` first.
@safe
@usableFromInline
package struct ByteBuffer: ~Copyable, @unchecked Sendable {
    /// Where the storage begins; without storage a stand-in, which is never dereferenced.
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var size: Int
    @usableFromInline var first = 0
    @usableFromInline var last = 0

    /// Bytes of storage.
    @inlinable package var capacity: Int { size }
    /// Where reading goes on, in bytes from the start of the storage.
    @inlinable package var readIndex: Int { first }
    /// Where writing goes on, in bytes from the start of the storage.
    @inlinable package var writeIndex: Int { last }

    /// A buffer without storage.
    @inlinable
    package init() {
        unsafe base = Self.standIn
        size = 0
    }

    /// A buffer of `capacity` bytes.
    @inlinable
    package init(capacity: Int) {
        precondition(capacity > 0)
        unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        size = capacity
    }

    /// A buffer that holds a copy of `bytes`.
    package init(_ bytes: some Collection<UInt8>) {
        self.init(capacity: max(bytes.count, 1))
        append(contentsOf: bytes)
    }

    @inlinable
    deinit { if size > 0 { unsafe base.deallocate() } }

    @inlinable
    static var standIn: UnsafeMutablePointer<UInt8> {
        unsafe UnsafeMutablePointer(bitPattern: 0x1000).unsafelyUnwrapped
    }

    @inlinable package var isEmpty: Bool { readIndex == writeIndex }
    @inlinable package var hasStorage: Bool { capacity > 0 }
    /// Bytes that wait to be read.
    @inlinable package var readableCount: Int { writeIndex - readIndex }
    /// Bytes that can be appended before the storage grows.
    @inlinable package var writableCount: Int { capacity - writeIndex }

    // MARK: Reading

    /// The bytes that wait to be read.
    @inlinable
    package var readable: Span<UInt8> {
        @_lifetime(borrow self) get {
            let span = unsafe Span(_unsafeStart: pointer(at: readIndex), count: readableCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// All bytes from the start of the storage to the write position, those already read among them.
    @inlinable
    package var written: Span<UInt8> {
        @_lifetime(borrow self) get {
            let span = unsafe Span(_unsafeStart: pointer(at: 0), count: writeIndex)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Runs `body` with the readable bytes, for calls into C.
    @inlinable
    package func withReadable<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: pointer(at: readIndex), count: readableCount))
    }

    /// Marks `count` readable bytes as read. Positions go back to zero when none are left.
    @inlinable
    package mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= readableCount)
        first += count
        if readIndex == writeIndex {
            first = 0
            last = 0
        }
    }

    /// Marks `count` readable bytes as read and leaves both positions where they are, so that ranges into `written` stay valid.
    @inlinable
    package mutating func skip(_ count: Int) {
        precondition(count >= 0 && count <= readableCount)
        first += count
    }

    /// Forgets all content.
    @inlinable
    package mutating func clear() {
        first = 0
        last = 0
    }

    /// Moves the readable bytes to the start of the storage.
    @inlinable
    package mutating func compact() {
        guard readIndex > 0 else { return }
        let count = readableCount
        unsafe pointer(at: 0).update(from: pointer(at: readIndex), count: count)
        first = 0
        last = count
    }

    /// Drops everything after the first `count` written bytes.
    @inlinable
    package mutating func truncate(to count: Int) {
        precondition(count >= readIndex && count <= writeIndex)
        last = count
    }

    // MARK: Writing

    /// Makes room for `count` more bytes.
    @inlinable
    package mutating func reserve(_ count: Int) {
        if writableCount >= count { return }
        grow(by: count)
    }

    /// Runs `body` with at least `minimum` bytes of free storage; it returns how many it filled.
    @inlinable
    package mutating func withWritable<Failure: Error>(
        minimum: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        reserve(minimum)
        let free = unsafe UnsafeMutableRawBufferPointer(start: pointer(at: writeIndex), count: writableCount)
        let count = try unsafe body(free)
        precondition(count >= 0 && count <= writableCount)
        last += count
        return count
    }

    @inlinable
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe pointer(at: writeIndex).pointee = byte
        last += 1
    }

    @inlinable
    package mutating func append(_ bytes: borrowing Span<UInt8>) {
        let count = bytes.count
        if count > Self.shortCount || count > writableCount {
            appendLong(bytes)
            return
        }
        let target = unsafe UnsafeMutableRawPointer(pointer(at: last))
        unsafe bytes.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { unsafe Self.copyShort(UnsafeRawPointer(start), to: target, count) }
        }
        last &+= count
    }

    /// Appends with a call: what is long, or needs more storage.
    @usableFromInline @inline(never)
    mutating func appendLong(_ bytes: borrowing Span<UInt8>) {
        let count = bytes.count
        reserve(count)
        let target = unsafe UnsafeMutableRawPointer(pointer(at: last))
        unsafe bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { unsafe target.copyMemory(from: start, byteCount: count) }
        }
        last &+= count
    }

    /// Copies without a call where a few loads and stores do it.
    @inlinable @inline(__always)
    package static func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ count: Int) {
        if count <= shortCount {
            unsafe copyShort(source, to: target, count)
        } else {
            unsafe target.copyMemory(from: source, byteCount: count)
        }
    }

    /// The most that `copyShort` copies.
    @inlinable static var shortCount: Int { 32 }

    /// Copies up to `shortCount` bytes by a few loads and stores: most pieces of a head are short.
    @inlinable @inline(__always)
    static func copyShort(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ count: Int) {
        // The first and the last part may overlap: both are loaded before either is stored.
        if count >= 16 {
            unsafe copyEnds(SIMD2<UInt64>.self, source, to: target, count &- 16)
        } else if count >= 8 {
            unsafe copyEnds(UInt64.self, source, to: target, count &- 8)
        } else if count >= 4 {
            unsafe copyEnds(UInt32.self, source, to: target, count &- 4)
        } else if count > 0 {
            let middle = unsafe source.load(fromByteOffset: count &>> 1, as: UInt8.self)
            unsafe copyEnds(UInt8.self, source, to: target, count &- 1)
            unsafe target.storeBytes(of: middle, toByteOffset: count &>> 1, as: UInt8.self)
        }
    }

    /// Copies a part at the start and one `offset` bytes on.
    @inlinable @inline(__always)
    static func copyEnds<Part: BitwiseCopyable>(
        _ part: Part.Type,
        _ source: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer,
        _ offset: Int
    ) {
        let first = unsafe source.loadUnaligned(as: part)
        let second = unsafe source.loadUnaligned(fromByteOffset: offset, as: part)
        unsafe target.storeBytes(of: first, as: part)
        unsafe target.storeBytes(of: second, toByteOffset: offset, as: part)
    }

    @inlinable
    package mutating func append(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {
        append(bytes.extracting(range))
    }

    // Inlined for certain: the length is a constant then, and the copy a few stores.
    @inlinable @inline(__always)
    package mutating func append(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        reserve(count)
        unsafe pointer(at: writeIndex).update(from: text.utf8Start, count: count)
        last += count
    }

    /// Appends `bytes` with upper-case letters turned into their lower-case ones.
    @inlinable
    package mutating func append(lowercasing bytes: borrowing Span<UInt8>) {
        let count = bytes.count
        reserve(count)
        let target = unsafe UnsafeMutableRawPointer(pointer(at: writeIndex))
        let raw = unsafe bytes.bytes
        var index = 0
        // Eight at a time, the last eight once more if need be.
        while count >= 8, index < count {
            let offset = Swift.min(index, count &- 8)
            let word = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            unsafe target.storeBytes(of: ASCII.lowercased(word), toByteOffset: offset, as: UInt64.self)
            index = offset &+ 8
        }
        while index < count {
            unsafe target.storeBytes(of: ASCII.lowercased(bytes[unchecked: index]), toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
        last &+= count
    }

    @inlinable
    package mutating func append(_ bytes: [UInt8]) {
        append(bytes.span)
    }

    @inlinable
    package mutating func append(contentsOf bytes: some Collection<UInt8>) {
        reserve(bytes.count)
        for byte in bytes { append(byte) }
    }

    /// Appends the UTF-8 of `text`. Not for the request path.
    package mutating func append(text: String) {
        append(contentsOf: text.utf8)
    }

    /// Overwrites all storage with zeros: for buffers that held secrets.
    package mutating func wipe() {
        guard size > 0 else { return }
        unsafe wipeMemory(UnsafeMutableRawBufferPointer(start: base, count: capacity))
        clear()
    }

    // MARK: Storage

    @inlinable
    func pointer(at offset: Int) -> UnsafeMutablePointer<UInt8> {
        unsafe base + offset
    }

    @usableFromInline
    mutating func grow(by count: Int) {
        let wanted = writeIndex + count
        var grown = max(size, 64)
        while grown < wanted { grown *= 2 }
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: grown)
        if size > 0 {
            unsafe fresh.update(from: base, count: writeIndex)
            unsafe base.deallocate()
        }
        unsafe base = fresh
        size = grown
    }
}
