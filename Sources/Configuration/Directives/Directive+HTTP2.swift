import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// Bounds of HTTP/2 connections.
    static let http2: [DirectiveSpec] = [
        .run(
            "http2_max_concurrent_streams",
            "COUNT",
            in: [.http, .server],
            default: "128",
            help: "Requests that one HTTP/2 connection may have under way. More are refused, and may be sent again.",
            set: DirectiveSpec.integer(\.level.http2Streams, in: 1...1024)
        ),
        .run(
            "http2_chunk_size",
            "SIZE",
            in: .request,
            default: "8k",
            native: "16k",
            help: "The longest DATA frame of a reply: shorter ones let streams take turns more often."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.http2Chunk?.range, directive)
            let size = try directive.first.size(in: 1...16384)
            if builder.noteIfInLocation(directive) { return }
            builder.level.http2Chunk = Setting(size, directive.range)
        },
        .run(
            "http2_body_preread_size",
            "SIZE",
            in: [.http, .server],
            default: "64k",
            help: "What a client may send of a request's body before the gateway has taken any (a stream's window).",
            set: DirectiveSpec.size(\.level.http2Window, in: 0...(1 << 20))
        ),
    ]
}
