import Access

/// The process, and what stands beside the loops.
extension MetricFamily {
    static let process: [MetricFamily] = [
        MetricFamily("postern_build_info", .gauge, "Always 1; the label names the release.", labels: ["version"]) { _ in
            [Sample([Version.text], 1)]
        },
        MetricFamily(
            "process_start_time_seconds",
            .gauge,
            "When the process started, in seconds since 1970."
        ) { [Sample(seconds: $0.startedAt)] },
        MetricFamily(
            "process_cpu_seconds_total",
            .counter,
            "Processor time used, by the user and by the system."
        ) { [Sample(seconds: $0.processorSeconds)] },
        .one("process_resident_memory_bytes", .gauge, "Memory that the process has in RAM.") { $0.residentBytes },
        .one("postern_event_loops", .gauge, "Event loops that answered when they were asked for this page.") {
            UInt64($0.loops.count)
        },
        MetricFamily(
            "postern_config_load_timestamp_seconds",
            .gauge,
            "When the configuration in use was taken into use, in seconds since 1970; a renewed certificate counts too."
        ) { [Sample(seconds: $0.loadedAt)] },
        MetricFamily(
            "postern_reloads_total",
            .counter,
            "Times that the configuration was read anew at SIGHUP: ok, or failed, after which the one in use stayed.",
            labels: ["result"]
        ) { [Sample(["ok"], $0.reloads), Sample(["failed"], $0.failedReloads)] },
        .one("postern_last_reload_failed", .gauge, "1 when the last reload failed, else 0.") {
            $0.lastReloadFailed ? 1 : 0
        },
        MetricFamily(
            "postern_certificate_expiry_timestamp_seconds",
            .gauge,
            "When a certificate in use ends, in seconds since 1970, by the first name of its server and its file.",
            labels: ["server", "file"]
        ) { snapshot in
            snapshot.certificates.map { Sample([$0.server, $0.file], UInt64(max($0.expiry, 0))) }
        },
        .one(
            "postern_log_lines_dropped_total",
            .counter,
            "Lines of access logs that were lost: the disk is slow."
        ) {
            $0.droppedLines
        },
        .one(
            "postern_error_log_lines_dropped_total",
            .counter,
            "Lines of the error log that were lost: what it goes to is slow, or stuck."
        ) {
            $0.droppedErrorLines
        },
    ]

    static let limits: [MetricFamily] = [
        .one(
            "postern_limited_addresses",
            .gauge,
            "Addresses with connections that count for client_max_connections."
        ) { UInt64($0.addresses.entries) },
        .one("postern_limited_addresses_limit", .gauge, "How many there may be; further ones are not counted.") {
            UInt64($0.addressCapacity)
        },
        MetricFamily(
            "postern_limit_zone_entries",
            .gauge,
            "Keys that a zone holds, by the directive that counts in it.",
            labels: ["directive", "zone"]
        ) { snapshot in
            snapshot.zones.map { Sample([$0.kind, $0.name], UInt64($0.entries)) }
        },
        MetricFamily(
            "postern_limit_zone_entries_limit",
            .gauge,
            "Keys that a zone may hold.",
            labels: ["directive", "zone"]
        ) { snapshot in
            snapshot.zones.map { Sample([$0.kind, $0.name], UInt64($0.capacity)) }
        },
        MetricFamily(
            "postern_limit_zone_overflows_total",
            .counter,
            "Keys that a full zone forgot for another (limit_req) or had no room for (limit_conn).",
            labels: ["directive", "zone"]
        ) { snapshot in
            snapshot.zones.map { Sample([$0.kind, $0.name], $0.overflows) }
        },
    ]

    static let passwords: [MetricFamily] = [
        .one("postern_password_hashes_total", .counter, "Password hashes computed.") { $0.hashing.computed },
        MetricFamily(
            "postern_password_hash_seconds_total",
            .counter,
            "Time that computing them took."
        ) {
            [Sample(seconds: Double($0.hashing.busy) / 1_000_000_000)]
        },
        .one("postern_password_hashes_shared_total", .counter, "Requests that waited for a hash asked for already.") {
            $0.hashing.joined
        },
        .one("postern_password_hashes_shed_total", .counter, "Hashes turned away because the queue was full.") {
            $0.hashing.shed
        },
        .one("postern_password_hashes_cancelled_total", .counter, "Hashes given up because the client had left.") {
            $0.hashing.cancelled
        },
        .one("postern_password_hashes_waiting", .gauge, "Hashes in the queue.") { UInt64(max($0.hashing.waiting, 0)) },
        .one("postern_password_hashes_waiting_limit", .gauge, "Hashes that the queue holds at the most.") {
            UInt64($0.hashLimit)
        },
        .one("postern_password_hashes_running", .gauge, "Hashes being computed.") {
            UInt64(max($0.hashing.running, 0))
        },
        .one(
            "postern_credential_cache_hits_total",
            .counter,
            "Logins that were proved before and needed no hash. A connection that goes on with its login isn't counted."
        ) { $0.credentials.hits },
        .one("postern_credential_cache_misses_total", .counter, "Logins that were not in the cache.") {
            $0.credentials.misses
        },
        .one("postern_credential_cache_entries", .gauge, "Logins in the cache.") { UInt64($0.credentials.entries) },
        .one("postern_credential_cache_entries_limit", .gauge, "Logins that the cache holds at the most.") {
            UInt64($0.credentialCapacity)
        },
    ]

    static let resources: [MetricFamily] = [
        .one(
            "postern_worker_connections_limit",
            .gauge,
            "Connections of clients that all loops together take: worker_connections times event loops."
        ) { snapshot in snapshot.loops.reduce(0) { $0 + UInt64($1.connectionLimit) } },
        .one("postern_buffers_in_use", .gauge, "Buffers of 16 to 64 KiB that hold something in transit.") { snapshot in
            snapshot.loops.reduce(0) { $0 + UInt64(max($1.buffersInUse, 0)) }
        },
        .one("postern_buffers_spare", .gauge, "Buffers that are kept for reuse.") { snapshot in
            snapshot.loops.reduce(0) { $0 + UInt64($1.spareBuffers) }
        },
    ]
}
