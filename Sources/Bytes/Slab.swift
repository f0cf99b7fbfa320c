/// A place in a slab: a stable address of a value that is always initialized.
///
/// Copying it costs nothing and counts no references. The slab must outlive it; a slot's value may be replaced by another
/// one's once it is freed, so whoever keeps a reference across turns of the loop compares generations.
@safe @frozen
@usableFromInline
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
@usableFromInline
package struct Slab<Value: ~Copyable>: ~Copyable {
    @usableFromInline static var chunkSize: Int { 64 }
    @usableFromInline let limit: Int
    @usableFromInline var chunks: [UnsafeMutablePointer<Value>] = unsafe []
    @usableFromInline var generations = NumberList()
    @usableFromInline var free = NumberList()
    @usableFromInline var used = 0
    /// Slots in use.
    @inlinable package var count: Int { used }

    @inlinable
    package init(limit: Int) { self.limit = limit }

    @inlinable
    deinit {
        for index in unsafe chunks.indices {
            unsafe chunks[index].deinitialize(count: Self.chunkSize)
            unsafe chunks[index].deallocate()
        }
    }

    /// Takes a free slot, or nil when `limit` slots are in use. `make` builds the value of a slot that never was in use.
    @inlinable
    package mutating func allocate(_ make: () -> Value) -> UInt32? {
        guard count < limit else { return nil }
        if free.isEmpty {
            let base = unsafe chunks.count * Self.chunkSize
            let chunk = UnsafeMutablePointer<Value>.allocate(capacity: Self.chunkSize)
            for offset in 0..<Self.chunkSize { unsafe (chunk + offset).initialize(to: make()) }
            unsafe chunks.append(chunk)
            for offset in (0..<Self.chunkSize).reversed() { free.append(UInt32(base + offset)) }
            for _ in 0..<Self.chunkSize { generations.append(1) }
        }
        used += 1
        return free.removeLast()
    }

    /// Gives a slot back; references and tokens that carry its old generation are stale from here on.
    @inlinable
    package mutating func release(_ slot: UInt32) {
        generations[Int(slot)] &+= 1
        free.append(slot)
        used -= 1
    }

    /// The value of `slot`.
    @inlinable
    package subscript(slot: UInt32) -> Ref<Value> {
        let index = Int(slot)
        return unsafe Ref(unsafe: chunks[index / Self.chunkSize] + index % Self.chunkSize)
    }

    /// The generation of `slot`, which changes each time it is released.
    @inlinable
    package func generation(of slot: UInt32) -> UInt32 { generations[Int(slot)] }

    /// Whether `slot` exists and still is in the given generation.
    @inlinable
    package func isCurrent(_ slot: UInt32, generation: UInt32) -> Bool {
        Int(slot) < generations.count && generations[Int(slot)] == generation
    }

    /// Slots that exist, in use or not.
    @inlinable package var slotCount: Int { generations.count }
}
