import ConfigSyntax

private let files = "Postern serves no files"
private let letUpstream = "let the gateway serve them, and proxy_pass to it"
private let protocols = "only HTTP upstreams are spoken to"
private let scripts = "there is no scripting"

extension DirectiveTable {
    /// Directives whose absence would change what a configuration means, with what to write in their place.
    static let refused: [DirectiveSpec] = [
        .refused(
            "if",
            "decisions stand in locations, maps and access rules, which can be checked when they are loaded",
            instead: "use location, map, allow and deny, or a server of its own for a host name"
        ),
        .refused(
            "rewrite",
            "paths are never rewritten, so that rules and gateway see the same one",
            instead: "use \"return 301 URL;\" for a redirect, or a path in proxy_pass to replace a prefix"
        ),
        .refused("set", "variables have one meaning for a whole request", instead: "write the value, or use map"),
        .refused("break", "nothing is rewritten", instead: "remove it"),
        .refused("root", files, instead: letUpstream),
        .refused("alias", files, instead: letUpstream),
        .refused("try_files", files, instead: "use proxy_pass; the gateway decides what exists"),
        .refused("index", files, instead: letUpstream),
        .refused("autoindex*", files, instead: letUpstream),
        .refused("random_index", files, instead: letUpstream),
        .refused(
            "error_page",
            "errors are answered with a short text or JSON",
            instead: "remove it, or \"return\" a redirect"
        ),
        .refused("internal", "there are no internal redirects", instead: "use \"deny all;\" to close a location"),
        .refused("limit_except", "rules don't depend on the method", instead: "let the gateway refuse methods"),
        .refused("expires", "caching fields are not computed", instead: "add_header Cache-Control \"max-age=…\";"),
        .refused("add_trailer", "trailers pass as the upstream sends them", instead: "use add_header"),
        .refused(
            "more_*",
            "the module is not part of Postern",
            instead: "use add_header, proxy_hide_header, proxy_set_header"
        ),
        .refused("fastcgi_*", protocols, instead: "put an HTTP server in front of the application"),
        .refused("uwsgi_*", protocols, instead: "let uWSGI speak HTTP (--http-socket)"),
        .refused("scgi_*", protocols, instead: "put an HTTP server in front of the application"),
        .refused("grpc_*", protocols, instead: "keep gRPC services on Nginx"),
        .refused("memcached_*", protocols, instead: "remove it"),
        .refused("auth_request*", "no other server is asked who may pass", instead: "use auth_basic"),
        .refused("auth_jwt*", "tokens are not checked in this version", instead: "use auth_basic"),
        .refused("secure_link*", "signed links are not checked", instead: "use auth_basic"),
        .refused("valid_referers", "a Referer proves nothing", instead: "use auth_basic"),
        .refused("access_by_*", scripts, instead: "use allow, deny and auth_basic"),
        .refused(
            "ssl_ocsp*",
            "no OCSP responder is asked",
            instead: "name revoked certificates in ssl_crl"
        ),
        .refused(
            "ssl_password_file",
            "keys with a passphrase can't be read again when they change",
            instead: "store the key without one, readable by Postern's user only: openssl pkey -in KEY -out NEW"
        ),
        .refused("ssl_engine", "keys are read from files", instead: "name a PEM file in ssl_certificate_key"),
        .refused("sub_filter*", "bodies are never changed", instead: "change it in the gateway"),
        .refused("addition_*", "bodies are never changed", instead: "change it in the gateway"),
        .refused("add_before_body", "bodies are never changed", instead: "change it in the gateway"),
        .refused("add_after_body", "bodies are never changed", instead: "change it in the gateway"),
        .refused("image_filter*", "bodies are never changed", instead: "change it in the gateway"),
        .refused("xslt_*", "bodies are never changed", instead: "change it in the gateway"),
        .refused("ssi*", "bodies are never changed", instead: "change it in the gateway"),
        .refused("js_*", scripts, instead: "remove it"),
        .refused("lua_*", scripts, instead: "remove it"),
        .refused("content_by_lua*", scripts, instead: "remove it"),
        .refused("rewrite_by_lua*", scripts, instead: "remove it"),
        .refused("header_filter_by_lua*", scripts, instead: "use add_header"),
        .refused("perl*", scripts, instead: "remove it"),
        .refused("modsecurity*", "request bodies are not inspected", instead: "keep the firewall in front of Postern"),
        .refused("stream", "only HTTP is proxied", instead: "keep TCP and UDP services on Nginx"),
        .refused("mail", "only HTTP is proxied", instead: "keep mail services on Nginx"),
        .refused("dav_*", files, instead: letUpstream),
        .refused("create_full_put_path", files, instead: letUpstream),
        .refused("split_clients", "requests are not split by chance", instead: "use weights in upstream"),
        .refused("geo", "maps by address are not available in this version", instead: "use allow and deny"),
        .refused("geoip*", "there is no address database", instead: "use allow and deny"),
        .refused("mirror*", "a request goes to one upstream", instead: "remove it"),
        .refused("slice", "nothing is cached", instead: "remove it"),
        .refused("mp4*", files, instead: letUpstream),
        .refused("flv", files, instead: letUpstream),
        .refused("hls*", files, instead: letUpstream),
        .refused("empty_gif", files, instead: "return 204;"),
        .refused("userid*", "no tracking cookies are set", instead: "remove it"),
        .refused("status_zone", "it is not available in this version", instead: "remove it"),
        .refused("api", "it is not available in this version", instead: "remove it"),
        .refused("ip_hash", "balancing by address is not available", instead: "use one server, or least_conn"),
        .refused("hash", "balancing by a key is not available", instead: "use one server, or least_conn"),
        .refused(
            "random",
            "balancing by chance is not available",
            instead: "use least_conn, or nothing for round robin"
        ),
        .refused("sticky*", "balancing by a cookie is not available", instead: "use one server"),
        .refused("queue", "requests don't wait for a server", instead: "remove it"),
        .refused("ntlm", "connections to upstreams are shared by clients", instead: "remove it"),
        .refused(
            "proxy_cookie_domain",
            "cookies pass as the gateway sets them",
            instead: "set the domain in the gateway"
        ),
        .refused("proxy_cookie_path", "cookies pass as the gateway sets them", instead: "set the path in the gateway"),
        .refused(
            "proxy_cookie_flags",
            "cookies pass as the gateway sets them",
            instead: "set the flags in the gateway"
        ),
        .refused("proxy_bind", "the kernel chooses the address to connect from", instead: "set a route"),
        .refused("proxy_method", "the method is the client's", instead: "remove it"),
        .refused("proxy_set_body", "bodies are never changed", instead: "remove it"),
        .refused("proxy_limit_rate", "bandwidth limits are not available in this version", instead: "remove it"),
        .refused(
            "proxy_ssl_crl",
            "revocation lists are not read",
            instead: "take the authority out of the trusted ones"
        ),
        .refused(
            "proxy_ssl_conf_command",
            "it is not available",
            instead: "use proxy_ssl_protocols and proxy_ssl_ciphers"
        ),
        .refused(
            "proxy_ssl_password_file",
            "keys with a passphrase are not read",
            instead: "store the key without one"
        ),
        .refused("quic_*", "HTTP/3 is not supported", instead: "remove it; clients take HTTP/2"),
        .refused("http3*", "HTTP/3 is not supported", instead: "remove it; clients take HTTP/2"),
        .refused("otel_*", "traces are not sent in this version", instead: "pass $request_id by proxy_set_header"),
        .refused(
            "opentracing*",
            "traces are not sent in this version",
            instead: "pass $request_id by proxy_set_header"
        ),
    ]
}
