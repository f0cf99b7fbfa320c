package import EventLoop

/// Why an attempt at an upstream brought no reply: where in the exchange, and the cause. The status, the log line and its
/// level follow.
package struct UpstreamFailure: Error, Sendable, Equatable {
    /// How far an exchange had come.
    package enum Stage: Sendable, Equatable, CaseIterable {
        /// No peer was chosen yet.
        case choosing
        /// TCP, and TLS where it is used.
        case connecting
        case sendingRequest
        /// The request is out, no byte of a reply has come.
        case waitingForHead
        /// The head has begun to come.
        case readingHead
        /// The head is complete: the client may have part of the reply.
        case afterHead
    }

    package enum Cause: Sendable, Equatable {
        case refused
        case timedOut
        /// A system call failed in another way: reset, unreachable, no descriptors.
        case system(SystemError)
        /// The peer ended the connection too early.
        case closedEarly
        /// The reply's head can't be taken: the reason.
        case badHead(StaticText)
        /// No address is known for the name.
        case unresolved(String)
        /// Every peer is down, resting, full or tried.
        case noLivePeers
        /// The TLS handshake or session failed: the library's words.
        case tls(String)
    }

    package enum Level: Sendable, Equatable { case info, warning, error }

    package let stage: Stage
    package let cause: Cause

    package init(_ cause: Cause, at stage: Stage) {
        self.cause = cause
        self.stage = stage
    }

    /// What the client gets when nothing has been sent to it yet: 504 for a timeout, else 502.
    package var status: Int { cause == .timedOut ? 504 : 502 }

    /// Whether the connection broke off, as against a timeout or a reply that came but is wrong.
    package var isBreak: Bool {
        switch cause {
        case .refused, .system, .closedEarly, .tls: true
        case .timedOut, .badHead, .unresolved, .noLivePeers: false
        }
    }

    /// Whether the peer is to blame, so that it counts toward `max_fails`.
    package var countsAgainstPeer: Bool {
        switch cause {
        case .unresolved, .noLivePeers: false
        case .refused, .timedOut, .system, .closedEarly, .badHead, .tls: stage != .choosing
        }
    }

    /// Whether the name should be looked up anew: the peer can't be reached where it was.
    package var suggestsRefresh: Bool { stage == .connecting && (isBreak || cause == .timedOut) }

    package var level: Level {
        switch cause {
        case .closedEarly where stage == .afterHead: .warning
        default: .error
        }
    }

    /// A number for each sort of failure: of one stage and cause, whatever the details.
    package var sort: Int {
        let cause =
            switch self.cause {
            case .refused: 0
            case .timedOut: 1
            case .system: 2
            case .closedEarly: 3
            case .badHead: 4
            case .unresolved: 5
            case .noLivePeers: 6
            case .tls: 7
            }
        return cause * Stage.allCases.count + (Stage.allCases.firstIndex(of: stage) ?? 0)
    }

    /// One line for the error log, without the peer's address. Allocates.
    package var text: String {
        let what =
            switch cause {
            case .refused: "connection refused"
            case .timedOut: "upstream timed out"
            case .system(let error): error.description
            case .closedEarly: "upstream closed the connection too early"
            case .badHead(let reason): "upstream sent a reply that can't be forwarded (\(reason))"
            case .unresolved(let name): "no address is known for host \"\(name)\""
            case .noLivePeers: "no live upstreams"
            case .tls(let words): "TLS with the upstream failed (\(words))"
            }
        return "\(what) while \(stage.text)"
    }
}

extension UpstreamFailure.Stage {
    /// Completes "… while".
    var text: String {
        switch self {
        case .choosing: "choosing a server"
        case .connecting: "connecting to upstream"
        case .sendingRequest: "sending the request to upstream"
        case .waitingForHead: "waiting for upstream's reply"
        case .readingHead: "reading the head of upstream's reply"
        case .afterHead: "reading upstream's reply"
        }
    }
}

/// A literal text that can be compared.
package struct StaticText: Sendable, Equatable, ExpressibleByStringLiteral, CustomStringConvertible {
    private let value: StaticString

    package init(_ value: StaticString) { self.value = value }
    package init(stringLiteral value: StaticString) { self.value = value }

    package var description: String { value.description }

    package static func == (left: StaticText, right: StaticText) -> Bool {
        left.value.description == right.value.description
    }
}
