import EventLoop
import Synchronization

/// What the process has counted since it started: over all loops, and kept when the configuration is read anew.
final class Metrics: Sendable {
    /// Upstreams that have counters of their own; what comes later shares one more. A name keeps its counters for good.
    static let upstreamLimit = 256
    static let sharedUpstream = "(other)"

    private struct State {
        var loops: [LoopCounters] = []
        /// In the order in which they appeared, for each loop its cells.
        var upstreams: [(name: String, loops: [LoopCounters?])] = []
        var certificates: [CertificateReport] = []
    }

    private let state = Mutex(State())
    /// Seconds since 1970.
    let startedAt = Double(Clock.realtimeMilliseconds()) / 1000
    /// Milliseconds since 1970: when the configuration in use was taken into use.
    let loadedAt = Atomic<Int>(0)
    let reloads = Atomic<UInt64>(0)
    let failedReloads = Atomic<UInt64>(0)
    let lastReloadFailed = Atomic<Bool>(false)

    deinit {
        state.withLock { state in
            for loop in state.loops { loop.deallocate() }
            for upstream in state.upstreams { for loop in upstream.loops { loop?.deallocate() } }
        }
    }

    // MARK: Who counts

    /// The cells of one more loop.
    func makeLoop() -> LoopCounters {
        let counters = LoopCounters(count: Counter.count)
        state.withLock { $0.loops.append(counters) }
        return counters
    }

    /// The cells of an upstream on a loop: those it had before, if it has been there.
    func upstream(_ name: String, loop: Int) -> LoopCounters {
        state.withLock { state in
            var position = state.upstreams.firstIndex { $0.name == name }
            if position == nil {
                let isFull = state.upstreams.count >= Self.upstreamLimit
                let name = isFull ? Self.sharedUpstream : name
                position = state.upstreams.firstIndex { $0.name == name }
                if position == nil {
                    state.upstreams.append((name, []))
                    position = state.upstreams.count - 1
                }
            }
            let index = position ?? 0
            while state.upstreams[index].loops.count <= loop { state.upstreams[index].loops.append(nil) }
            if let known = state.upstreams[index].loops[loop] { return known }
            let fresh = LoopCounters(count: Counter.upstreamCount)
            state.upstreams[index].loops[loop] = fresh
            return fresh
        }
    }

    /// A configuration is in use from now on.
    func adopted(_ certificates: [CertificateReport]) {
        loadedAt.store(Clock.realtimeMilliseconds(), ordering: .relaxed)
        state.withLock { $0.certificates = certificates }
    }

    /// How the reading of a configuration anew has ended.
    func reloaded(_ isFine: Bool) {
        if isFine { reloads.add(1, ordering: .relaxed) } else { failedReloads.add(1, ordering: .relaxed) }
        lastReloadFailed.store(!isFine, ordering: .relaxed)
    }

    // MARK: Totals

    /// The sum over all loops.
    func total(_ counter: Counter) -> UInt64 {
        state.withLock { $0.loops.reduce(0) { $0 &+ $1.value(counter) } }
    }

    /// The sums of every cell over all loops.
    func totals() -> [UInt64] {
        state.withLock { state in
            var sums = [UInt64](repeating: 0, count: Counter.count)
            for loop in state.loops {
                for index in 0..<Counter.count { sums[index] &+= loop.value(at: index) }
            }
            return sums
        }
    }

    /// Every upstream that has been there, with its cells' sums.
    func upstreamTotals() -> [(name: String, sums: [UInt64])] {
        state.withLock { state in
            state.upstreams.map { upstream in
                var sums = [UInt64](repeating: 0, count: Counter.upstreamCount)
                for case .some(let loop) in upstream.loops {
                    for index in 0..<Counter.upstreamCount { sums[index] &+= loop.value(at: index) }
                }
                return (upstream.name, sums)
            }
        }
    }

    var certificates: [CertificateReport] { state.withLock { $0.certificates } }
}
