import Bytes
import HTTP

/// A set of field names, ready for the request path: a bit for each known field, and a short list of the others.
struct FieldNameSet: BitwiseCopyable, Sendable {
    private var known: UInt64 = 0
    private let others: Frozen<Frozen<UInt8>>

    init(_ names: [[UInt8]], arena: Arena) {
        var others: [Frozen<UInt8>] = []
        for name in names {
            let (id, _) = FieldID.classify(name.span)
            if Self.isOpen(id) {
                others.append(arena.freeze(name))
            } else {
                known |= 1 << UInt64(id.rawValue)
            }
        }
        self.others = arena.freeze(others)
    }

    /// Whether a known field is in the set.
    func contains(_ id: FieldID) -> Bool {
        !Self.isOpen(id) && (known >> UInt64(id.rawValue)) & 1 == 1
    }

    /// Whether a field of the head in `bytes` is in the set; names compare without regard to letter case, `_` and `.` count
    /// as `-`.
    @inline(__always)
    func contains(_ field: FieldEntry, of bytes: borrowing Span<UInt8>) -> Bool {
        if !Self.isOpen(field.id) { return contains(field.id) }
        return !others.isEmpty && containsName(bytes.extracting(field.name.range))
    }

    private func containsName(_ name: borrowing Span<UInt8>) -> Bool {
        var index = 0
        while index < others.count {
            if others[index].withSpan({ normalizedNameEquals($0, name) }) { return true }
            index &+= 1
        }
        return false
    }

    /// Whether several names share the identifier, so that only the name itself tells them apart.
    private static func isOpen(_ id: FieldID) -> Bool { id == .other || id == .xForwardedOther }
}
