/// A place in a slab: a stable address of a value that is always initialized.
///
/// Copying it costs nothing and counts no references. The slab must outlive it; a slot's value may be replaced by another
/// one's once it is freed, so whoever keeps a reference across turns of the loop compares generations.
@safe @frozen
package struct Ref<Value: ~Copyable>: Equatable, @unchecked Sendable {
    @usableFromInline package let address: UnsafeMutablePointer<Value>

    @inlinable
    package init(unsafe address: UnsafeMutablePointer<Value>) { unsafe self.address = address }

    @inlinable
    package var value: Value {
        @_transparent unsafeAddress { unsafe UnsafePointer(address) }
        @_transparent nonmutating unsafeMutableAddress { unsafe address }
    }

    @inlinable
    package static func == (left: Ref, right: Ref) -> Bool { unsafe left.address == right.address }
}

/// Slots of one type with stable addresses and generations, for what belongs to one loop.
///
/// Grows by chunks and never shrinks; `limit` bounds the number of slots. A slot's value stays initialized between uses: its
/// owner resets it, so that nothing is allocated once warm.
@safe
package struct Slab<Value: ~Copyable>: ~Copyable {
    private let chunkSize = 64
    private let limit: Int
    private var chunks: [UnsafeMutablePointer<Value>] = unsafe []
    private var generations: [UInt32] = []
    private var free: [UInt32] = []
    /// Slots in use.
    package private(set) var count = 0

    package init(limit: Int) { self.limit = limit }

    deinit {
        for unsafe chunk in unsafe chunks {
            unsafe chunk.deinitialize(count: chunkSize)
            unsafe chunk.deallocate()
        }
    }

    /// Takes a free slot, or nil when `limit` slots are in use. `make` builds the value of a slot that never was in use.
    package mutating func allocate(_ make: () -> Value) -> UInt32? {
        guard count < limit else { return nil }
        if free.isEmpty {
            let base = unsafe chunks.count * chunkSize
            let chunk = UnsafeMutablePointer<Value>.allocate(capacity: chunkSize)
            for offset in 0..<chunkSize { unsafe (chunk + offset).initialize(to: make()) }
            unsafe chunks.append(chunk)
            for offset in (0..<chunkSize).reversed() { free.append(UInt32(base + offset)) }
            for _ in 0..<chunkSize { generations.append(1) }
        }
        count += 1
        return free.removeLast()
    }

    /// Gives a slot back; references and tokens that carry its old generation are stale from here on.
    package mutating func release(_ slot: UInt32) {
        generations[Int(slot)] &+= 1
        free.append(slot)
        count -= 1
    }

    /// The value of `slot`.
    package subscript(slot: UInt32) -> Ref<Value> {
        let index = Int(slot)
        return unsafe Ref(unsafe: chunks[index / chunkSize] + index % chunkSize)
    }

    /// The generation of `slot`, which changes each time it is released.
    package func generation(of slot: UInt32) -> UInt32 { generations[Int(slot)] }

    /// Whether `slot` exists and still is in the given generation.
    package func isCurrent(_ slot: UInt32, generation: UInt32) -> Bool {
        Int(slot) < generations.count && generations[Int(slot)] == generation
    }

    /// Slots that exist, in use or not.
    package var slotCount: Int { generations.count }
}
