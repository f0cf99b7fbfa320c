/// A growing list of plain numbers with one owner: what an array is, without the check for other owners at each change.
@safe
@usableFromInline
package struct NumberList: ~Copyable {
    @usableFromInline var start: UnsafeMutablePointer<UInt32>
    @usableFromInline var capacity: Int
    @usableFromInline var used = 0

    @inlinable
    package init() {
        capacity = 64
        unsafe start = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)
    }

    @inlinable
    deinit { unsafe start.deallocate() }

    @inlinable package var count: Int { used }
    @inlinable package var isEmpty: Bool { used == 0 }

    /// The number at `index`, below `count`.
    @inlinable
    package subscript(index: Int) -> UInt32 {
        get {
            precondition(index >= 0 && index < used)
            return unsafe start[index]
        }
        set {
            precondition(index >= 0 && index < used)
            unsafe start[index] = newValue
        }
    }

    @inlinable
    package mutating func append(_ number: UInt32) {
        if used == capacity { grow() }
        unsafe (start + used).initialize(to: number)
        used &+= 1
    }

    /// Takes the last number off. The list must not be empty.
    @inlinable
    package mutating func removeLast() -> UInt32 {
        precondition(used > 0)
        used &-= 1
        return unsafe start[used]
    }

    /// Drops the first `count` numbers, which must be there.
    @inlinable
    package mutating func removeFirst(_ count: Int) {
        precondition(count >= 0 && count <= used)
        used &-= count
        unsafe start.update(from: start + count, count: used)
    }

    /// Forgets all and keeps the storage.
    @inlinable
    package mutating func removeAll() { used = 0 }

    @usableFromInline
    mutating func grow() {
        let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * 2)
        unsafe grown.update(from: start, count: used)
        unsafe start.deallocate()
        unsafe start = grown
        capacity *= 2
    }
}
