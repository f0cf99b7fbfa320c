import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// Bounds and waits for clients' connections.
    static let client: [DirectiveSpec] = [
        .run(
            "client_max_body_size",
            "SIZE",
            in: .request,
            default: "1m",
            native: "32m",
            help: "The longest body of a request; 0 for no bound. A longer one gets 413.",
            set: DirectiveSpec.size(\.level.largestBody)
        ),
        .run(
            "client_header_timeout",
            "TIME",
            in: [.http, .server],
            default: "60s",
            help: "The longest wait for a whole request head, and for a TLS handshake.",
            set: DirectiveSpec.time(\.level.headerTimeout)
        ),
        .run(
            "client_body_timeout",
            "TIME",
            in: .request,
            default: "60s",
            help: "The longest wait between two reads of a request's body.",
            set: DirectiveSpec.time(\.level.bodyTimeout)
        ),
        .run(
            "send_timeout",
            "TIME",
            in: .request,
            default: "60s",
            help: "The longest wait between two writes to a client.",
            set: DirectiveSpec.time(\.level.sendTimeout)
        ),
        .run(
            "keepalive_timeout",
            "TIME [TIME]",
            in: .request,
            arguments: 1...2,
            default: "75s",
            help: "How long a connection may wait for its next request; 0 turns keep-alive off."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.keepaliveTimeout?.range, directive)
            let time = try directive.first.time()
            if directive.arguments.count > 1 {
                _ = try directive.arguments[1].time()
                let hint = "no Keep-Alive field is sent: no client in use reads it"
                builder.report(.note(directive.arguments[1].range, "the second time has no effect", hint: hint))
            }
            if builder.noteIfInLocation(directive) { return }
            builder.level.keepaliveTimeout = Setting(time, directive.range)
        },
        .run(
            "keepalive_requests",
            "COUNT",
            in: .request,
            default: "1000",
            help: "Requests after which a connection is closed."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.keepaliveRequests?.range, directive)
            let count = try directive.first.integer(in: 1...UInt64(Int32.max))
            if builder.noteIfInLocation(directive) { return }
            builder.level.keepaliveRequests = Setting(count, directive.range)
        },
        .run(
            "client_header_buffer_size",
            "SIZE",
            in: [.http, .server],
            default: "1k",
            help: "Raises the bound of large_client_header_buffers if it is the greater; memory is taken as needed.",
            set: DirectiveSpec.size(\.level.headBuffer, in: 256...(1 << 20))
        ),
        .run(
            "large_client_header_buffers",
            "COUNT SIZE",
            in: [.http, .server],
            arguments: 2...2,
            default: "4 8k",
            help: "A request line or field may have SIZE bytes, a whole head COUNT times as many."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.largeHeadBuffers?.range, directive)
            let count = try directive.first.integer(in: 1...64)
            let size = try directive.arguments[1].size(in: 256...(1 << 20))
            builder.level.largeHeadBuffers = Setting(HeadBuffers(count: count, size: size), directive.range)
        },
        .run(
            "max_headers",
            "COUNT",
            in: [.http, .server],
            default: "100",
            help: "Fields that a request may have, 100 at the most. One with more gets 431.",
            set: DirectiveSpec.integer(\.level.fieldCount, in: 1...100)
        ),
        .run(
            "underscores_in_headers",
            "on|off",
            in: [.http, .server],
            default: "off",
            native: "on",
            help:
                "Whether request fields with _ in their names are passed on. Never those that alias one of Postern's.",
            set: DirectiveSpec.flag(\.level.keepsUnderscores)
        ),
        .run(
            "merge_slashes",
            "on|off",
            in: [.http, .server],
            default: "on",
            help: "Whether // counts as / when the location is looked for.",
            set: DirectiveSpec.flag(\.level.mergesSlashes)
        ),
    ]

    /// Whose word about the client's address counts.
    static let realIP: [DirectiveSpec] = [
        .run(
            "set_real_ip_from",
            "ADDRESS|CIDR|unix:",
            in: [.http, .server],
            help: "A proxy in front whose word about the client's address is believed. May be given several times."
        ) { builder, directive in
            let word = directive.first
            let peer: TrustedPeer
            if word.text == "unix:" {
                peer = .unixSockets
            } else {
                let prefix = try builder.addressPrefix(word)
                if prefix.prefixLength == 0 {
                    let hint = "name only the proxies that stand in front"
                    builder.report(
                        .warning(word.range, "every client may choose the address it is known by", hint: hint)
                    )
                }
                peer = .range(AddressRange(prefix))
            }
            builder.level.trusted = (builder.level.trusted ?? []) + [peer]
        },
        .run(
            "real_ip_header",
            "X-Real-IP|X-Forwarded-For|proxy_protocol|FIELD",
            in: [.http, .server],
            default: "X-Real-IP",
            native: "X-Real-IP; proxy_protocol on such a listener",
            help: "The field that holds the client's address, or the PROXY protocol's header.",
            set: DirectiveSpec.word(\.level.realIPHeader) { _, word in
                switch word.text.lowercased() {
                case "x-real-ip": return .xRealIP
                case "x-forwarded-for": return .xForwardedFor
                case "proxy_protocol": return .proxyProtocol
                case let name:
                    try word.checkFieldName()
                    return .field(Array(name.utf8))
                }
            }
        ),
        .run(
            "real_ip_recursive",
            "on|off",
            in: [.http, .server],
            default: "off",
            help: "Whether to go back past all trusted addresses, not only the last.",
            set: DirectiveSpec.flag(\.level.realIPRecursive)
        ),
    ]
}

extension ConfigurationBuilder {
    /// Whether the directive stands in a location, where it is read but can't act: the connection comes before it.
    func noteIfInLocation(_ directive: Directive) -> Bool {
        guard scope.location != nil else { return false }
        let hint = "it belongs to the connection: give it in server or http"
        report(.note(directive.name.range, "\"\(directive.name.text)\" has no effect in a location", hint: hint))
        return true
    }

    /// An address or a range of them.
    func addressPrefix(_ word: Word) throws(Diagnostic) -> AddressPrefix {
        let prefix = try word.value("address") { text throws(ValueError) in try AddressPrefix.parse(text) }
        if prefix.hadHostBits {
            let hint = "the bits beyond /\(prefix.prefixLength) are left out"
            report(.warning(word.range, "low address bits of \(word.text) are meaningless", hint: hint))
        }
        return prefix
    }
}

extension AddressRange {
    /// IPv4 becomes mapped IPv6.
    init(_ prefix: AddressPrefix) {
        let isIPv4 = prefix.bytes.count == 4
        let bytes = (isIPv4 ? [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] : []) + prefix.bytes
        func word(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: word(0..<8), low: word(8..<16), prefixLength: prefix.prefixLength + (isIPv4 ? 96 : 0))
    }
}

extension Word {
    /// A field's name must be a token (RFC 9110 section 5.1).
    func checkFieldName() throws(Diagnostic) {
        let marks = Array("!#$%&'*+-.^_`|~".utf8)
        let isToken = text.utf8.allSatisfy { byte in
            (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || marks.contains(byte)
        }
        if text.isEmpty || !isToken || text.utf8.count > 256 {
            throw .error(range, "invalid field name \"\(text)\"", hint: "letters, digits and - are expected")
        }
    }
}
