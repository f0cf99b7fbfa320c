import Bytes
import Synchronization
import Upstream

/// What a loop tells of this moment when it is asked: what isn't worth a count at every change.
struct LoopReport: Sendable {
    /// Connections to upstreams, idle ones among them.
    var upstreamConnections = 0
    var streams = 0
    var buffersInUse = 0
    var spareBuffers = 0
    /// Connections that it takes at the most.
    var connectionLimit = 0
    var groups: [Group] = []

    /// An upstream of the configuration in use.
    struct Group: Sendable {
        let name: String
        let idle: Int
        let leftOut: Int
        let peers: [PeerReport]
    }
}

extension Worker {
    /// Tells how things stand. Allocates.
    func report() -> LoopReport {
        var report = LoopReport()
        report.upstreamConnections = upstreams.count
        report.streams = streamCount
        report.buffersInUse = buffers.inUse
        report.spareBuffers = buffers.spareCount
        report.connectionLimit = connectionLimit
        for slot in groupMap.slots {
            let entry = groups[slot]
            report.groups.append(
                LoopReport.Group(
                    name: entry.value.group.configuration.name,
                    idle: entry.value.group.idleCount,
                    leftOut: entry.value.group.leftOutAddresses,
                    peers: entry.value.group.report(now: now)
                )
            )
        }
        return report
    }
}

/// The loops' reports as they come in. A loop that doesn't answer in time is left out.
final class ReportRound: Sendable {
    private let reports = Mutex<[LoopReport]>([])

    /// A loop's word.
    func deliver(_ report: LoopReport) { reports.withLock { $0.append(report) } }

    var received: [LoopReport] { reports.withLock { $0 } }
}
