extension DemoGateway {
    /// How the gateway behaves. Times are nanoseconds.
    package struct Options: Sendable {
        /// Whom the gateway believes.
        package enum Authentication: Sendable, Equatable {
            /// Anybody.
            case open
            /// Who knows the secret: over HTTP as a Bearer token, over WebSocket in the connect request.
            case token(String)
            /// Whoever `X-Forwarded-User` names.
            case trustedProxy
        }

        /// Which devices may connect over WebSocket.
        package enum Pairing: Sendable, Equatable {
            case notRequired
            /// Devices with other identifiers, or none, are refused.
            case required(devices: Set<String>)
        }

        package var authentication = Authentication.open
        package var pairing = Pairing.notRequired
        /// The Bearer token of `/hooks/…`; nil takes any.
        package var hookToken: String?
        /// Whether an upgrade whose `Origin` isn't the request's host is refused with 403.
        package var checksOrigin = true
        /// Between two tick events.
        package var tickInterval: UInt64 = 15_000_000_000
        /// Between two WebSocket pings.
        package var pingInterval: UInt64 = 25_000_000_000
        /// How long a ping may stay unanswered.
        package var pongTimeout: UInt64 = 50_000_000_000
        /// How long a WebSocket client may take to send its connect request.
        package var connectTimeout: UInt64 = 15_000_000_000
        /// How long a connection may wait for a request, or for the rest of one.
        package var idleTimeout: UInt64 = 75_000_000_000
        /// Between two words of a streamed answer.
        package var wordGap: UInt64 = 60_000_000
        /// Bytes of a WebSocket message after the handshake.
        package var maximumPayload = 26_214_400
        /// Bytes of a WebSocket message before the handshake is done.
        package var maximumHandshake = 65_536
        /// Connections at a time; more wait in the listener's queue.
        package var maximumConnections = 4096

        package init() {}
    }
}
