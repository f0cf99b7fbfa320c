/// Finds an entry by a server's name, in Nginx's order: the exact name; the longest `*.example.com`; the longest
/// `mail.*`. A name `.example.com` means both `example.com` and `*.example.com`. Letter case and a final dot don't count.
package struct NameSelector: Sendable {
    /// The greatest length of a name in bytes (RFC 1035, 2.3.4).
    package static let maximumLength = 255

    private enum Kind: UInt8, Sendable { case exact, leading, trailing }

    private struct Entry: Sendable {
        var kind: Kind
        var name: [UInt8]
        var value: Int
    }

    /// Open addressing; a power of two of slots, at most half of them taken. Holds positions in `entries`, or -1.
    private var slots: [Int32] = []
    private var entries: [Entry] = []
    private var kinds: UInt8 = 0

    /// Makes the table. Of equal names the first counts.
    package init(_ names: [(name: String, value: Int)]) {
        for (name, value) in names { add(name, value) }
        var size = 4
        while size < entries.count * 2 { size *= 2 }
        slots = Array(repeating: -1, count: size)
        for (position, entry) in entries.enumerated() {
            var slot = Self.hash(entry.kind, entry.name.span) & (size - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Int32(position)
        }
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// The value of the entry that fits `name` best; nil where none does. Allocates nothing.
    package func value(for name: borrowing Span<UInt8>) -> Int? {
        var length = name.count
        if length > 0, name[length - 1] == 0x2E { length -= 1 }
        guard length > 0, length <= Self.maximumLength, !entries.isEmpty else { return nil }
        if let found = find(.exact, name.extracting(0..<length)) { return found }
        if kinds & 1 << Kind.leading.rawValue != 0 {
            for position in 1..<length where name[position] == 0x2E {
                if let found = find(.leading, name.extracting((position + 1)..<length)) { return found }
            }
        }
        if kinds & 1 << Kind.trailing.rawValue != 0 {
            for position in stride(from: length - 1, to: 0, by: -1) where name[position] == 0x2E {
                if let found = find(.trailing, name.extracting(0..<position)) { return found }
            }
        }
        return nil
    }

    private mutating func add(_ text: String, _ value: Int) {
        var name = text.utf8.map(Self.lowercase)
        if name.last == 0x2E, name.count > 1 { name.removeLast() }
        if name.starts(with: [0x2A, 0x2E]) {
            insert(.leading, Array(name.dropFirst(2)), value)
        } else if name.first == 0x2E {
            insert(.exact, Array(name.dropFirst()), value)
            insert(.leading, Array(name.dropFirst()), value)
        } else if name.suffix(2) == [0x2E, 0x2A] {
            insert(.trailing, Array(name.dropLast(2)), value)
        } else {
            insert(.exact, name, value)
        }
    }

    private mutating func insert(_ kind: Kind, _ name: [UInt8], _ value: Int) {
        guard !entries.contains(where: { $0.kind == kind && $0.name == name }) else { return }
        entries.append(Entry(kind: kind, name: name, value: value))
        kinds |= 1 << kind.rawValue
    }

    private func find(_ kind: Kind, _ name: borrowing Span<UInt8>) -> Int? {
        let mask = slots.count - 1
        var slot = Self.hash(kind, name) & mask
        while slots[slot] >= 0 {
            let position = Int(slots[slot])
            if entries[position].kind == kind, Self.equal(entries[position].name, name) {
                return entries[position].value
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// FNV-1a. The table is the operator's, so that nobody can choose names that collide.
    private static func hash(_ kind: Kind, _ name: borrowing Span<UInt8>) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(kind.rawValue)
        for position in name.indices { hash = (hash ^ UInt64(lowercase(name[position]))) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: (hash ^ hash >> 32) & 0x7FFF_FFFF)
    }

    private static func equal(_ stored: [UInt8], _ name: borrowing Span<UInt8>) -> Bool {
        guard stored.count == name.count else { return false }
        for position in stored.indices where stored[position] != lowercase(name[position]) { return false }
        return true
    }
}
