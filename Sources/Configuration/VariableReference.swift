import Proxy

/// What every variable stands for, for docs/configuration.md and the command line.
package enum VariableReference {
    /// Variables of one kind. A name that ends with `_` takes the rest of it from whoever asks.
    struct Family {
        let title: String
        let entries: [(names: [String], help: String)]
    }

    /// The part of docs/configuration.md.
    static var markdown: String {
        var text = "\n## Variables\n\n\(introduction)\n"
        for family in families {
            text += "\n| \(family.title) | |\n|---|---|\n"
            for entry in family.entries {
                let names = entry.names.map { "`\(shown($0))`" }.joined(separator: ", ")
                text += "| \(names) | \(entry.help.replacing("|", with: "\\|")) |\n"
            }
        }
        return text
    }

    /// All that begin with `prefix`, which has its dollar sign; empty if there are none.
    static func plain(prefix: String) -> String {
        let entries = families.flatMap(\.entries).filter { $0.names.contains { "$\($0)".hasPrefix(prefix) } }
        return entries.map { entry in
            "\(entry.names.map(shown).joined(separator: ", "))\n    \(entry.help)\n"
        }
        .joined(separator: "\n")
    }

    private static func shown(_ name: String) -> String { name.hasSuffix("_") ? "$\(name)NAME" : "$\(name)" }

    private static let introduction = """
        In `log_format`, `proxy_set_header`, `add_header`, `return`, `map`, `if=`, the keys of limits and wherever else a
        directive's text says so: `$name`, or `${name}` where letters follow. Names are Nginx's; those that begin with
        `postern_` are not. `map` makes more. In a log, `-` stands for a variable that is empty. What tells of the reply is
        known once there is one.
        """

    static let families = [
        Family(
            title: "The request",
            entries: [
                (["request"], "The request line."),
                (["request_method"], "Its method."),
                (["request_uri"], "Path and query as they came."),
                (
                    ["uri", "document_uri"],
                    "The path in normal form, as locations are chosen by it; without the query."
                ),
                (["args", "query_string"], "The query: what follows the question mark."),
                (["is_args"], "A question mark if there is a query."),
                (["arg_"], "The query's argument of that name, as it came."),
                (["server_protocol"], "HTTP/1.0, HTTP/1.1 or HTTP/2.0."),
                (["scheme"], "http or https."),
                (["https"], "\"on\" over TLS."),
                (
                    ["host"],
                    "The host that is asked for, in lower case and without a port; else the server's first name."
                ),
                (
                    ["http_"],
                    "The field of that name, written in lower case and with _ for -; several are joined by commas."
                ),
                (["cookie_"], "The cookie of that name."),
                (["content_length"], "The field Content-Length."),
                (["content_type"], "The field Content-Type."),
                (["request_length"], "Bytes of the request, head and body."),
                (["request_id"], "32 hexadecimal digits that no other request has, here or elsewhere."),
            ]
        ),
        Family(
            title: "The client's connection",
            entries: [
                (["remote_addr"], "The client's address; what set_real_ip_from and real_ip_header make of it."),
                (["remote_port"], "The client's port."),
                (["binary_remote_addr"], "The address as 4 or 16 bytes: the usual key of limits."),
                (["realip_remote_addr", "realip_remote_port"], "Who is at the connection's other end in any case."),
                (
                    ["proxy_protocol_addr", "proxy_protocol_port"],
                    "The client as the header of the PROXY protocol has it."
                ),
                (
                    ["proxy_protocol_server_addr", "proxy_protocol_server_port"],
                    "The address it connected to, from the same header."
                ),
                (["server_addr", "server_port"], "The address it connected to here."),
                (["connection"], "The connection's number."),
                (["connection_requests"], "Requests on it so far."),
                (["pipe"], "\"p\" if the next request has come already, else \".\"."),
                (["http2"], "\"h2\", or \"h2c\" without TLS; empty for HTTP/1."),
                (["ssl_protocol", "ssl_cipher"], "TLS's version and cipher."),
                (["ssl_server_name"], "The name that the client asked for in the handshake."),
                (["ssl_session_reused"], "\"r\" if a session was resumed, else \".\"."),
                (
                    ["connections_active", "connections_reading", "connections_writing", "connections_waiting"],
                    "Connections of the whole process, as stub_status counts them."
                ),
            ]
        ),
        Family(
            title: "The client's certificate",
            entries: [
                (["ssl_client_verify"], "SUCCESS, NONE, or FAILED with a colon and the reason."),
                (["ssl_client_s_dn", "ssl_client_i_dn"], "Its subject and its issuer (RFC 2253)."),
                (["ssl_client_serial"], "Its serial number."),
                (["ssl_client_fingerprint"], "Its SHA-1."),
                (["ssl_client_escaped_cert"], "All of it in PEM, percent-encoded."),
                (["ssl_client_v_start", "ssl_client_v_end"], "From when and until when it is valid."),
                (["ssl_client_v_remain"], "Days until then."),
            ]
        ),
        Family(
            title: "Decisions",
            entries: [
                (
                    ["remote_user"],
                    "The caller's name: of one who has proved it, and of nobody else. A key's is its id."
                ),
                (["postern_proof"], "What proved the caller: password, session, key or address."),
                (
                    ["postern_refusal"],
                    "Why the request was refused or given up, as docs/metrics.md lists it; empty if it wasn't."
                ),
                (
                    ["limit_req_status", "limit_conn_status"],
                    "PASSED, DELAYED, REJECTED, or DELAYED_DRY_RUN and REJECTED_DRY_RUN."
                ),
                (["server_name", "server_zone"], "The server's first name."),
                (["hostname"], "The machine's name."),
                (["pid"], "The process's number."),
            ]
        ),
        Family(
            title: "Forwarding",
            entries: [
                (["proxy_add_x_forwarded_for"], "The request's X-Forwarded-For, the client's address behind it."),
                (["proxy_host"], "Name and port as proxy_pass has them."),
                (["proxy_port"], "The port of proxy_pass."),
            ]
        ),
        Family(
            title: "The reply",
            entries: [
                (["status"], "Its status."),
                (["bytes_sent", "body_bytes_sent"], "Bytes sent to the client, with the head and without."),
                (["sent_http_"], "A field of the reply as the client gets it."),
                (["request_time"], "Seconds since the request's first byte, to the millisecond."),
                (["time_local", "time_iso8601", "msec"], "The time of day, in three forms."),
                (["upstream_http_"], "A field of the upstream's reply."),
                (
                    ["upstream_addr", "upstream_status"],
                    "The upstream's server and its status; of each that was tried, with commas between them."
                ),
                (
                    ["upstream_connect_time", "upstream_header_time", "upstream_response_time"],
                    "Seconds until it was connected to, until its head was there, and until the end."
                ),
                (["upstream_response_length"], "Bytes of its body."),
                (["upstream_bytes_received", "upstream_bytes_sent"], "Bytes from it and to it."),
            ]
        ),
    ]
}
