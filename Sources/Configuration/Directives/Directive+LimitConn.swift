import ConfigSyntax
import Limits
import Proxy

/// `limit_conn_zone`, or the zone that a native `limit_conn COUNT per=…` brings along.
struct ConnectionZoneDraft {
    let name: String
    let key: ZoneDraft.Key
    let capacity: Int
    let range: SourceRange
}

/// `limit_conn`: a use of a zone.
struct ConnectionLimitDraft {
    let zone: LimitDraft.Zone
    let count: UInt32
    let range: SourceRange
}

extension DirectiveTable {
    /// How many requests and connections there may be at the same time.
    static let limitConn: [DirectiveSpec] = [
        .run(
            "limit_conn_zone",
            "KEY zone=NAME:SIZE [prefix6=BITS]",
            in: .http,
            arguments: 2...3,
            hoistedFrom: [.server, .location],
            help:
                "Counts the requests under way by a key, such as $binary_remote_addr; one more key than SIZE holds is "
                + "refused. IPv6 addresses count by their first 64 bits unless prefix6 says otherwise."
        ) { builder, directive in
            let zone = try builder.connectionZone(directive)
            let earlier =
                builder.connectionZones.first { $0.name == zone.name }?.range
                ?? builder.zones.first { $0.name == zone.name }?.range
            if let earlier {
                throw Diagnostic.error(
                    directive.range,
                    "limit_conn_zone \"\(zone.name)\" is already bound",
                    hint: "first given at \(earlier.place)"
                )
            }
            builder.connectionZones.append(zone)
        },
        .run(
            "limit_conn",
            "ZONE COUNT",
            in: .request,
            arguments: 2...2,
            dialects: .nginx,
            help:
                "Lets so many requests of a zone's key be under way at once, an upgraded connection for as long as it "
                + "lasts. A level that has any takes none from above."
        ) { builder, directive in try builder.addConnectionLimit(directive) },
        .run(
            "limit_conn",
            "COUNT per=ip|server|user [prefix6=BITS] [keys=N]",
            in: .request,
            arguments: 2...4,
            dialects: .native,
            help:
                "Lets so many requests be under way at once: limit_conn 20 per=ip. An upgraded connection counts for as "
                + "long as it lasts. ZONE COUNT applies a limit_conn_zone instead. A level that has any takes none from above."
        ) { builder, directive in try builder.addConnectionLimit(directive) },
        .run(
            "limit_conn_status",
            "CODE",
            in: .request,
            default: "503",
            native: "429",
            help: "The status of requests that limit_conn refuses.",
            set: DirectiveSpec.integer(\.level.connectionLimitStatus, in: 400...599)
        ),
        .run(
            "limit_conn_log_level",
            "info|notice|warn|error",
            in: .request,
            default: "error",
            help: "The level at which requests that limit_conn refuses are logged.",
            set: DirectiveSpec.choice(
                \.level.connectionLimitLogLevel,
                ["info": .info, "notice": .notice, "warn": .warn, "error": .error]
            )
        ),
        .run(
            "limit_conn_dry_run",
            "on|off",
            in: .request,
            default: "off",
            help: "Counts and logs, but lets all pass.",
            set: DirectiveSpec.flag(\.level.connectionLimitDryRun)
        ),
        .run(
            "client_max_connections",
            "COUNT per=ip [prefix6=BITS]|off",
            in: [.http, .server],
            arguments: 1...3,
            default: "off",
            native: "256 per=ip",
            help:
                "Connections that one address may have open, over all sockets and whatever they do; one more is closed at "
                + "once. Peers in set_real_ip_from and unix sockets are not counted, but whom a balancer names by the "
                + "PROXY protocol. IPv6 addresses count by their first 64 bits unless prefix6 says otherwise. Clients behind one "
                + "NAT, or Docker's userland proxy, share an address: raise it there, or turn it off."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.clientConnections?.range, directive)
            builder.level.clientConnections = Setting(try builder.clientConnections(directive), directive.range)
        },
    ]
}

extension ConfigurationBuilder {
    /// Nginx's figure for a key on 64-bit machines.
    private static let bytesPerCount: UInt64 = 64

    fileprivate func connectionZone(_ directive: Directive) throws -> ConnectionZoneDraft {
        var nameAndSize: (name: String, size: UInt64)?
        var prefixLength: Int?
        for word in directive.arguments.dropFirst() {
            let parameter = Parameter(word)
            switch (parameter.key, parameter.value) {
            case ("zone", let value?): nameAndSize = try zoneNameAndSize(value)
            case ("prefix6", let value?): prefixLength = try value.integer(in: 1...128)
            default: throw Diagnostic.unknownParameter(parameter, known: ["zone", "prefix6"])
            }
        }
        guard let nameAndSize else {
            throw Diagnostic.error(directive.range, "no \"zone\" parameter in \"limit_conn_zone\"")
        }
        return ConnectionZoneDraft(
            name: nameAndSize.name,
            key: zoneKey(directive.first, prefixLength),
            capacity: Int(nameAndSize.size / Self.bytesPerCount),
            range: directive.range
        )
    }

    fileprivate func addConnectionLimit(_ directive: Directive) throws {
        let present = level.connectionLimits ?? []
        if present.count == ConnectionLimitUse.maximumCount {
            let message = "more than \(ConnectionLimitUse.maximumCount) \"limit_conn\" at one level"
            throw Diagnostic.error(directive.range, message)
        }
        let draft =
            dialect == .native && directive.first.text.utf8.allSatisfy { $0 &- 0x30 < 10 }
            ? try ownConnectionLimit(directive) : try namedConnectionLimit(directive, present)
        level.connectionLimits = present + [draft]
    }

    /// `limit_conn ZONE COUNT`
    private func namedConnectionLimit(
        _ directive: Directive,
        _ present: [ConnectionLimitDraft]
    ) throws -> ConnectionLimitDraft {
        guard directive.arguments.count == 2 else {
            let hint = "limit_conn 20 per=ip;"
            throw Diagnostic.error(directive.range, "invalid number of arguments in \"limit_conn\"", hint: hint)
        }
        let name = directive.first
        let isRepeated = present.contains { limit in
            if case .named(let other) = limit.zone { other.text == name.text } else { false }
        }
        if isRepeated { throw Diagnostic.error(directive.range, "\"limit_conn\" directive is duplicate") }
        // Nginx's own bound.
        let count = UInt32(try directive.arguments[1].integer(in: 1...65535))
        return ConnectionLimitDraft(zone: .named(name), count: count, range: directive.range)
    }

    /// `limit_conn COUNT per=…`
    private func ownConnectionLimit(_ directive: Directive) throws -> ConnectionLimitDraft {
        let count = UInt32(try directive.first.integer(in: 1...1_000_000))
        var per: Word?
        var prefixLength: Int?
        var capacity: Int?
        for word in directive.arguments.dropFirst() {
            let parameter = Parameter(word)
            switch (parameter.key, parameter.value) {
            case ("per", let value?): per = value
            case ("prefix6", let value?): prefixLength = try value.integer(in: 1...128)
            case ("keys", let value?): capacity = try value.integer(in: 16...100_000_000)
            default: throw Diagnostic.unknownParameter(parameter, known: ["per", "prefix6", "keys"])
            }
        }
        let zone = ConnectionZoneDraft(
            name: "limit_conn:\(directive.range.line)",
            key: try ownKey(per, prefixLength),
            capacity: capacity ?? 65536,
            range: directive.range
        )
        connectionZones.append(zone)
        return ConnectionLimitDraft(zone: .own(connectionZones.count - 1), count: count, range: directive.range)
    }

    fileprivate func clientConnections(_ directive: Directive) throws -> ClientConnectionLimit? {
        if directive.first.text == "off", directive.arguments.count == 1 { return nil }
        var limit = ClientConnectionLimit(count: UInt32(try directive.first.integer(in: 1...1_000_000)))
        var isPerAddress = false
        for word in directive.arguments.dropFirst() {
            let parameter = Parameter(word)
            switch (parameter.key, parameter.value) {
            case ("per", let value?):
                guard value.text == "ip" else {
                    let hint = "per=ip is expected; worker_connections bounds all together"
                    throw Diagnostic.error(value.range, "invalid value \"\(value.text)\"", hint: hint)
                }
                isPerAddress = true
            case ("prefix6", let value?): limit.ipv6PrefixLength = try value.integer(in: 1...128)
            default: throw Diagnostic.unknownParameter(parameter, known: ["per", "prefix6"])
            }
        }
        guard isPerAddress else {
            let hint = "client_max_connections \(limit.count) per=ip;"
            throw Diagnostic.error(directive.range, "no \"per\" parameter in \"client_max_connections\"", hint: hint)
        }
        return limit
    }
}
