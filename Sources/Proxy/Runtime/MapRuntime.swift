import Bytes

/// A `map`, made ready: exact keys by hash, wildcards by label.
struct MapRuntime: Sendable {
    private struct Entry: BitwiseCopyable {
        var key: Frozen<UInt8>
        var value: Int32
    }

    let source: CompiledTemplate
    private let values: Frozen<CompiledTemplate>
    private let slots: Frozen<Entry>
    private let matchesHostnames: Bool
    private let fallback: CompiledTemplate
    private let patterns: [(pattern: Pattern, value: CompiledTemplate)]

    init(_ map: ValueMap, arena: Arena) {
        source = CompiledTemplate(map.source, arena: arena)
        values = arena.freeze(map.entries.map { CompiledTemplate($0.value, arena: arena) })
        matchesHostnames = map.matchesHostnames
        fallback = CompiledTemplate(map.fallback, arena: arena)
        // Expressions were compiled before, when the configuration was read.
        patterns = map.patterns.compactMap { entry in
            guard let pattern = try? Pattern(entry.expression, ignoresCase: entry.ignoresCase) else { return nil }
            return (pattern, CompiledTemplate(entry.value, arena: arena))
        }
        var size = 8
        // `.example.com` stands for the name itself and everything below it.
        while size < map.entries.count * 6 { size *= 2 }
        var table = [Entry](repeating: Entry(key: Frozen(), value: -1), count: size)
        for (position, entry) in map.entries.enumerated() {
            let key = entry.key.map(ASCII.lowercased)
            let isBoth = map.matchesHostnames && key.first == ASCII.dot
            for key in isBoth ? [Array(key.dropFirst()), [0x2A] + key] : [key] {
                var index = Int(truncatingIfNeeded: Self.hash(key.span)) & (size - 1)
                while table[index].value >= 0 { index = (index + 1) & (size - 1) }
                table[index] = Entry(key: arena.freeze(key), value: Int32(position))
            }
        }
        slots = arena.freeze(table)
    }

    /// The value for `source` by its keys; nil when patterns have to be tried.
    func value(for source: borrowing Span<UInt8>) -> CompiledTemplate? {
        // A host's name may end in a dot.
        let isAbsolute = matchesHostnames && source.count > 1 && source[source.count - 1] == ASCII.dot
        return keyValue(for: source.extracting(0..<(isAbsolute ? source.count - 1 : source.count)))
    }

    private func keyValue(for source: borrowing Span<UInt8>) -> CompiledTemplate? {
        if let found = look(source) { return found }
        let otherwise = patterns.isEmpty ? fallback : nil
        guard matchesHostnames else { return otherwise }
        // `*.example.com` is kept with its star; so is `www.*`.
        var position = 0
        while position < source.count {
            if source[position] == ASCII.dot, let found = look(source, droppingBefore: position) { return found }
            position += 1
        }
        position = source.count - 1
        while position > 0 {
            if source[position] == ASCII.dot, let found = look(source, droppingFrom: position + 1) { return found }
            position -= 1
        }
        return otherwise
    }

    /// The value by the first pattern that matches, else the default.
    func matchedValue(for source: borrowing Span<UInt8>, _ captures: inout Captures) -> CompiledTemplate {
        for entry in patterns where entry.pattern.matches(source, &captures) { return entry.value }
        return fallback
    }

    private func look(_ key: borrowing Span<UInt8>) -> CompiledTemplate? {
        find(Self.hash(key)) { $0.equalsIgnoringCase(key) }
    }

    private func look(_ key: borrowing Span<UInt8>, droppingBefore position: Int) -> CompiledTemplate? {
        let rest = key.extracting(position..<key.count)
        return find(Self.hash(rest, Self.step(Self.seed, 0x2A))) {
            $0.count == rest.count + 1 && $0[0] == 0x2A && $0.extracting(1..<$0.count).equalsIgnoringCase(rest)
        }
    }

    private func look(_ key: borrowing Span<UInt8>, droppingFrom position: Int) -> CompiledTemplate? {
        let rest = key.extracting(0..<position)
        return find(Self.step(Self.hash(rest), 0x2A)) {
            $0.count == rest.count + 1 && $0[rest.count] == 0x2A
                && $0.extracting(0..<rest.count).equalsIgnoringCase(rest)
        }
    }

    private func find(_ hash: UInt64, _ isSame: (borrowing Span<UInt8>) -> Bool) -> CompiledTemplate? {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].value >= 0 {
            if slots[index].key.withSpan(isSame) { return values[Int(slots[index].value)] }
            index = (index + 1) & mask
        }
        return nil
    }

    private static let seed: UInt64 = 0xCBF2_9CE4_8422_2325

    private static func step(_ value: UInt64, _ byte: UInt8) -> UInt64 {
        (value ^ UInt64(byte)) &* 0x0100_0000_01B3
    }

    private static func hash(_ bytes: borrowing Span<UInt8>, _ seed: UInt64 = seed) -> UInt64 {
        var value = seed
        for index in 0..<bytes.count { value = step(value, ASCII.lowercased(bytes[index])) }
        return value
    }
}
