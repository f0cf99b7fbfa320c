package import EventLoop

/// What is known of one host name, and when to look it up next. Pure: time and results come in.
///
/// ```
///              begin                    finished
///  waiting ─────────────▶ looking up ─────────────▶ waiting
///  until due                                        for the interval, or longer after each failure
///     ↺ requestRefresh: due at once, at most once a second
/// ```
package struct NameState: Sendable {
    private enum Phase: Sendable, Equatable {
        case waiting(until: UInt64)
        case lookingUp
    }

    package let name: String
    /// The latest addresses found, with port 0. A failed lookup leaves them.
    package private(set) var addresses: [SocketAddress] = []
    /// Lookups that failed since the last that found something.
    package private(set) var failures = 0
    private var phase: Phase
    private var lastBegun: UInt64?

    /// A name that is due at once.
    package init(_ name: String, now: UInt64) {
        self.name = name
        phase = .waiting(until: now)
    }

    /// When it is due, or nil while it is being looked up.
    package var due: UInt64? {
        guard case .waiting(let until) = phase else { return nil }
        return until
    }

    /// Whether a lookup has ended, well or not.
    package var isAnswered: Bool { failures > 0 || !addresses.isEmpty }

    package var isLookingUp: Bool { phase == .lookingUp }

    /// A lookup has been started.
    package mutating func begin(now: UInt64) {
        phase = .lookingUp
        lastBegun = now
    }

    /// A peer by this name can't be reached: its addresses may have changed.
    package mutating func requestRefresh(now: UInt64, timing: ResolverTiming) {
        guard case .waiting(let until) = phase else { return }
        let earliest = lastBegun.map { max(now, $0 + timing.minimumInterval) } ?? now
        phase = .waiting(until: min(until, earliest))
    }

    /// A lookup has ended. An answer that nobody waits for is ignored.
    package mutating func finished(
        _ result: Result<[SocketAddress], LookupError>,
        now: UInt64,
        timing: ResolverTiming
    ) -> NameChange {
        guard phase == .lookingUp else { return .none }
        switch result {
        case .success(let found) where !found.isEmpty:
            failures = 0
            phase = .waiting(until: now + timing.refreshInterval)
            let distinct = Self.distinct(found)
            if isSame(distinct) { return .none }
            addresses = distinct
            return .addresses
        case .success: return fail(.noAddress, now, timing)
        case .failure(let error): return fail(error, now, timing)
        }
    }

    private mutating func fail(_ error: LookupError, _ now: UInt64, _ timing: ResolverTiming) -> NameChange {
        let doublings = UInt64(min(failures, 16))
        failures += 1
        let wait = min(timing.firstRetry << doublings, timing.longestRetry)
        phase = .waiting(until: now + wait)
        return .failed(
            LookupFailure(
                name: name,
                error: error,
                failures: failures,
                keepsAddresses: !addresses.isEmpty,
                retryIn: wait
            )
        )
    }

    /// Whether `found` is the same set: name servers rotate their answers.
    private func isSame(_ found: [SocketAddress]) -> Bool {
        found.count == addresses.count && found.allSatisfy { addresses.contains($0) }
    }

    private static func distinct(_ found: [SocketAddress]) -> [SocketAddress] {
        var distinct: [SocketAddress] = []
        for address in found where distinct.count < NameTable.addressLimit {
            let bare = address.with(port: 0)
            if !distinct.contains(bare) { distinct.append(bare) }
        }
        return distinct
    }
}

/// What a lookup changed.
package enum NameChange: Sendable, Equatable {
    case none
    /// The set of addresses is another one.
    case addresses
    case failed(LookupFailure)
}

/// When names are looked up again. Nanoseconds.
package struct ResolverTiming: Sendable, Equatable {
    /// From one success to the next lookup: getaddrinfo(3) tells no time to live.
    package var refreshInterval: UInt64
    /// Between the beginnings of two lookups of a name, however often a refresh is asked for.
    package var minimumInterval: UInt64
    /// After the first failure; doubles with each further one.
    package var firstRetry: UInt64
    package var longestRetry: UInt64

    package init(
        refreshInterval: UInt64 = 10 * Nanoseconds.second,
        minimumInterval: UInt64 = Nanoseconds.second,
        firstRetry: UInt64 = Nanoseconds.second,
        longestRetry: UInt64 = 30 * Nanoseconds.second
    ) {
        self.refreshInterval = refreshInterval
        self.minimumInterval = minimumInterval
        self.firstRetry = firstRetry
        self.longestRetry = longestRetry
    }
}
