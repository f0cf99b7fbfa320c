import HTTP
import Upstream

/// One cell of a loop's counters. Those that every request moves come first, so that they share cache lines.
///
/// The numbers are places in memory and of this process only: they may change from one release to the next.
struct Counter: BitwiseCopyable, Sendable {
    let index: Int

    @inline(__always)
    private init(_ index: Int) { self.index = index }

    // MARK: Of every request

    /// Requests whose first byte has come.
    static var begun: Counter { Counter(0) }
    /// Bytes read from clients and written to them, TLS's own left out.
    static var bytesReceived: Counter { Counter(1) }
    static var bytesSent: Counter { Counter(2) }

    /// Requests whose head is complete, or could not be read.
    @inline(__always)
    static func requests(isStream: Bool) -> Counter { Counter(isStream ? 10 : 3) }

    /// Requests that have ended, by their status' hundreds; 0 for what is none of 100 to 599.
    @inline(__always)
    static func ended(status: Int, isStream: Bool) -> Counter {
        // Most are of the 200s; only the others are worth a division.
        let isGood = UInt(bitPattern: status &- 200) < 100
        return Counter((isStream ? 11 : 4) &+ (isGood ? 2 : hundreds(status)))
    }

    @inline(never)
    private static func hundreds(_ status: Int) -> Int { status < 600 ? status / 100 : 0 }

    // MARK: Connections

    static var accepted: Counter { Counter(20) }
    /// Accepted and not refused at once.
    static var handled: Counter { Counter(21) }
    /// Handled and closed since.
    static var closed: Counter { Counter(22) }
    /// How many are not ready for a request yet: a handshake or the PROXY protocol's header is under way.
    static var settingUp: Counter { Counter(23) }
    /// How many are ended on our side and wait for the client's end.
    static var lingering: Counter { Counter(24) }
    /// How many speak HTTP/2 and have a stream under way.
    static var busySessions: Counter { Counter(25) }
    /// Requests whose client left or was dropped before the head was complete.
    static var abandoned: Counter { Counter(26) }
    static var fullHandshakes: Counter { Counter(27) }
    static var resumedHandshakes: Counter { Counter(28) }
    static var failedHandshakes: Counter { Counter(29) }
    static var eventStreams: Counter { Counter(30) }
    static var openEventStreams: Counter { Counter(31) }
    static func webSockets(isStream: Bool) -> Counter { Counter(isStream ? 33 : 32) }
    static func openWebSockets(isStream: Bool) -> Counter { Counter(isStream ? 35 : 34) }
    /// Streams that we reset because of something wrong with them.
    static var brokenStreams: Counter { Counter(36) }
    /// Streams that found no room.
    static var refusedStreams: Counter { Counter(37) }
    /// Sessions of HTTP/2.
    static var sessions: Counter { Counter(38) }
    /// Requests for which no upstream connection had room.
    static var crowdedUpstreams: Counter { Counter(39) }
    /// WebSockets and event streams that were ended because their caller is let in no more.
    static var evictedStreams: Counter { Counter(50) }

    /// Requests that have ended, by what proved their caller; not for `none`.
    @inline(__always)
    static func proved(by proof: Principal.Proof) -> Counter { Counter(proofs &+ Int(proof.rawValue)) }

    // MARK: By cause

    /// Why a connection is closed before it could say anything.
    enum Rejection: UInt8, CaseIterable {
        case clientMaxConnections, proxyProtocolUntrusted, proxyProtocolInvalid, failure
    }
    /// Why accepting pauses.
    enum Pause: UInt8, CaseIterable { case workerConnections, descriptors }
    /// What a client took too long for.
    enum Wait: UInt8, CaseIterable { case proxyProtocol, tlsHandshake, request, head, body, reply, websocket }
    /// What a client did slower than the least rate.
    enum Rate: UInt8, CaseIterable { case body, reply }

    private static var rejections: Int { 40 }
    /// That of `none` is a rejection's, and never used.
    private static var proofs: Int { 43 }
    private static var pauses: Int { 48 }
    private static var waits: Int { 52 }
    private static var rates: Int { 60 }
    private static var refusals: Int { 64 }
    private static var sessionEnds: Int { 128 }
    private static var malformed: Int { 160 }
    /// Cells of one loop.
    static var count: Int { 224 }

    static func rejected(_ cause: Rejection) -> Counter { Counter(rejections + Int(cause.rawValue)) }
    static func paused(_ cause: Pause) -> Counter { Counter(pauses + Int(cause.rawValue)) }
    static func timedOut(_ wait: Wait) -> Counter { Counter(waits + Int(wait.rawValue)) }
    static func tooSlow(_ rate: Rate) -> Counter { Counter(rates + Int(rate.rawValue)) }
    static func refused(_ refusal: Refusal) -> Counter { Counter(refusals + Int(refusal.rawValue)) }
    static func sessionEnded(_ kind: HTTP2Error.Kind) -> Counter { Counter(sessionEnds + Int(kind.rawValue)) }
    /// A head that can't be taken.
    static func malformed(_ error: HeadError) -> Counter {
        Counter(malformed + 1 + (HeadError.allCases.firstIndex(of: error) ?? 0))
    }
    /// A body whose chunks can't be read.
    static var malformedBody: Counter { Counter(malformed) }

    // MARK: Of one upstream, which has cells of its own

    /// Attempts to send a request to a server of it, repeated ones included.
    static var attempts: Counter { Counter(0) }
    /// Attempts that followed another one of the same request.
    static var retries: Counter { Counter(1) }
    /// Connections asked for.
    static var connects: Counter { Counter(2) }

    /// Why an attempt failed.
    enum Failure: UInt8, CaseIterable {
        case refused, timedOut, reset, system, closedEarly, badReply, unresolved, noLiveServers, tls
    }

    static func failed(_ cause: Failure) -> Counter { Counter(3 + Int(cause.rawValue)) }
    /// Cells of one upstream.
    static var upstreamCount: Int { 16 }
}

extension Refusal: CaseIterable {
    static let allCases = (0..<UInt8.max).compactMap { Refusal(rawValue: $0) }.filter { $0 != .none }
}
