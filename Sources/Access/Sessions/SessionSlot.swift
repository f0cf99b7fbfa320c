import Crypto
import Glibc
import Synchronization

/// The place of one session.
///
/// The times and the generation are read by anybody at any time. All else is the shard's: who writes holds its lock and the
/// ledger's, who reads holds either.
@safe
struct SessionSlot: BitwiseCopyable, @unchecked Sendable {
    /// What anybody reads at any time.
    struct Clocks: ~Copyable {
        /// Changes when the session ends, so that handles given out before are known to be stale. Never zero.
        let generation = Atomic<UInt32>(1)
        /// Bytes of the user's name, the address and the agent: 16 bits, 8 and 8. The shard's, but here so that a slot is 128 bytes.
        let textCounts = Atomic<UInt32>(0)
        /// `Int64.min` while the slot is free.
        let expiresAt = Atomic<Int64>(.min)
        let idle = Atomic<Int64>(0)
        let usedAt = Atomic<Int64>(0)
        /// The last use that the store was told of.
        let savedUse = Atomic<Int64>(0)
    }

    /// What the shard's lock and the ledger's guard.
    @safe
    private struct Content: BitwiseCopyable {
        var facts = Facts()
        var text: UnsafeMutablePointer<UInt8>?
    }

    /// What is known of the session for good.
    struct Facts: BitwiseCopyable {
        var digest = Digest32((0, 0, 0, 0))
        var stamp: UInt64 = 0
        var device = DeviceID.none
        var createdAt: Int64 = 0
        var realm: Int32 = 0
        /// The next slot of the same chain of digests, or of the free list; plus one, 0 ends it.
        var next: UInt32 = 0
    }

    /// The slots beside it among the user's sessions; plus one, 0 at the ends. The ledger's alone.
    struct Neighbours: BitwiseCopyable {
        var newer: UInt32 = 0
        var older: UInt32 = 0
    }

    /// Bytes of a slot: the clocks, the neighbours, the content. Apart in memory as far as the language is concerned, because
    /// what changes one while another is read must be no access to the other.
    static let size = 128
    private static let neighboursOffset = 40
    private static let contentOffset = 48

    private let base: UnsafeMutableRawPointer

    private var clocks: UnsafeMutablePointer<Clocks> { unsafe base.assumingMemoryBound(to: Clocks.self) }

    private var beside: UnsafeMutablePointer<Neighbours> {
        unsafe (base + Self.neighboursOffset).assumingMemoryBound(to: Neighbours.self)
    }

    private var content: UnsafeMutablePointer<Content> {
        unsafe (base + Self.contentOffset).assumingMemoryBound(to: Content.self)
    }

    /// The slot that was made at `base`.
    init(_ base: UnsafeMutableRawPointer) { unsafe self.base = base }

    /// Makes a free slot of the `size` bytes at `base`, which are aligned to 16.
    static func make(at base: UnsafeMutableRawPointer) {
        precondition(
            MemoryLayout<Clocks>.size <= neighboursOffset && MemoryLayout<Content>.size <= size - contentOffset
        )
        unsafe base.initializeMemory(as: Clocks.self, to: Clocks())
        unsafe (base + neighboursOffset).initializeMemory(as: Neighbours.self, to: Neighbours())
        unsafe (base + contentOffset).initializeMemory(as: Content.self, to: Content())
    }

    // MARK: What needs no lock

    var generation: UInt32 { unsafe clocks.pointee.generation.load(ordering: .acquiring) }
    var isFree: Bool { unsafe clocks.pointee.expiresAt.load(ordering: .acquiring) == .min }
    var usedAt: Int64 { unsafe clocks.pointee.usedAt.load(ordering: .acquiring) }
    var expiresAt: Int64 { unsafe clocks.pointee.expiresAt.load(ordering: .acquiring) }
    var idle: Int64 { unsafe clocks.pointee.idle.load(ordering: .acquiring) }

    /// Whether the slot holds a session whose time isn't over.
    func isCurrent(now: Int64) -> Bool { isCurrent(expiresAt, idle, usedAt, now) }

    /// Whether the session of that generation is there and its time isn't over; and whether this use is to be noted.
    @inline(__always)
    func check(_ generation: UInt32, now: Int64) -> (isValid: Bool, isDue: Bool) {
        let (expiresAt, idle, usedAt) = (expiresAt, idle, usedAt)
        // Read last: should the slot have been taken again meanwhile, the times may be another session's.
        guard self.generation == generation, isCurrent(expiresAt, idle, usedAt, now) else { return (false, false) }
        // A loop stores into memory that all loops read at most once a second, or 32 times in a shorter idle time.
        let grain = idle > 0 ? min(1000, idle >> 5) : 1000
        return (true, now &- usedAt > 0 && now &- usedAt >= grain)
    }

    /// Stores the time of a use.
    func note(now: Int64) { unsafe clocks.pointee.usedAt.store(now, ordering: .releasing) }

    /// Whether there was a use later than what was asked for the last time.
    var hasUse: Bool { unsafe clocks.pointee.savedUse.load(ordering: .relaxed) < usedAt }

    /// The time of the last use if it is later than what was asked for the last time.
    func takeUse() -> Int64? {
        let usedAt = usedAt
        return unsafe clocks.pointee.savedUse.exchange(usedAt, ordering: .relaxed) < usedAt ? usedAt : nil
    }

    @inline(__always)
    private func isCurrent(_ expiresAt: Int64, _ idle: Int64, _ usedAt: Int64, _ now: Int64) -> Bool {
        now < expiresAt && (idle <= 0 || now &- usedAt < idle)
    }

    // MARK: What needs the lock

    var facts: Facts {
        _read { yield unsafe content.pointee.facts }
        nonmutating _modify { yield unsafe &content.pointee.facts }
    }

    var neighbours: Neighbours {
        get { unsafe beside.pointee }
        nonmutating _modify { yield unsafe &beside.pointee }
    }

    private var textCounts: (user: Int, address: Int, agent: Int) {
        let counts = unsafe Int(clocks.pointee.textCounts.load(ordering: .relaxed))
        return (counts >> 16, (counts >> 8) & 0xFF, counts & 0xFF)
    }

    /// Bytes that the texts hold of the heap: glibc adds 8 and rounds up to 16.
    var textSize: Int {
        let counts = textCounts
        return max((counts.user + counts.address + counts.agent + 8 + 15) & ~15, 32)
    }

    /// Runs `body` with the user's name.
    func withUser<Result>(_ body: (borrowing Span<UInt8>) -> Result) -> Result {
        let count = textCounts.user
        return unsafe body(Span(_unsafeElements: UnsafeBufferPointer(start: content.pointee.text, count: count)))
    }

    var user: [UInt8] { bytes(0, textCounts.user) }

    var address: String {
        let counts = textCounts
        return String(decoding: bytes(counts.user, counts.address), as: UTF8.self)
    }

    var agent: String {
        let counts = textCounts
        return String(decoding: bytes(counts.user + counts.address, counts.agent), as: UTF8.self)
    }

    private func bytes(_ start: Int, _ count: Int) -> [UInt8] {
        guard count > 0, let text = unsafe content.pointee.text else { return [] }
        return unsafe [UInt8](UnsafeBufferPointer(start: text + start, count: count))
    }

    /// Takes the slot for a session. Longer texts must have been cut.
    func fill(_ record: SessionRecord, _ facts: Facts) {
        let user = record.user.count
        let count = user + record.address.utf8.count + record.agent.utf8.count
        let text = unsafe malloc(max(count, 1))!.bindMemory(to: UInt8.self, capacity: max(count, 1))
        unsafe record.user.withUnsafeBufferPointer { bytes in
            if let base = bytes.baseAddress { unsafe text.update(from: base, count: user) }
        }
        var end = user
        for var part in [record.address, record.agent] {
            part.withUTF8 { bytes in
                if let base = bytes.baseAddress { unsafe (text + end).update(from: base, count: bytes.count) }
                end += bytes.count
            }
        }
        unsafe content.pointee.text = text
        let counts = UInt32(user) << 16 | UInt32(record.address.utf8.count) << 8 | UInt32(record.agent.utf8.count)
        unsafe clocks.pointee.textCounts.store(counts, ordering: .relaxed)
        unsafe content.pointee.facts = facts
        unsafe beside.pointee = Neighbours()
        unsafe clocks.pointee.savedUse.store(record.usedAt, ordering: .relaxed)
        unsafe clocks.pointee.usedAt.store(record.usedAt, ordering: .releasing)
        unsafe clocks.pointee.idle.store(record.idle, ordering: .releasing)
        unsafe clocks.pointee.expiresAt.store(record.expiresAt, ordering: .releasing)
    }

    /// Ends the session: handles of it are stale from here on.
    func empty() {
        let next = unsafe clocks.pointee.generation.load(ordering: .relaxed) &+ 1
        unsafe clocks.pointee.generation.store(next == 0 ? 1 : next, ordering: .releasing)
        unsafe clocks.pointee.expiresAt.store(.min, ordering: .releasing)
        unsafe free(content.pointee.text)
        unsafe content.pointee.text = nil
        unsafe clocks.pointee.textCounts.store(0, ordering: .relaxed)
    }
}
