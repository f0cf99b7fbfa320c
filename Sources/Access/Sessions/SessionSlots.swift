import Synchronization

/// The slots of a table: chunks of them, made when the first slot is needed and kept as long as the table.
///
/// Slots belong to shards: a slot's number modulo the count of shards says to which.
@safe
struct SessionSlots: ~Copyable, @unchecked Sendable {
    /// Slots of a chunk.
    static let chunkCount = 256
    private static let chunkBits = UInt32(8)

    /// Slots there can be.
    let capacity: Int
    private let directory: UnsafeMutablePointer<Atomic<UnsafeMutableRawPointer?>>
    /// Whether a use was noted in the chunk since the store was told.
    private let used: UnsafeMutablePointer<Atomic<Bool>>
    private let chunks: Int
    /// Chunks with a number below this one may be there, none from there on.
    private let made = Atomic<Int>(0)
    private let shards: UInt32
    private let shardBits: UInt32

    /// `shards` is a power of two; each has as many slots as the table has sessions, should chance want it so.
    init(capacity: Int, shards: Int) {
        let each = (capacity + Self.chunkCount - 1) / Self.chunkCount
        chunks = each * shards
        self.capacity = chunks * Self.chunkCount
        precondition(self.capacity < Int(UInt32.max))
        self.shards = UInt32(shards)
        shardBits = UInt32(shards.trailingZeroBitCount)
        unsafe directory = .allocate(capacity: chunks)
        unsafe used = .allocate(capacity: chunks)
        for index in 0..<chunks {
            unsafe (directory + index).initialize(to: Atomic(nil))
            unsafe (used + index).initialize(to: Atomic(false))
        }
    }

    deinit {
        for index in 0..<chunks {
            guard let chunk = unsafe directory[index].load(ordering: .acquiring) else { continue }
            for index in 0..<Self.chunkCount {
                let slot = unsafe SessionSlot(chunk + index * SessionSlot.size)
                if !slot.isFree { slot.empty() }
            }
            unsafe chunk.deallocate()
        }
        unsafe directory.deinitialize(count: chunks)
        unsafe directory.deallocate()
        unsafe used.deinitialize(count: chunks)
        unsafe used.deallocate()
    }

    /// The slot of that number, or nil where there is no chunk yet.
    subscript(number: UInt32) -> SessionSlot? {
        @inline(__always) get {
            let (chunk, index) = place(number)
            guard chunk < chunks, let base = unsafe directory[chunk].load(ordering: .acquiring) else { return nil }
            return unsafe SessionSlot(base + index * SessionSlot.size)
        }
    }

    /// The number of a shard's slot, counted from 0 within the shard.
    func number(shard: UInt32, index: UInt32) -> UInt32 { (index << shardBits) | shard }

    /// Whose slot it is.
    func shard(of number: UInt32) -> UInt32 { number & (shards - 1) }

    /// Makes the chunk of that number unless it is there. Under the lock of the number's shard.
    func prepare(_ number: UInt32) {
        let (chunk, _) = place(number)
        if unsafe directory[chunk].load(ordering: .relaxed) != nil { return }
        let size = Self.chunkCount * SessionSlot.size
        let base = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        for index in 0..<Self.chunkCount { unsafe SessionSlot.make(at: base + index * SessionSlot.size) }
        unsafe directory[chunk].store(base, ordering: .releasing)
        made.max(chunk + 1, ordering: .releasing)
    }

    /// Notes that a slot's time of use has changed.
    func markUsed(_ number: UInt32) {
        let (chunk, _) = place(number)
        // Not to be reordered with the store of the time before it: else a reader could clear the mark and miss the time.
        unsafe used[chunk].store(true, ordering: .sequentiallyConsistent)
    }

    /// Whether `markUsed` was called for a slot of the chunk of `number` since the last time.
    func takeUsed(_ number: UInt32) -> Bool {
        let (chunk, _) = place(number)
        return unsafe used[chunk].exchange(false, ordering: .sequentiallyConsistent)
    }

    /// Bytes of the chunks there are.
    var size: Int {
        var count = 0
        forEachChunk { _ in count += 1 }
        return count * Self.chunkCount * SessionSlot.size + chunks * 9
    }

    /// Runs `body` with the chunks that there are, one after the other.
    func forEachChunk(_ body: (Chunk) -> Void) {
        let end = UInt32(made.load(ordering: .acquiring))
        for chunk in 0..<end where unsafe directory[Int(chunk)].load(ordering: .acquiring) != nil {
            let index = (chunk >> shardBits) << Self.chunkBits
            body(Chunk(first: number(shard: chunk & (shards - 1), index: index), step: shards))
        }
    }

    /// The numbers of a chunk's slots, which are all of one shard.
    struct Chunk {
        let first: UInt32
        fileprivate let step: UInt32

        subscript(index: Int) -> UInt32 { first + UInt32(index) * step }
        var indices: Range<Int> { 0..<SessionSlots.chunkCount }
    }

    /// The chunk, and the place in it. Chunks of one shard lie `shards` apart.
    @inline(__always)
    private func place(_ number: UInt32) -> (chunk: Int, index: Int) {
        let index = number >> shardBits
        let chunk = ((index >> Self.chunkBits) << shardBits) | (number & (shards - 1))
        return (Int(chunk), Int(index & UInt32(Self.chunkCount - 1)))
    }
}
