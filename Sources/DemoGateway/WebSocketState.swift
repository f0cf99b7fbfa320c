import Bytes
import HTTP

/// What the gateway keeps of one WebSocket.
struct WebSocketState {
    enum Stage {
        /// The challenge with this nonce is out; the connect request must come before the deadline.
        case awaitsConnect(nonce: String, deadline: UInt64)
        /// Frames are echoed.
        case open
        /// Our close frame is out, or on its way.
        case closing
    }

    var stage: Stage
    /// Who connects, for the handshake in trusted-proxy mode.
    let user: String?
    var parser: WebSocketFrameParser
    /// The frame that is being read.
    var frame: WebSocketFrame?
    /// The connect request so far, or a control frame's payload.
    var handshake: [UInt8] = []
    var control: [UInt8] = []
    /// Whether the echo is in the middle of a message, where no message of our own may come between.
    var isInMessage = false

    /// Nil without ticks.
    var nextTick: UInt64?
    var tickIsDue = false
    var tickCount = 0
    var nextPing: UInt64
    var pingIsDue = false
    /// When the oldest unanswered ping went out.
    var unansweredSince: UInt64?

    /// When there is something to do, in nanoseconds.
    func nextDeadline(_ options: DemoGateway.Options) -> UInt64 {
        var result = nextPing
        if let nextTick { result = min(result, nextTick) }
        if let unansweredSince { result = min(result, unansweredSince + options.pongTimeout) }
        if case .awaitsConnect(_, let deadline) = stage { result = min(result, deadline) }
        return result
    }
}
