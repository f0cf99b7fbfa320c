import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// How slow a client may be.
    static let progress: [DirectiveSpec] = [
        .run(
            "client_min_rate",
            "BYTES/s [over=TIME]|off",
            in: .request,
            arguments: 1...2,
            default: "off",
            native: "512/s over=30s",
            help:
                "The least rate at which a client must send a request's body while it is waited for, over TIME of waiting; "
                + "a slower one gets 408. A head has client_header_timeout for all of it.",
            set: minimumRate(\.level.bodyRate)
        ),
        .run(
            "send_min_rate",
            "BYTES/s [over=TIME]|off",
            in: .request,
            arguments: 1...2,
            default: "off",
            native: "512/s over=30s",
            help:
                "The least rate at which a client must read a reply that waits for it, over TIME of waiting; the connection "
                + "of a slower one is closed. Event streams and upgraded connections are exempt.",
            set: minimumRate(\.level.sendRate)
        ),
    ]

    private static func minimumRate(_ path: SettingPath<MinimumRate>) -> DirectiveSpec.Setter {
        { builder, directive in
            try builder.refuseDuplicate(builder[keyPath: path]?.range, directive)
            builder[keyPath: path] = Setting(try readMinimumRate(directive), directive.range)
        }
    }

    private static func readMinimumRate(_ directive: Directive) throws -> MinimumRate {
        let word = directive.first
        if word.text == "off", directive.arguments.count == 1 { return MinimumRate() }
        guard word.text.hasSuffix("/s") else {
            let hint = "bytes per second, as 512/s or 1k/s"
            throw Diagnostic.error(word.range, "invalid rate \"\(word.text)\"", hint: hint)
        }
        let size = Word(
            text: String(word.text.dropLast(2)),
            range: word.range(of: 0..<(word.text.utf8.count - 2))
        )
        var rate = MinimumRate(bytesPerSecond: try size.size(in: 1...(1 << 30)))
        for word in directive.arguments.dropFirst() {
            let parameter = Parameter(word)
            guard parameter.key == "over", let value = parameter.value else {
                throw Diagnostic.unknownParameter(parameter, known: ["over"])
            }
            rate.window = try value.time()
            guard (100_000_000...3_600_000_000_000).contains(rate.window) else {
                let hint = "from 100ms to 1h"
                throw Diagnostic.error(value.range, "invalid time \"\(value.text)\"", hint: hint)
            }
        }
        return rate
    }
}
