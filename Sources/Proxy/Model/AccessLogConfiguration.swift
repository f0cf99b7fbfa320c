/// A file that requests are written to.
package struct AccessLogConfiguration: Sendable, Equatable {
    package enum Destination: Sendable, Hashable {
        case file(String)
        case standardOutput
        case standardError
    }

    package enum Escape: Sendable, Equatable, BitwiseCopyable {
        /// `"`, `\` and what isn't printable ASCII as `\xXX`.
        case standard
        /// JSON string rules; invalid UTF-8 replaced.
        case json
        /// As it is, but for control characters, which could forge a line.
        case none
    }

    package var destination: Destination
    package var format: Template
    package var escape: Escape

    package init(destination: Destination, format: Template, escape: Escape) {
        self.destination = destination
        self.format = format
        self.escape = escape
    }
}

/// A log that a location writes to.
package struct AccessLogUse: Sendable, Equatable {
    /// Index into `ProxyConfiguration.accessLogs`.
    package var log: Int
    /// Write only when this is neither empty nor `0` (`if=`).
    package var condition: Template?

    package init(log: Int, condition: Template? = nil) {
        self.log = log
        self.condition = condition
    }
}
