package import TLS
package import Upstream

/// `proxy_pass` and what shapes the request on its way up and the response on its way down.
package struct ProxyPass: Sendable {
    /// Index into `ProxyConfiguration.upstreams`.
    package var upstream: Int
    /// Settings for speaking TLS to the upstream, or nil for plain HTTP.
    package var tls: ClientTLSSettings?
    /// The name for SNI and the certificate (`proxy_ssl_name`); nil for the host of `authority`.
    package var tlsName: String?
    /// `host[:port]` as written, for `$proxy_host` and `$proxy_port`.
    package var authority: String
    /// Replaces the part of the normalized path that the location matched, when `proxy_pass` has a path; nil: target as it came.
    package var replacementPath: [UInt8]?
    /// Minor version spoken upstream: 0 or 1. Version 0 closes after each request.
    package var minorVersion = 1
    /// `proxy_set_header`, complete with defaults (`Host`, `Connection`); an empty value removes the field.
    package var requestFields: [RequestFieldRule] = []
    /// Native: X-Forwarded-For/-Proto/-Host, X-Real-IP are set by Postern itself, the client's own dropped.
    package var setsForwardedFields = false
    /// Names in lower case that don't reach the client (`proxy_hide_header` and the defaults less `proxy_pass_header`).
    package var hiddenFields: [[UInt8]] = []
    package var redirects: [RedirectRule] = []
    package var retry = RetryPolicy()
    /// nanoseconds
    package var connectTimeout: UInt64 = 60_000_000_000
    /// Between two writes; nanoseconds.
    package var sendTimeout: UInt64 = 60_000_000_000
    /// Between two reads; nanoseconds.
    package var readTimeout: UInt64 = 60_000_000_000
    /// Whether `readTimeout` holds for upgraded connections too (Nginx), or only TCP keep-alive does (native).
    package var timesUpgraded = true
    /// Whether `Upgrade: websocket` is passed though no rule sets it.
    package var passesUpgrade = true

    package init(upstream: Int, authority: String) {
        self.upstream = upstream
        self.authority = authority
    }
}

/// `proxy_set_header NAME VALUE`
package struct RequestFieldRule: Sendable, Equatable {
    package var name: [UInt8]
    package var value: Template

    package init(name: [UInt8], value: Template) {
        self.name = name
        self.value = value
    }
}

/// `proxy_redirect FROM TO`: a `Location` or `Refresh` that begins with `from` gets `replacement` in its place.
package struct RedirectRule: Sendable, Equatable {
    package var from: [UInt8]
    package var replacement: Template

    package init(from: [UInt8], replacement: Template) {
        self.from = from
        self.replacement = replacement
    }
}
