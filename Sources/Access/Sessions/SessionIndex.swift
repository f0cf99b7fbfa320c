import Crypto
import Glibc

/// One shard of a table: finds the slots of its sessions by their digests, and knows which of its slots are free.
@safe
struct SessionIndex: ~Copyable, @unchecked Sendable {
    /// The first slot of each chain; plus one.
    private let heads: UnsafeMutablePointer<UInt32>
    private let mask: UInt64
    private let shard: UInt32
    private var free: UInt32 = 0
    /// Slots that were ever in use.
    private var touched: UInt32 = 0

    /// Of a shard that holds `expected` sessions when all shards hold equally many.
    init(shard: UInt32, expected: Int) {
        self.shard = shard
        var count = 1
        while count < expected { count *= 2 }
        mask = UInt64(count - 1)
        guard let memory = unsafe calloc(count, 4) else { fatalError("out of memory") }
        unsafe heads = memory.bindMemory(to: UInt32.self, capacity: count)
    }

    deinit { unsafe Glibc.free(heads) }

    /// Bytes of the heads of chains.
    var size: Int { Int(mask + 1) * 4 }

    /// The number of the slot that holds the session of `digest`.
    func find(_ digest: Digest32, _ slots: borrowing SessionSlots) -> UInt32? {
        first(digest.words.0, slots) { $0.facts.digest == digest }
    }

    /// The number of the slot whose session's digest begins with the eight bytes of `word`, the first least significant.
    func find(word: UInt64, _ slots: borrowing SessionSlots) -> UInt32? {
        first(word, slots) { $0.facts.digest.words.0 == word }
    }

    private func first(_ word: UInt64, _ slots: borrowing SessionSlots, _ fits: (SessionSlot) -> Bool) -> UInt32? {
        var next = unsafe heads[head(word)]
        while next != 0, let slot = slots[next - 1] {
            if fits(slot) { return next - 1 }
            next = slot.facts.next
        }
        return nil
    }

    /// Puts a session into a free slot, and gives the slot's number. The table sees to it that there is one.
    mutating func insert(
        _ record: SessionRecord,
        _ facts: SessionSlot.Facts,
        _ slots: borrowing SessionSlots
    ) -> UInt32 {
        let number: UInt32
        if free != 0 {
            number = free - 1
        } else {
            number = slots.number(shard: shard, index: touched)
            slots.prepare(number)
            touched += 1
        }
        let slot = slots[number]!
        if free != 0 { free = slot.facts.next }
        let head = head(facts.digest.words.0)
        var facts = facts
        facts.next = unsafe heads[head]
        slot.fill(record, facts)
        unsafe heads[head] = number + 1
        return number
    }

    /// Ends the session of a slot that holds one.
    mutating func remove(_ number: UInt32, _ slots: borrowing SessionSlots) {
        let slot = slots[number]!
        let head = head(slot.facts.digest.words.0)
        if unsafe heads[head] == number + 1 {
            unsafe heads[head] = slot.facts.next
        } else {
            var previous = unsafe slots[heads[head] - 1]!
            while previous.facts.next != number + 1 { previous = slots[previous.facts.next - 1]! }
            previous.facts.next = slot.facts.next
        }
        slot.empty()
        slot.facts.next = free
        free = number + 1
    }

    private func head(_ word: UInt64) -> Int { Int(truncatingIfNeeded: word & mask) }
}
