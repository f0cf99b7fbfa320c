import EventLoop
import Upstream

/// The groups of one runtime's upstreams: for each, the worker's slot. Kept alive by the requests that may use it.
final class GroupMap {
    let number: Int
    let slots: [UInt32]

    init(number: Int, slots: [UInt32]) {
        self.number = number
        self.slots = slots
    }
}

/// A slot for an upstream's group.
struct GroupEntry: ~Copyable {
    var group: UpstreamGroup
    /// Those of its name; nil in a slot that is in nobody's use.
    var counters: LoopCounters?
    /// Rings when surplus idle connections are to be closed.
    var timer = TimerID(index: .max)
    var isTimed = false
    /// The lines about its failures.
    var lines = FailureLines()
    /// Rings when the lines that were left out are to be counted in one.
    var lineTimer = TimerID(index: .max)
    var hasLeftOut = false

    /// A request is sent to a server of it, for the so manieth time.
    @inline(__always)
    func countAttempt(_ number: Int) {
        counters?.add(.attempts)
        if number > 1 { counters?.add(.retries) }
    }

    /// A slot that is in nobody's use.
    init() { group = UpstreamGroup(UpstreamConfiguration(name: "", servers: [])) }
}
