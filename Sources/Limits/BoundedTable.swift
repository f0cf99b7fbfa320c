/// The random words that place keys in a table, so that nobody can choose keys that fall into one chain.
package struct TableSeed: Sendable {
    private let first: UInt64
    private let second: UInt64

    package init() {
        var generator = SystemRandomNumberGenerator()
        first = generator.next()
        second = generator.next()
    }

    /// A place for two words: both enter a 128-bit product whose halves are folded, twice.
    package func mix(_ high: UInt64, _ low: UInt64) -> UInt64 {
        let product = (high ^ first).multipliedFullWidth(by: low ^ second)
        let folded = product.high ^ product.low
        let again = (folded ^ second).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15 ^ high)
        return again.high ^ again.low
    }
}

/// A key of a `BoundedTable`: equality, and a place that depends on the table's seed.
package protocol BoundedTableKey: BitwiseCopyable, Equatable {
    func hash(_ seed: TableSeed) -> UInt64
}

/// A hash table of fixed capacity that knows which entry was used least recently.
///
/// Its memory is reserved at once and touched only as entries come (the kernel hands out pages when they are first written),
/// so an empty table of a million entries costs next to nothing. Chains of indices; no entry ever moves.
@safe
package struct BoundedTable<Key: BoundedTableKey, Value: BitwiseCopyable>: ~Copyable {
    /// An entry's number, from 1. Valid until the entry is removed or evicted.
    package typealias Slot = UInt32

    private struct Entry {
        var key: Key
        var value: Value
        /// The next of its chain, or of the free list; 0 ends it.
        var next: Slot
        /// Its neighbours by use; 0 at the ends.
        var newer: Slot
        var older: Slot
    }

    /// Entries it can hold.
    package let capacity: Int
    /// Entries it holds.
    package private(set) var count = 0
    private let entries: UnsafeMutablePointer<Entry>
    private let heads: UnsafeMutablePointer<Slot>
    private let mask: UInt64
    private var newest: Slot = 0
    private var oldest: Slot = 0
    private var free: Slot = 0
    /// Slots that were ever in use.
    private var touched: Slot = 0

    /// `capacity` from 1 to 2³⁰.
    package init(capacity: Int) {
        precondition(capacity > 0 && capacity <= 1 << 30)
        self.capacity = capacity
        var headCount = 1
        while headCount < capacity { headCount *= 2 }
        mask = UInt64(headCount - 1)
        unsafe heads = zeroedMemory(headCount)
        // Slot 0 stands for none.
        unsafe entries = zeroedMemory(capacity + 1)
    }

    deinit {
        unsafe freeMemory(heads)
        unsafe freeMemory(entries)
    }

    /// The slot of `key`, whose hash is `hash`, or nil.
    package func find(_ key: Key, hash: UInt64) -> Slot? {
        var slot = unsafe heads[Int(truncatingIfNeeded: hash & mask)]
        while slot != 0 {
            if unsafe entries[Int(slot)].key == key { return slot }
            slot = unsafe entries[Int(slot)].next
        }
        return nil
    }

    /// The value in a slot that `find` or `insert` has given.
    package subscript(slot: Slot) -> Value {
        get { unsafe entries[Int(slot)].value }
        _modify {
            let entry = unsafe entries + Int(slot)
            yield unsafe &entry.pointee.value
        }
    }

    /// Makes the entry the most recently used.
    package mutating func touch(_ slot: Slot) {
        if newest == slot { return }
        unlink(slot)
        link(slot)
    }

    /// The value of the entry that was used least recently.
    package var oldestValue: Value? { oldest == 0 ? nil : unsafe entries[Int(oldest)].value }

    /// Adds a key that isn't there as the most recently used; nil when the table is full.
    package mutating func insert(_ key: Key, hash: UInt64, _ value: Value) -> Slot? {
        let slot: Slot
        if free != 0 {
            slot = free
            free = unsafe entries[Int(slot)].next
        } else if Int(touched) < capacity {
            touched += 1
            slot = touched
        } else {
            return nil
        }
        let head = Int(truncatingIfNeeded: hash & mask)
        unsafe entries[Int(slot)] = Entry(key: key, value: value, next: heads[head], newer: 0, older: 0)
        unsafe heads[head] = slot
        link(slot)
        count += 1
        return slot
    }

    /// Removes the entry of a slot.
    package mutating func remove(_ slot: Slot, hash: UInt64) {
        let head = Int(truncatingIfNeeded: hash & mask)
        if unsafe heads[head] == slot {
            unsafe heads[head] = entries[Int(slot)].next
        } else {
            var previous = unsafe heads[head]
            while unsafe entries[Int(previous)].next != slot { previous = unsafe entries[Int(previous)].next }
            unsafe entries[Int(previous)].next = entries[Int(slot)].next
        }
        unlink(slot)
        unsafe entries[Int(slot)].next = free
        free = slot
        count -= 1
    }

    /// Removes the entry that was used least recently. False when there is none.
    package mutating func evictOldest(_ seed: TableSeed) -> Bool {
        guard oldest != 0 else { return false }
        remove(oldest, hash: unsafe entries[Int(oldest)].key.hash(seed))
        return true
    }

    /// Runs `body` with all entries, the one used most recently first.
    package func forEach(_ body: (Key, Value) -> Void) {
        var slot = newest
        while slot != 0 {
            unsafe body(entries[Int(slot)].key, entries[Int(slot)].value)
            slot = unsafe entries[Int(slot)].older
        }
    }

    private mutating func unlink(_ slot: Slot) {
        let newer = unsafe entries[Int(slot)].newer
        let older = unsafe entries[Int(slot)].older
        if newer != 0 { unsafe entries[Int(newer)].older = older } else { newest = older }
        if older != 0 { unsafe entries[Int(older)].newer = newer } else { oldest = newer }
    }

    private mutating func link(_ slot: Slot) {
        unsafe entries[Int(slot)].newer = 0
        unsafe entries[Int(slot)].older = newest
        if newest != 0 { unsafe entries[Int(newest)].newer = slot } else { oldest = slot }
        newest = slot
    }
}
