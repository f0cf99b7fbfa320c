import ConfigSyntax
import Limits
import Proxy

/// `limit_req_zone`, or the zone that a native `limit_req rate=…` brings along.
struct ZoneDraft {
    enum Key {
        case address(ipv6PrefixLength: Int)
        case server
        case user
        case template(Word)
    }

    let name: String
    let key: Key
    let capacity: Int
    let rate: LimitRate
    let range: SourceRange
}

extension DirectiveTable {
    /// How many requests pass.
    static let limitReq: [DirectiveSpec] = [
        .run(
            "limit_req_zone",
            "KEY zone=NAME:SIZE rate=RATE [prefix6=BITS]",
            in: .http,
            arguments: 3...5,
            hoistedFrom: [.server, .location],
            help:
                "Counts requests by a key, such as $binary_remote_addr; the least recent keys go when SIZE is used up. "
                + "IPv6 addresses count by their first 64 bits unless prefix6 says otherwise."
        ) { builder, directive in
            let zone = try builder.zone(directive)
            let earlier =
                builder.zones.first { $0.name == zone.name }?.range
                ?? builder.connectionZones.first { $0.name == zone.name }?.range
            if let earlier {
                throw Diagnostic.error(
                    directive.range,
                    "limit_req_zone \"\(zone.name)\" is already bound",
                    hint: "first given at \(earlier.place)"
                )
            }
            builder.zones.append(zone)
        },
        .run(
            "limit_req",
            "zone=NAME [burst=N] [nodelay|delay=N]",
            in: .request,
            arguments: 1...4,
            dialects: .nginx,
            help: "Applies a zone. Requests beyond the rate wait, up to burst of them; with nodelay they pass at once. "
                + "A level that has any takes none from above."
        ) { builder, directive in try builder.addLimit(directive) },
        .run(
            "limit_req",
            "rate=RATE per=ip|server|user [burst=N] [delay=N] [prefix6=BITS] [keys=N]",
            in: .request,
            arguments: 1...6,
            dialects: .native,
            help: "Limits requests: rate=10r/s burst=20 per=ip. Those beyond the rate, up to burst, pass at once. "
                + "Of a rate by hour or day (100r/h, 1000r/d) the whole count may come at once, unless burst says otherwise. "
                + "zone=NAME applies a limit_req_zone instead. A level that has any takes none from above."
        ) { builder, directive in try builder.addLimit(directive) },
        .run(
            "limit_req_status",
            "CODE",
            in: .request,
            default: "503",
            native: "429",
            help: "The status of refused requests.",
            set: DirectiveSpec.integer(\.level.limitStatus, in: 400...599)
        ),
        .run(
            "limit_req_log_level",
            "info|notice|warn|error",
            in: .request,
            default: "error",
            help: "The level at which refused requests are logged.",
            set: DirectiveSpec.choice(
                \.level.limitLogLevel,
                ["info": .info, "notice": .notice, "warn": .warn, "error": .error]
            )
        ),
        .run(
            "limit_req_dry_run",
            "on|off",
            in: .request,
            default: "off",
            help: "Counts and logs, but lets all pass.",
            set: DirectiveSpec.flag(\.level.limitDryRun)
        ),
    ]
}

extension ConfigurationBuilder {
    /// Keys a zone holds for each byte asked for; Nginx's own figure for 64-bit machines.
    private static let bytesPerKey: UInt64 = 128
    /// Bits of an IPv6 address that tell clients apart: what one subscriber is given.
    private static let subscriberBits = 64

    fileprivate func zone(_ directive: Directive) throws -> ZoneDraft {
        let keyWord = directive.first
        var nameAndSize: (name: String, size: UInt64)?
        var rate: LimitRate?
        var prefixLength: Int?
        for word in directive.arguments.dropFirst() {
            let parameter = Parameter(word)
            switch (parameter.key, parameter.value) {
            case ("zone", let value?): nameAndSize = try zoneNameAndSize(value)
            case ("rate", let value?): rate = try limitRate(value, .limitReqZone).limit
            case ("prefix6", let value?): prefixLength = try value.integer(in: 1...128)
            case ("sync", nil): report(.note(word.range, "\"sync\" has no effect", hint: "there is one process"))
            default: throw Diagnostic.unknownParameter(parameter, known: ["zone", "rate", "prefix6"])
            }
        }
        guard let nameAndSize else {
            throw Diagnostic.error(directive.range, "no \"zone\" parameter in \"limit_req_zone\"")
        }
        guard let rate else { throw Diagnostic.error(directive.range, "no \"rate\" parameter in \"limit_req_zone\"") }
        return ZoneDraft(
            name: nameAndSize.name,
            key: zoneKey(keyWord, prefixLength),
            capacity: Int(nameAndSize.size / Self.bytesPerKey),
            rate: rate,
            range: directive.range
        )
    }

    /// `NAME:SIZE`
    func zoneNameAndSize(_ value: Word) throws -> (name: String, size: UInt64) {
        let parts = value.text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw Diagnostic.error(value.range, "invalid zone \"\(value.text)\"", hint: "zone=NAME:SIZE, as api:10m")
        }
        let offset = parts[0].utf8.count + 1
        let sizeWord = Word(text: String(parts[1]), range: value.range(of: offset..<value.text.utf8.count))
        return (String(parts[0]), try sizeWord.size(in: 32768...(1 << 34)))
    }

    func zoneKey(_ word: Word, _ prefixLength: Int?) -> ZoneDraft.Key {
        switch word.text {
        case "$binary_remote_addr", "${binary_remote_addr}", "$remote_addr", "${remote_addr}":
            if dialect == .nginx, prefixLength == nil {
                let hint = "one subscriber has as many; prefix6=128 counts each address, as Nginx does"
                report(.note(word.range, "IPv6 addresses are counted by their first 64 bits", hint: hint))
            }
            return .address(ipv6PrefixLength: prefixLength ?? Self.subscriberBits)
        case "$server_name", "${server_name}", "$server_zone", "${server_zone}": return .server
        case "$remote_user", "${remote_user}": return .user
        default:
            useTemplate(word)
            return .template(word)
        }
    }

    /// Where a rate stands.
    enum RateUse { case limitReqZone, own }

    /// A rate, and the burst that goes with it where none is given: of so many an hour or a day, all may come at once.
    func limitRate(_ word: Word, _ use: RateUse = .own) throws(Diagnostic) -> (limit: LimitRate, burst: UInt32) {
        let rate = try word.value("rate") { text throws(ValueError) in try Rate.parse(text) }
        guard let limit = LimitRate(requests: rate.count, per: rate.period.nanoseconds) else {
            throw .error(word.range, "invalid rate \"\(word.text)\"")
        }
        switch rate.period {
        case .second, .minute: return (limit, 0)
        case .hour, .day:
            guard use == .own else {
                let own = "limit_req rate=\(word.text) per=ip"
                let hint = "r/s or r/m is expected, as in Nginx; in a native file \"\(own)\" counts by hours and days"
                throw .error(word.range, "invalid rate \"\(word.text)\"", hint: hint)
            }
            return (limit, UInt32(rate.count - 1))
        }
    }

    /// Throws if a limit is beyond what can be counted; it would be as good as none.
    func checkLimit(_ rate: LimitRate, burst: UInt32, _ range: SourceRange) throws(Diagnostic) {
        guard LimitRule(rate: rate, burst: burst) == nil else { return }
        throw .error(range, "the burst would take more than a century to drain", hint: "take a smaller one")
    }

    fileprivate func addLimit(_ directive: Directive) throws {
        var zoneName: Word?
        var rate: (limit: LimitRate, burst: UInt32)?
        var per: Word?
        var givenBurst: UInt32?
        // Those who write native files mean what a burst says: so many may come at once.
        var delay: LimitDelay = dialect == .native ? .none : .all
        var prefixLength: Int?
        var capacity: Int?
        for word in directive.arguments {
            let parameter = Parameter(word)
            switch (parameter.key, parameter.value) {
            case ("zone", let value?): zoneName = value
            case ("burst", let value?): givenBurst = UInt32(try value.integer(in: 0...1_000_000))
            case ("nodelay", nil): delay = .none
            case ("delay", let value?): delay = .after(UInt32(try value.integer(in: 0...1_000_000)))
            case ("rate", let value?) where dialect == .native: rate = try limitRate(value)
            case ("per", let value?) where dialect == .native: per = value
            case ("prefix6", let value?) where dialect == .native: prefixLength = try value.integer(in: 1...128)
            case ("keys", let value?) where dialect == .native: capacity = try value.integer(in: 16...100_000_000)
            default:
                let own = dialect == .native ? ["rate", "per", "prefix6", "keys"] : []
                throw Diagnostic.unknownParameter(parameter, known: ["zone", "burst", "nodelay", "delay"] + own)
            }
        }
        let zone: LimitDraft.Zone
        switch (zoneName, rate) {
        case (let name?, nil):
            let isRepeated = level.limits?.contains { limit in
                if case .named(let other) = limit.zone { other.text == name.text } else { false }
            }
            if isRepeated == true { throw Diagnostic.error(directive.range, "\"limit_req\" directive is duplicate") }
            zone = .named(name)
        case (nil, let rate?):
            let key = try ownKey(per, prefixLength)
            let name = "limit_req:\(directive.range.line)"
            zone = .own(zones.count)
            try checkLimit(rate.limit, burst: givenBurst ?? rate.burst, directive.range)
            zones.append(
                ZoneDraft(name: name, key: key, capacity: capacity ?? 65536, rate: rate.limit, range: directive.range)
            )
        case (.some, .some):
            throw Diagnostic.error(directive.range, "\"limit_req\" has both \"zone\" and \"rate\"", hint: "keep one")
        case (nil, nil):
            let hint = dialect == .native ? "limit_req rate=10r/s burst=20 per=ip;" : "limit_req zone=NAME;"
            throw Diagnostic.error(
                directive.range,
                "no \"\(dialect == .native ? "rate" : "zone")\" parameter in \"limit_req\"",
                hint: hint
            )
        }
        let burst = givenBurst ?? rate?.burst ?? 0
        let draft = LimitDraft(zone: zone, burst: burst, delay: delay, range: directive.range)
        level.limits = (level.limits ?? []) + [draft]
    }

    func ownKey(_ per: Word?, _ prefixLength: Int?) throws -> ZoneDraft.Key {
        guard let per, per.text != "ip" else { return .address(ipv6PrefixLength: prefixLength ?? Self.subscriberBits) }
        switch per.text {
        case "server": return .server
        case "user": return .user
        default:
            let hint = "per=ip, per=server or per=user is expected"
            throw Diagnostic.error(per.range, "invalid value \"\(per.text)\"", hint: hint)
        }
    }
}
