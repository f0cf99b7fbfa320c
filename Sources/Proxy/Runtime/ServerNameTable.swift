import Bytes

/// Finds the virtual server for a host name on one listener: exact, then the longest leading wildcard, then the longest
/// trailing one, then the default. One hash look-up for each label at the most.
struct ServerNameTable: BitwiseCopyable, Sendable {
    private struct Entry: BitwiseCopyable {
        var name: Frozen<UInt8>
        var kind: Kind
        var server: Int32
    }

    private enum Kind: UInt8 { case none, exact, leading, trailing }

    private let slots: Frozen<Entry>
    private let hasWildcards: Bool
    let defaultServer: Int
    /// The default is the only server there is.
    let isTrivial: Bool

    init(_ names: [(name: ServerName, server: Int)], defaultServer: Int, serverCount: Int, arena: Arena) {
        self.defaultServer = defaultServer
        isTrivial = serverCount <= 1
        var size = 8
        while size < names.count * 4 { size *= 2 }
        var table = [Entry](repeating: Entry(name: Frozen(), kind: .none, server: -1), count: size)
        func insert(_ text: String, _ kind: Kind, _ server: Int) {
            let bytes = Array(text.utf8)
            var index = Int(truncatingIfNeeded: Self.hash(bytes.span, kind)) & (size - 1)
            while table[index].kind != .none {
                let isSame =
                    table[index].kind == kind
                    && table[index].name.withSpan { unsafe $0.withUnsafeBufferPointer { unsafe Array($0) } } == bytes
                // The first server to claim a name keeps it.
                if isSame { return }
                index = (index + 1) & (size - 1)
            }
            table[index] = Entry(name: arena.freeze(bytes), kind: kind, server: Int32(server))
        }
        var wildcards = false
        for (name, server) in names {
            switch name {
            case .exact(let text):
                insert(text, .exact, server)
            case .leadingWildcard(let suffix, let includesBare):
                insert(suffix, .leading, server)
                if includesBare { insert(String(suffix.dropFirst()), .exact, server) }
                wildcards = true
            case .trailingWildcard(let prefix):
                insert(prefix, .trailing, server)
                wildcards = true
            }
        }
        slots = arena.freeze(table)
        hasWildcards = wildcards
    }

    /// The index of the server for `host`, which has no port and may be in any letter case.
    func find(_ host: borrowing Span<UInt8>) -> Int {
        if isTrivial { return defaultServer }
        var count = host.count
        if count > 0, host[count - 1] == ASCII.dot { count -= 1 }
        let name = host.extracting(0..<count)
        if let server = look(name, .exact) { return server }
        guard hasWildcards else { return defaultServer }
        var position = 1
        while position < count {
            if name[position] == ASCII.dot, let server = look(name.extracting(position..<count), .leading) {
                return server
            }
            position += 1
        }
        position = count - 1
        while position >= 1 {
            if name[position] == ASCII.dot, let server = look(name.extracting(0..<(position + 1)), .trailing) {
                return server
            }
            position -= 1
        }
        return defaultServer
    }

    private func look(_ name: borrowing Span<UInt8>, _ kind: Kind) -> Int? {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: Self.hash(name, kind)) & mask
        while true {
            let entry = slots[index]
            if entry.kind == .none { return nil }
            if entry.kind == kind, entry.name.withSpan({ $0.equalsIgnoringCase(name) }) { return Int(entry.server) }
            index = (index + 1) & mask
        }
    }

    /// FNV-1a over lower-cased bytes. Names come from the operator: nobody else can crowd the table.
    private static func hash(_ name: borrowing Span<UInt8>, _ kind: Kind) -> UInt64 {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(kind.rawValue)
        for index in 0..<name.count {
            value = (value ^ UInt64(ASCII.lowercased(name[index]))) &* 0x0100_0000_01B3
        }
        return value ^ (value >> 32)
    }
}
