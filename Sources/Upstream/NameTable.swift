package import EventLoop

/// All names that are kept resolved, and which to look up next. Pure: time and results come in.
package struct NameTable: Sendable {
    /// Addresses kept of one name.
    package static let addressLimit = 32

    private let timing: ResolverTiming
    /// Names kept; more are refused.
    private let limit: Int
    /// Lookups at a time. One that hangs holds its place; it never holds up the others' until all places are held.
    private let lookupLimit: Int
    private var names: [NameState] = []
    private var version: UInt64 = 0
    private var running = 0

    package init(timing: ResolverTiming, limit: Int, lookupLimit: Int) {
        self.timing = timing
        self.limit = limit
        self.lookupLimit = lookupLimit
    }

    /// Keeps exactly `wanted`; known names keep what is known of them. Answers the names that found no room.
    package mutating func setNames(_ wanted: [String], now: UInt64) -> [String] {
        var kept: [NameState] = []
        var refused: [String] = []
        var seen: Set<String> = []
        for name in wanted where seen.insert(name).inserted {
            if kept.count == limit {
                refused.append(name)
            } else {
                kept.append(names.first { $0.name == name } ?? NameState(name, now: now))
            }
        }
        names = kept
        return refused
    }

    package mutating func requestRefresh(_ name: String, now: UInt64) {
        guard let index = index(of: name) else { return }
        names[index].requestRefresh(now: now, timing: timing)
    }

    /// Takes the name that has been due longest, to be looked up now; nil when none is due or too many lookups run.
    package mutating func beginNext(now: UInt64) -> String? {
        guard running < lookupLimit, let (index, due) = earliest, due <= now else { return nil }
        names[index].begin(now: now)
        running += 1
        return names[index].name
    }

    /// When `beginNext` has something next; nil while that depends on a lookup's end or on new names.
    package var nextDue: UInt64? {
        running < lookupLimit ? earliest?.due : nil
    }

    /// The lookup of `name` has ended.
    package mutating func finished(
        _ name: String,
        _ result: Result<[SocketAddress], LookupError>,
        now: UInt64
    ) -> NameChange {
        running -= 1
        guard let index = index(of: name) else { return .none }
        return names[index].finished(result, now: now, timing: timing)
    }

    /// The addresses as they are now. Each snapshot has a higher version than those before.
    package mutating func snapshot() -> ResolvedNames {
        version += 1
        return ResolvedNames(
            version: version,
            isComplete: isComplete,
            entries: names.filter { !$0.addresses.isEmpty }.map { ($0.name, $0.addresses) }
        )
    }

    /// Whether every name has been looked up, well or not.
    package var isComplete: Bool { names.allSatisfy(\.isAnswered) }

    private var earliest: (index: Int, due: UInt64)? {
        var best: (index: Int, due: UInt64)?
        for (index, state) in names.enumerated() {
            guard let due = state.due else { continue }
            if let current = best, current.due <= due { continue }
            best = (index, due)
        }
        return best
    }

    private func index(of name: String) -> Int? { names.firstIndex { $0.name == name } }
}

/// The addresses of all names that have any, at one moment. Immutable; handed to every loop.
package struct ResolvedNames: Sendable {
    /// Rises with each snapshot.
    package let version: UInt64
    /// Every name has been looked up at least once: one that is missing can't be found. A start-up may wait for this.
    package let isComplete: Bool
    private let entries: [(name: String, addresses: [SocketAddress])]

    package init(version: UInt64, isComplete: Bool = true, entries: [(name: String, addresses: [SocketAddress])]) {
        self.version = version
        self.isComplete = isComplete
        self.entries = entries
    }

    /// The addresses of `name`, with port 0; nil when none is known.
    package func addresses(of name: String) -> [SocketAddress]? {
        entries.first { $0.name == name }?.addresses
    }
}
