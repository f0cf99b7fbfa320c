/// Prints the table of metrics.
package enum MetricsReference {
    /// The whole of docs/metrics.md.
    package static var markdown: String {
        var text = introduction
        for (title, families) in MetricFamily.groups {
            text += "\n## \(title)\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n"
            for family in families {
                let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
                text += "| `\(family.name)` | \(family.kind) | \(labels) | \(family.help) |\n"
            }
        }
        return text + causes
    }

    private static let introduction = """
        # Metrics

        This file is generated from the table that the program runs on (`postern metrics`); change it there.

        `metrics PATH;` in a server answers there in Prometheus' text format, or in OpenMetrics where `Accept` asks for that:

        ```
        server {
            listen 127.0.0.1:9145;
            metrics /metrics;
        }
        ```

        The path is one like any other: `allow`, `deny`, `auth_basic` and `limit_req` of the server hold. Where they ask for no
        login and don't decide about every address, only this machine's own addresses may read it. To let others in, say who:

        ```
        location = /metrics {
            metrics;
            auth_basic off;
            allow 10.0.0.5;
            deny all;
        }
        ```

        Counts are of all event loops, since the process started; a reload keeps them. No label holds what a client chose.
        The page is put together on a thread of its own, one page at a time however many ask; what a request counts
        on its way is a few additions in its own loop's memory. A loop that doesn't answer within half a second is missing from the
        gauges that only it knows (`postern_event_loops` tells), and from nothing else.

        `stub_status` shows what Nginx's shows, and `$connections_active`, `$connections_reading`,
        `$connections_writing` and `$connections_waiting` are its figures.

        """

    /// Each value that a label of causes may have.
    private static var causes: String {
        var text = "\n## Causes\n"
        func list(_ title: String, _ values: [String]) {
            text += "\n\(title): " + values.map { "`\($0)`" }.joined(separator: ", ") + ".\n"
        }
        list("`postern_requests_refused_total`", Refusal.allCases.map { "\($0.text)" })
        list("`postern_malformed_requests_total`", MetricFamily.malformedKinds)
        list("`postern_client_timeouts_total`", labelled(Counter.Wait.self).map(\.1))
        list("`postern_connections_refused_total`", labelled(Counter.Rejection.self).map(\.1))
        list("`postern_http2_connections_failed_total`", MetricFamily.sessionEnds.map(\.1))
        list("`postern_upstream_failures_total`", labelled(Counter.Failure.self).map(\.1))
        return text
    }
}
