import Bytes
package import Limits

/// Which paths a location is for.
package enum LocationMatch: Sendable, Equatable {
    /// `location = /path`
    case exact([UInt8])
    /// `location /path` and `location ^~ /path`
    case prefix([UInt8])

    package var path: [UInt8] {
        switch self {
        case .exact(let path), .prefix(let path): path
        }
    }
}

/// Everything that holds for the requests of one location, inherited values resolved.
package struct LocationConfiguration: Sendable {
    package var match: LocationMatch
    /// What makes the answer when no earlier phase did.
    package var handler = Handler.notFound
    /// Runs before limits and access, as Nginx's rewrite phase does.
    package var returnRule: ReturnRule?
    package var limits: [LimitUse] = []
    package var limitStatus = 503
    package var limitLogLevel = ErrorLogSettings.Level.error
    package var limitIsDryRun = false
    /// At most `ConnectionLimitUse.maximumCount`.
    package var connectionLimits: [ConnectionLimitUse] = []
    package var connectionLimitStatus = 503
    package var connectionLimitLogLevel = ErrorLogSettings.Level.error
    package var connectionLimitIsDryRun = false
    /// In order; the first that fits decides. None fits: allowed.
    package var addressRules: [AddressRule] = []
    package var basicAuth: BasicAuth?
    /// `satisfy any`: an address rule or a login suffices.
    package var satisfiesAny = false
    package var identity = IdentityRules()
    /// What pages of other origins may have browsers do here.
    package var crossSite = CrossSiteRule.allowed
    package var responseFields: [ResponseFieldRule] = []
    /// The Content-Type of a return's text.
    package var defaultType = Array("text/plain".utf8)
    /// Sends `Server: postern` (`server_tokens on`: with the version).
    package var showsServerVersion = false
    package var accessLogs: [AccessLogUse] = []
    /// Bytes a request's body may have; nil for no bound (`client_max_body_size 0`).
    package var largestBody: UInt64? = 1 << 20
    /// Between two reads of a request's body; nanoseconds.
    package var bodyTimeout: UInt64 = 60_000_000_000
    /// Between two writes to the client; nanoseconds.
    package var sendTimeout: UInt64 = 60_000_000_000
    /// Of a client that sends a body.
    package var bodyRate = MinimumRate()
    /// Of a client that reads a reply, unless that is an event stream.
    package var sendRate = MinimumRate()

    package init(match: LocationMatch) { self.match = match }

    package enum Handler: Sendable {
        case notFound
        case proxy(ProxyPass)
        /// `health /path`: `healthy\n`, without limits, access or log.
        case health
        /// `metrics`
        case metrics
        /// `stub_status`
        case stubStatus
    }
}

/// `return CODE [TEXT | URL]`
package struct ReturnRule: Sendable, Equatable {
    package var status: Int
    /// The body, or the URL when `status` is a redirect (301, 302, 303, 307, 308). nil for an empty or the standard body.
    package var text: Template?

    package init(status: Int, text: Template?) {
        self.status = status
        self.text = text
    }

    package var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }
}

/// `allow` or `deny`.
package struct AddressRule: Sendable, Equatable {
    package enum Subject: Sendable, Equatable {
        case all
        case range(AddressRange)
        case unixSockets
    }

    package var isAllowed: Bool
    package var subject: Subject

    package init(isAllowed: Bool, subject: Subject) {
        self.isAllowed = isAllowed
        self.subject = subject
    }
}

/// `auth_basic` with its file.
package struct BasicAuth: Sendable, Equatable {
    package var realm: Template
    /// Index into `ProxyConfiguration.passwordFiles`.
    package var file: Int

    package init(realm: Template, file: Int) {
        self.realm = realm
        self.file = file
    }
}

/// A field that is added to a response.
package struct ResponseFieldRule: Sendable, Equatable {
    package var name: [UInt8]
    package var value: Template
    /// On every status; else only on 200, 201, 204, 206, 301, 302, 303, 304, 307 and 308.
    package var isAlways: Bool
    /// Takes the place of an upstream's field of that name instead of standing beside it.
    package var replaces: Bool

    package init(name: [UInt8], value: Template, isAlways: Bool, replaces: Bool = false) {
        self.name = name
        self.value = value
        self.isAlways = isAlways
        self.replaces = replaces
    }

    /// Whether two rules set one field; letter case doesn't count.
    func hasName(of other: ResponseFieldRule) -> Bool { name.span.equalsIgnoringCase(other.name.span) }
}

/// A limit zone: what is counted, and how much of it is kept.
package struct LimitZone: Sendable, Equatable {
    package enum Key: Sendable, Equatable {
        /// The client's address, IPv6 cut to a prefix of so many bits.
        case address(ipv6PrefixLength: Int)
        /// The virtual server.
        case server
        /// The proved user; a request without one isn't counted.
        case user
        /// Any text; an empty one isn't counted. Longer than 255 bytes: hashed whole.
        case template(Template)
    }

    package var name: String
    package var key: Key
    /// Keys remembered at the most; the least recent goes first.
    package var capacity: Int
    package var rate: LimitRate

    package init(name: String, key: Key, capacity: Int, rate: LimitRate) {
        self.name = name
        self.key = key
        self.capacity = capacity
        self.rate = rate
    }
}

/// A zone applied to a location.
package struct LimitUse: Sendable, Equatable {
    /// Index into `ProxyConfiguration.limitZones`.
    package var zone: Int
    package var burst: UInt32
    package var delay: LimitDelay

    package init(zone: Int, burst: UInt32, delay: LimitDelay) {
        self.zone = zone
        self.burst = burst
        self.delay = delay
    }
}
