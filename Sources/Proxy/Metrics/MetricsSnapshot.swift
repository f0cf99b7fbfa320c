import Access
import EventLoop
import Glibc
import Limits
import Synchronization

/// All that a page of metrics is made of, gathered at one moment.
struct MetricsSnapshot {
    let sums: [UInt64]
    let upstreams: [(name: String, sums: [UInt64])]
    let states: ConnectionStates
    let loops: [LoopReport]
    let certificates: [CertificateReport]
    let hashing: HashingPool.Statistics
    let hashLimit: Int
    let credentials: (entries: Int, hits: UInt64, misses: UInt64)
    let credentialCapacity: Int
    let callers: CallersReport
    let addresses: (entries: Int, refusals: UInt64)
    let addressCapacity: Int
    var zones: [Zone] = []
    let droppedLines: UInt64
    let droppedErrorLines: UInt64
    let startedAt: Double
    let loadedAt: Double
    let reloads: UInt64
    let failedReloads: UInt64
    let lastReloadFailed: Bool
    let processorSeconds: Double
    let residentBytes: UInt64

    /// A zone of `limit_req` or `limit_conn`.
    struct Zone {
        let name: String
        let kind: String
        var entries: Int
        var capacity: Int
        /// Keys pushed out (`limit_req`), or that found no room (`limit_conn`).
        var overflows: UInt64

        init(_ name: String, _ kind: String, _ entries: Int, _ capacity: Int, _ overflows: UInt64) {
            self.name = name
            self.kind = kind
            self.entries = entries
            self.capacity = capacity
            self.overflows = overflows
        }
    }

    init(_ services: Services, _ runtime: Runtime?, _ loops: [LoopReport]) {
        let metrics = services.metrics
        let sums = metrics.totals()
        self.sums = sums
        self.loops = loops
        states = ConnectionStates { sums[$0.index] }
        upstreams = metrics.upstreamTotals()
        certificates = metrics.certificates
        hashing = services.hashing.statistics
        hashLimit = services.hashing.queueCapacity
        credentials = services.credentials.statistics
        credentialCapacity = services.credentials.capacity
        callers = CallersReport(services.identity)
        addresses = services.connections.table.statistics
        addressCapacity = services.connections.table.capacity
        droppedLines = services.accessLogs.writer.droppedLines
        droppedErrorLines = services.log.droppedLines
        startedAt = metrics.startedAt
        loadedAt = Double(metrics.loadedAt.load(ordering: .relaxed)) / 1000
        reloads = metrics.reloads.load(ordering: .relaxed)
        failedReloads = metrics.failedReloads.load(ordering: .relaxed)
        lastReloadFailed = metrics.lastReloadFailed.load(ordering: .relaxed)
        processorSeconds = Self.processorSeconds()
        residentBytes = Self.residentBytes()
        for zone in runtime?.zones ?? [] {
            let (entries, evictions) = zone.table.statistics
            add(Zone(zone.model.name, "limit_req", entries, zone.table.capacity, evictions))
        }
        for zone in runtime?.connectionZones ?? [] {
            let (entries, refusals) = zone.table.statistics
            add(Zone(zone.model.name, "limit_conn", entries, zone.table.capacity, refusals))
        }
    }

    /// Lists a zone; those of one name together, as directives on the same line of different files make them.
    private mutating func add(_ zone: Zone) {
        guard let known = zones.firstIndex(where: { $0.name == zone.name && $0.kind == zone.kind }) else {
            zones.append(zone)
            return
        }
        zones[known].entries += zone.entries
        zones[known].capacity += zone.capacity
        zones[known].overflows += zone.overflows
    }

    func sum(_ counter: Counter) -> UInt64 { sums[counter.index] }

    /// User and system time of all threads.
    private static func processorSeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }

    private static func residentBytes() -> UInt64 {
        let descriptor = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = unsafe read(descriptor, &text, text.count)
        let words = String(decoding: text.prefix(max(count, 0)), as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = UInt64(words[1]) else { return 0 }
        return pages * UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0))
    }
}
