import HTTP

/// What clients do, and what is done about it.
extension MetricFamily {
    static let connections: [MetricFamily] = [
        .one("postern_connections_accepted_total", .counter, "Connections of clients that were accepted.") {
            $0.states.accepted
        },
        .causes(
            "postern_connections_refused_total",
            "Connections closed before they could ask for anything: client_max_connections is reached; a peer outside "
                + "set_real_ip_from speaks the PROXY protocol; its header is malformed or late; or something failed here.",
            labelled(Counter.Rejection.self),
            Counter.rejected
        ),
        .causes(
            "postern_accept_pauses_total",
            "Times that a loop stopped accepting for a while, because worker_connections were open or descriptors ran out.",
            labelled(Counter.Pause.self),
            Counter.paused
        ),
        MetricFamily(
            "postern_connections",
            .gauge,
            "Connections of clients that are open, by what they do: reading (a head is coming) and writing (a request is "
                + "under way, or an upgraded connection is open; streams of HTTP/2 count one by one), waiting (kept for a "
                + "next request). open is all of them, those in a handshake too.",
            labels: ["state"]
        ) { snapshot in
            [
                Sample(["open"], snapshot.states.active), Sample(["reading"], snapshot.states.reading),
                Sample(["writing"], snapshot.states.writing), Sample(["waiting"], snapshot.states.waiting),
            ]
        },
        MetricFamily(
            "postern_tls_handshakes_total",
            .counter,
            "TLS handshakes with clients: full, resumed (an earlier session goes on), failed.",
            labels: ["result"]
        ) { snapshot in
            [
                Sample(["full"], snapshot.sum(.fullHandshakes)), Sample(["resumed"], snapshot.sum(.resumedHandshakes)),
                Sample(["failed"], snapshot.sum(.failedHandshakes)),
            ]
        },
        .one(
            "postern_received_bytes_total",
            .counter,
            "Bytes read from clients, without those of TLS itself."
        ) { $0.sum(.bytesReceived) },
        .one("postern_sent_bytes_total", .counter, "Bytes written to clients, without those of TLS itself.") {
            $0.sum(.bytesSent)
        },
        .causes(
            "postern_client_timeouts_total",
            "Clients that took too long for something, which ended their request or connection: the PROXY protocol's "
                + "header, the TLS handshake, beginning a (next) request, its head, its body, reading a reply, reading from a "
                + "WebSocket.",
            label: "wait",
            labelled(Counter.Wait.self),
            Counter.timedOut
        ),
        .causes(
            "postern_slow_clients_total",
            "Clients cut off for sending a body slower than client_min_rate, or reading a reply slower than send_min_rate.",
            label: "direction",
            labelled(Counter.Rate.self),
            Counter.tooSlow
        ),
    ]

    static let requests: [MetricFamily] = [
        MetricFamily(
            "postern_requests_total",
            .counter,
            "Requests whose head was complete, or was refused.",
            labels: ["protocol"]
        ) { snapshot in
            protocols.map { Sample([$1], snapshot.sum(.requests(isStream: $0))) }
        },
        MetricFamily(
            "postern_responses_total",
            .counter,
            "Requests that have ended, by the class of their status: 499 when the client left before it had one, "
                + "101 (200 in HTTP/2) when the connection was upgraded.",
            labels: ["protocol", "class"]
        ) { snapshot in
            protocols.flatMap { isStream, name in
                statusClasses.map { hundreds, text in
                    Sample([name, text], snapshot.sum(.ended(status: hundreds, isStream: isStream)))
                }
            }
        },
        .one("postern_requests_open", .gauge, "Requests under way, open WebSockets not among them.") { snapshot in
            let open = snapshot.sum(.openWebSockets(isStream: false)) &+ snapshot.sum(.openWebSockets(isStream: true))
            return snapshot.states.writing - min(open, snapshot.states.writing)
        },
        .one(
            "postern_heads_abandoned_total",
            .counter,
            "Requests whose client left, or was cut off, in the middle of the head."
        ) { $0.sum(.abandoned) },
        .causes(
            "postern_requests_refused_total",
            "Requests that Postern refused or gave up, by the cause that the logs and $postern_refusal name.",
            Refusal.allCases.map { ($0, "\($0.text)") },
            Counter.refused
        ),
        MetricFamily(
            "postern_malformed_requests_total",
            .counter,
            "Requests refused because of how they are written, by what is wrong; body is a chunked body that can't be read.",
            labels: ["kind"]
        ) { snapshot in
            zip(malformedKinds, HeadError.allCases.map(Counter.malformed) + [.malformedBody])
                .map { Sample([$0], snapshot.sum($1)) }
        },
        MetricFamily(
            "postern_websockets_total",
            .counter,
            "Connections, or streams of HTTP/2, that were upgraded to WebSocket.",
            labels: ["protocol"]
        ) { snapshot in
            protocols.map { Sample([$1], snapshot.sum(.webSockets(isStream: $0))) }
        },
        MetricFamily(
            "postern_websockets_open",
            .gauge,
            "WebSockets that are open.",
            labels: ["protocol"]
        ) { snapshot in
            protocols.map { Sample([$1], snapshot.sum(.openWebSockets(isStream: $0))) }
        },
        .one("postern_event_streams_total", .counter, "Replies that were streams of server-sent events.") {
            $0.sum(.eventStreams)
        },
        .one("postern_event_streams_open", .gauge, "Streams of server-sent events that are open.") {
            $0.sum(.openEventStreams)
        },
    ]

    static let http2: [MetricFamily] = [
        .one("postern_http2_connections_total", .counter, "Connections that spoke HTTP/2.") { $0.sum(.sessions) },
        .one("postern_http2_streams_open", .gauge, "Streams of HTTP/2 that are open.") { snapshot in
            snapshot.loops.reduce(0) { $0 + UInt64(max($1.streams, 0)) }
        },
        .causes(
            "postern_http2_connections_failed_total",
            "HTTP/2 connections ended because their client was held to a bound (resets, idle-frames, header-block, "
                + "continuations, unread-answers, settings-entries, other-abuse), broke the protocol (preface, flow-control, "
                + "compression, frame-size, closed-stream, violation), or something failed here.",
            sessionEnds,
            Counter.sessionEnded
        ),
        .one(
            "postern_http2_streams_broken_total",
            .counter,
            "Streams that were reset because their client broke the protocol on them."
        ) { $0.sum(.brokenStreams) },
        .one(
            "postern_http2_streams_refused_total",
            .counter,
            "Streams turned away because a loop had as many as it takes."
        ) { $0.sum(.refusedStreams) },
    ]

    static let malformedKinds = HeadError.allCases.map { labelText($0) } + ["body"]
    static let sessionEnds = labelled(HTTP2Error.Kind.self)
    private static let protocols = [(false, "http1"), (true, "http2")]
    private static let statusClasses = [
        (100, "1xx"), (200, "2xx"), (300, "3xx"), (400, "4xx"), (500, "5xx"), (0, "other"),
    ]
}
