/// One field of a head: where it stands and what it is.
@usableFromInline
package struct FieldEntry: Sendable, Equatable {
    /// Where the name stands.
    @usableFromInline package var name: ByteRange
    /// Where the value stands, white space around it left out.
    @usableFromInline package var value: ByteRange
    /// Which field the name means, aliases resolved.
    @usableFromInline package var id: FieldID
    /// Whether the name is spelt with `_` or `.`; such a field never counts as the one it looks like.
    @usableFromInline package var isAlias: Bool
    /// Whether `Connection` names the field: it isn't forwarded.
    @usableFromInline package var isNominated: Bool

    @inlinable
    package init(name: ByteRange, value: ByteRange, id: FieldID, isAlias: Bool = false, isNominated: Bool = false) {
        self.name = name
        self.value = value
        self.id = id
        self.isAlias = isAlias
        self.isNominated = isNominated
    }
}

/// The fields of a head in order, with an index by `FieldID`.
///
/// The storage is allocated once, for `capacity` entries, and used again after `removeAll()`. The index (`first`, `next`,
/// `contains`) knows only names in their exact spelling: who strips aliases walks over all entries and looks at `id`.
@safe
@usableFromInline
package struct FieldTable: ~Copyable, @unchecked Sendable {
    @usableFromInline let entries: UnsafeMutablePointer<FieldEntry>
    /// For each identifier in `present`, the position of its first entry.
    @usableFromInline let firsts: UnsafeMutablePointer<UInt16>
    /// A bit for each identifier that occurs in its exact spelling.
    @usableFromInline var present: UInt64 = 0
    /// A bit for each identifier that occurs more than once in its exact spelling.
    @usableFromInline var repeated: UInt64 = 0
    /// Entries that fit, at most 65535.
    @usableFromInline package let capacity: Int
    /// Entries held.
    @inlinable package var count: Int { used }
    @usableFromInline var used = 0
    /// Whether any entry is an alias of any name.
    @inlinable package var hasAliases: Bool { holdsAliases }
    @usableFromInline var holdsAliases = false
    /// Bits of the identifiers that occur as an alias only or too.
    @usableFromInline var aliased: UInt64 = 0

    /// A table for `capacity` fields (1 to 65535).
    package init(capacity: Int = 100) {
        precondition(capacity > 0 && capacity <= 65535)
        self.capacity = capacity
        unsafe entries = UnsafeMutablePointer<FieldEntry>.allocate(capacity: capacity)
        unsafe firsts = UnsafeMutablePointer<UInt16>.allocate(capacity: 64)
        unsafe firsts.initialize(repeating: 0, count: 64)
    }

    deinit {
        unsafe entries.deallocate()
        unsafe firsts.deallocate()
    }

    @inlinable package var isEmpty: Bool { count == 0 }

    /// Forgets all fields and keeps the storage.
    @inlinable
    package mutating func removeAll() {
        used = 0
        present = 0
        repeated = 0
        aliased = 0
        holdsAliases = false
    }

    /// Appends a field; false, with nothing changed, when the table is full.
    @inlinable
    package mutating func append(_ entry: FieldEntry) -> Bool {
        guard count < capacity else { return false }
        unsafe (entries + count).initialize(to: entry)
        let bit: UInt64 = 1 &<< UInt64(entry.id.rawValue)
        if entry.isAlias {
            holdsAliases = true
            aliased |= bit
        } else if present & bit == 0 {
            present |= bit
            unsafe firsts[Int(entry.id.rawValue)] = UInt16(truncatingIfNeeded: count)
        } else {
            repeated |= bit
        }
        used &+= 1
        return true
    }

    /// The entry at `index`, below `count`. Changing an entry's identifier or spelling doesn't change the index.
    @inlinable
    package subscript(index: Int) -> FieldEntry {
        get {
            precondition(index >= 0 && index < count)
            return unsafe entries[index]
        }
        set {
            precondition(index >= 0 && index < count)
            unsafe entries[index] = newValue
        }
    }

    /// Whether a field with this identifier is there, in its exact spelling.
    @inlinable
    package func contains(_ id: FieldID) -> Bool { present & (1 &<< UInt64(id.rawValue)) != 0 }

    /// Whether more than one field with this identifier is there, in its exact spelling.
    @inlinable
    package func isRepeated(_ id: FieldID) -> Bool { repeated & (1 &<< UInt64(id.rawValue)) != 0 }

    /// Whether a field that looks like this one by an alias of its name is there.
    @inlinable
    package func containsAlias(of id: FieldID) -> Bool { aliased & (1 &<< UInt64(id.rawValue)) != 0 }

    /// Position of the first field with this identifier in its exact spelling. Constant time.
    @inlinable
    package func first(_ id: FieldID) -> Int? {
        guard contains(id) else { return nil }
        return unsafe Int(firsts[Int(id.rawValue)])
    }

    /// Position of the next field with this identifier after `index`, in its exact spelling. Constant time when there is
    /// but one.
    @inlinable
    package func next(_ id: FieldID, after index: Int) -> Int? {
        guard isRepeated(id) else { return nil }
        var position = index &+ 1
        while position < count {
            let entry = unsafe entries[position]
            if entry.id == id, !entry.isAlias { return position }
            position &+= 1
        }
        return nil
    }
}
