import ConfigSyntax

/// Reasons that several directives share.
private enum Because {
    static let streamed = "bodies are streamed both ways within a bounded buffer; nothing is stored"
    static let loop = "the event loops choose for themselves"
    static let noFiles = "no files are served"
    static let noCache = "nothing is cached"
    static let memory = "memory is taken as needed, within bounds"
    static let noCompression = "replies pass as the upstream sent them; compress there"
    static let kernel = "small writes leave at once and large ones are sent whole"
    static let tables = "tables are sized by what they hold"
    static let passThrough = "replies pass as the upstream sent them"
    static let names = "names are looked up by the system's resolver and again when their time is up"
    static let redirects = "a redirect is sent as it is written"
}

extension DirectiveTable {
    /// Directives that tune what Postern doesn't have. Accepted, and noted with the reason.
    static let harmless: [DirectiveSpec] = tuning + buffering + passing

    private static let tuning: [DirectiveSpec] = [
        .harmless("worker_priority", in: .processWide, "use the service manager's Nice="),
        .harmless(
            "worker_cpu_affinity",
            in: .processWide,
            "the scheduler or the service manager's CPUAffinity= places threads"
        ),
        .harmless("worker_rlimit_core", in: .processWide, "use the service manager's LimitCORE="),
        .harmless("worker_rlimit_sigpending", in: .processWide, Because.loop),
        .harmless("worker_aio_requests", in: .processWide, Because.noFiles),
        .harmless("working_directory", in: .processWide, "use the service manager's WorkingDirectory="),
        .harmless("master_process", in: .processWide, "there is one process, whose loops are threads"),
        .harmless("thread_pool", in: .processWide, Because.noFiles),
        .harmless("timer_resolution", in: .processWide, Because.loop),
        .harmless("pcre_jit", in: .processWide, "no regular expressions are run"),
        .harmless("lock_file", in: .processWide, Because.loop),
        .harmless("env", in: .processWide, "the environment is passed to nothing"),
        .harmless(
            "load_module",
            in: .processWide,
            "there are no modules; what one would add is diagnosed where it is used"
        ),
        .harmless("debug_connection", in: .processWide, "use error_log's level"),
        .harmless("debug_points", in: .processWide, Because.loop),
        .harmless("multi_accept", in: .processWide, Because.loop),
        .harmless("use", in: .processWide, "epoll is what there is"),
        .harmless("accept_mutex", in: .processWide, "every loop has its own listening sockets"),
        .harmless("accept_mutex_delay", in: .processWide, "every loop has its own listening sockets"),
        .harmless("sendfile", Because.noFiles),
        .harmless("sendfile_max_chunk", Because.noFiles),
        .harmless("aio", Because.noFiles),
        .harmless("aio_write", Because.noFiles),
        .harmless("directio", Because.noFiles),
        .harmless("directio_alignment", Because.noFiles),
        .harmless("read_ahead", Because.noFiles),
        .harmless("open_file_cache", Because.noFiles),
        .harmless("open_file_cache_errors", Because.noFiles),
        .harmless("open_file_cache_min_uses", Because.noFiles),
        .harmless("open_file_cache_valid", Because.noFiles),
        .harmless("open_log_file_cache", "a log's path has no variables, so it stays open"),
        .harmless("log_not_found", Because.noFiles),
        .harmless("log_subrequest", "there are no subrequests"),
        .harmless("output_buffers", Because.noFiles),
        .harmless("tcp_nopush", Because.kernel),
        .harmless("tcp_nodelay", Because.kernel),
        .harmless("postpone_output", Because.kernel),
        .harmless("send_lowat", Because.kernel),
        .harmless("reset_timedout_connection", Because.loop),
        .harmless("lingering_close", Because.loop),
        .harmless("lingering_time", Because.loop),
        .harmless("lingering_timeout", Because.loop),
        .harmless("keepalive_disable", "the browsers it was for are gone"),
        .harmless("keepalive_time", in: .request, "keepalive_timeout and keepalive_requests bound a connection's life"),
        .harmless("msie_padding", "the browsers it was for are gone"),
        .harmless("msie_refresh", "the browsers it was for are gone"),
        .harmless("connection_pool_size", Because.memory),
        .harmless("request_pool_size", Because.memory),
        .harmless("subrequest_output_buffer_size", "there are no subrequests"),
        .harmless("server_names_hash_bucket_size", Because.tables),
        .harmless("server_names_hash_max_size", Because.tables),
        .harmless("types_hash_bucket_size", Because.tables),
        .harmless("types_hash_max_size", Because.tables),
        .harmless("variables_hash_bucket_size", Because.tables),
        .harmless("variables_hash_max_size", Because.tables),
        .harmless("map_hash_bucket_size", Because.tables),
        .harmless("map_hash_max_size", Because.tables),
        .harmless("proxy_headers_hash_bucket_size", Because.tables),
        .harmless("proxy_headers_hash_max_size", Because.tables),
        .harmless("resolver", Because.names),
        .harmless("resolver_timeout", Because.names),
        .harmless("zone", in: .upstream, "all loops live in one process"),
        .harmless("http2_max_concurrent_pushes", "nothing is pushed"),
        .harmless("http2_push", "nothing is pushed: browsers have dropped it"),
        .harmless("http2_push_preload", "nothing is pushed: browsers have dropped it"),
        .harmless("http2_recv_buffer_size", "read buffers belong to the loop, and connections share them"),
        .harmless("http2_recv_timeout", "client_header_timeout and client_body_timeout hold"),
        .harmless("http2_idle_timeout", "keepalive_timeout holds"),
        .harmless("http2_max_requests", "keepalive_requests holds"),
        .harmless("http2_max_field_size", "large_client_header_buffers holds"),
        .harmless("http2_max_header_size", "large_client_header_buffers holds"),
        .harmless("ssl_buffer_size", "records are sized by what there is to send"),
        .harmless("ssl_dhparam", "suites with finite-field Diffie-Hellman are not offered"),
        .harmless("ssl_session_ticket_key", "ticket keys are made and changed by Postern; they stay in this process"),
        .harmless("ssl_stapling_responder", "no OCSP responder is asked"),
        .harmless("ssl_stapling_verify", "no OCSP responder is asked"),
    ]

    private static let buffering: [DirectiveSpec] = [
        .harmless("client_body_buffer_size", Because.streamed),
        .harmless("client_body_temp_path", Because.streamed),
        .harmless("client_body_in_single_buffer", Because.streamed),
        .harmless(
            "client_body_in_file_only",
            if: "off",
            (Because.streamed, "bodies are not written to files", "remove it")
        ),
        .harmless("proxy_buffering", Because.streamed),
        .harmless("proxy_buffers", Because.streamed),
        .harmless("proxy_buffer_size", "a response's head may have 64k"),
        .harmless("proxy_busy_buffers_size", Because.streamed),
        .harmless("proxy_request_buffering", Because.streamed),
        .harmless("proxy_max_temp_file_size", Because.streamed),
        .harmless("proxy_temp_file_write_size", Because.streamed),
        .harmless("proxy_temp_path", Because.streamed),
        .harmless("fastcgi_temp_path", Because.streamed),
        .harmless("scgi_temp_path", Because.streamed),
        .harmless("uwsgi_temp_path", Because.streamed),
        .harmless("proxy_force_ranges", Because.passThrough),
        .harmless("proxy_socket_keepalive", "idle connections are closed when their time is up"),
        .harmless("proxy_ignore_headers", "X-Accel-… fields of an upstream are never acted on"),
        .harmless(
            "proxy_ignore_client_abort",
            if: "off",
            (
                "it is what happens anyhow", "a client that goes away cancels its request upstream",
                "remove it; let the upstream keep what must outlive a client"
            )
        ),
        .harmless("proxy_ssl_session_reuse", "sessions with upstreams are resumed where they allow it"),
        .harmless("proxy_ssl_server_name", "the upstream's name is always sent (SNI)"),
        .harmless("proxy_store", if: "off", (Because.noCache, "nothing is stored", "remove it")),
        .harmless("proxy_store_access", Because.noCache),
        .harmless(
            "proxy_cache",
            if: "off",
            (
                Because.noCache, "nothing is cached", "remove it; a gateway's answers are personal"
            )
        ),
        .harmless("proxy_cache_*", Because.noCache),
        .harmless("proxy_no_cache", Because.noCache),
        .harmless(
            "proxy_intercept_errors",
            if: "off",
            (
                Because.passThrough, "an upstream's errors reach the client as they are", "remove it"
            )
        ),
        .harmless(
            "proxy_pass_request_body",
            if: "on",
            (
                "it is what happens anyhow", "bodies are always passed on", "remove it"
            )
        ),
        .harmless(
            "proxy_pass_request_headers",
            if: "on",
            (
                "it is what happens anyhow", "fields are always passed on",
                "set unwanted ones to \"\" by proxy_set_header"
            )
        ),
    ]

    private static let passing: [DirectiveSpec] = [
        .harmless("gzip", Because.noCompression),
        .harmless("gzip_*", Because.noCompression),
        .harmless("gunzip", Because.noCompression),
        .harmless("gunzip_buffers", Because.noCompression),
        .harmless("brotli*", Because.noCompression),
        .harmless("zstd*", Because.noCompression),
        .harmless("types", "replies keep the upstream's Content-Type; a \"return\" text is text/plain"),
        .harmless("charset", "replies keep the upstream's Content-Type"),
        .harmless("charset_map", "replies keep the upstream's Content-Type"),
        .harmless("charset_types", "replies keep the upstream's Content-Type"),
        .harmless("override_charset", "replies keep the upstream's Content-Type"),
        .harmless("source_charset", "replies keep the upstream's Content-Type"),
        .harmless("etag", Because.noFiles),
        .harmless("if_modified_since", Because.noFiles),
        .harmless("max_ranges", Because.passThrough),
        .harmless(
            "chunked_transfer_encoding",
            if: "on",
            (
                "it is what happens anyhow", "HTTP/1.1 needs it for bodies of unknown length", "remove it"
            )
        ),
        .harmless("absolute_redirect", Because.redirects),
        .harmless("port_in_redirect", Because.redirects),
        .harmless("server_name_in_redirect", Because.redirects),
        .harmless(
            "ignore_invalid_headers",
            if: "on",
            (
                "a request with a malformed field gets 400", "a malformed field is never passed on", "remove it"
            )
        ),
        .harmless(
            "ssl",
            if: "off",
            (
                "TLS is said in listen", "Nginx itself has dropped it", "write \"listen 443 ssl;\""
            )
        ),
        .harmless(
            "ssl_early_data",
            if: "off",
            (
                "it is what happens anyhow", "early data can be replayed by anyone who recorded it", "remove it"
            )
        ),
        .harmless(
            "limit_rate",
            if: "0",
            (
                "it is what happens anyhow", "bandwidth limits are not available in this version",
                "limit requests by limit_req"
            )
        ),
        .harmless("limit_rate_after", "it serves limit_rate only"),
        .harmless("auth_delay", "hashing has threads of its own, which shed whoever floods them"),
        .harmless("recursive_error_pages", "error pages are Postern's own"),
        .harmless("rewrite_log", "nothing is rewritten"),
        .harmless("uninitialized_variable_warn", "an unknown variable is an error"),
    ]
}
