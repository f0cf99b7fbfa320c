/// What a loop begins in one turn, of all that clients can ask for in great numbers at once.
///
/// The rest goes on in the next turn, after a look at the poller: so others wait for a turn that is short, however many
/// want something at the time.
///
/// Each figure is about two milliseconds' work. Where one of many connections may have a share, it gets at least a
/// little, and those that waited already are counted first: none starves.
struct TurnBudget: Sendable {
    /// Requests of HTTP/2, of all connections; one that needs a new connection to its upstream counts for several.
    static let requests = 128
    /// Requests that one connection may begin in a turn, at the most and at the least.
    static let requestsOfConnection = 2...32
    /// What a new connection to an upstream costs beside its request, and what a head that is refused does: its log line,
    /// and often more fields than a request may have.
    static let connect = 3, refusal = 3
    /// Steps of TLS handshakes, and beginnings of HTTP/2 without TLS. A step that signs with RSA takes more than half
    /// a millisecond.
    static let handshakes = 8
    /// Connections taken from all listeners, and those taken from each at least.
    static let accepts = 16, acceptsOfListener = 4
    /// Waits of clients and upstreams that are over, and those that are seen to however many streams end.
    static let expirations = 32, expirationsAtLeast = 4
    /// Streams of HTTP/2 that end because their connection does. One connection's go all at once, so a turn may see more.
    static let endings = 64

    private var requestsLeft = Self.requests
    private var handshakesLeft = Self.handshakes
    private var acceptsLeft = Self.accepts
    private var expirationsLeft = Self.expirations
    private var endingsLeft = Self.endings
    /// Connections that were left over from the last turn and haven't had theirs in this one.
    private var waiting = 0
    /// Whether handshakes wait that are older than what the poller tells of.
    private var handshakesWait = false

    /// A turn begins, with so many connections left over from the last.
    mutating func renew(waiting: Int) {
        requestsLeft = Self.requests
        handshakesLeft = Self.handshakes
        acceptsLeft = Self.accepts
        expirationsLeft = Self.expirations
        endingsLeft = Self.endings
        self.waiting = waiting
    }

    /// The events are dealt with: from here on connections have their turn in the order in which they came to wait.
    mutating func beginWaiting() {
        handshakesWait = false
        // However many connections end at the events, those that waited go on.
        endingsLeft = Self.endings
    }

    /// Another of those that waited has its turn.
    mutating func waitingHasTurn() { if waiting > 0 { waiting -= 1 } }

    // MARK: Requests

    /// How many requests a connection may begin in this turn: as many as are left for each of those that wait.
    func requestShare() -> Int {
        let bounds = Self.requestsOfConnection
        return min(max(requestsLeft / (waiting + 1), bounds.lowerBound), bounds.upperBound)
    }

    mutating func takeRequests(_ count: Int) { requestsLeft -= count }

    // MARK: Handshakes

    /// Whether a handshake may take a step; if not, it waits for its turn. `isNew` when it hasn't waited.
    mutating func takeHandshake(isNew: Bool) -> Bool {
        guard handshakesLeft > 0, !(isNew && handshakesWait) else {
            handshakesWait = true
            return false
        }
        handshakesLeft -= 1
        return true
    }

    // MARK: Connections

    /// How many connections may be accepted from a listener that has some.
    func acceptShare() -> Int { max(acceptsLeft, Self.acceptsOfListener) }

    mutating func takeAccept() { acceptsLeft -= 1 }

    // MARK: Ends

    /// Whether another connection of HTTP/2 may be read from: that can end it and its streams.
    var hasEndings: Bool { endingsLeft > 0 }

    mutating func takeEnding() { endingsLeft -= 1 }

    // MARK: Time

    /// Whether another wait that is over may be seen to.
    var hasExpirations: Bool {
        expirationsLeft > (hasEndings ? 0 : Self.expirations - Self.expirationsAtLeast)
    }

    mutating func takeExpiration() { expirationsLeft -= 1 }
}
