import Bytes
import HTTP

@testable import Proxy

/// Whatever head a client sends, what goes upstream for it is one request of the same meaning, and what is answered by
/// Postern itself is one reply.
enum UpstreamRequestCheck {
    private static let nginx = ProxyRig.runtime(
        """
        events {} http {
          log_format plain '$remote_addr [$time_local] "$request" $status "$http_user_agent" $cookie_c $arg_a';
          log_format strings escape=json '{"r":"$request","a":"$http_user_agent","u":"$uri$args$host"}';
          log_format bare escape=none '$request $http_user_agent $uri $request_uri';
          access_log /dev/null plain; access_log /dev/null strings; access_log /dev/null bare;
          map $http_x_kind $kind { default $uri; "~(.*)" "$1"; }
          server { listen 80 default_server;
            set_real_ip_from 192.0.2.0/24; real_ip_header X-Forwarded-For;
            add_header X-Seen "$uri $cookie_c" always;
            location / {
              proxy_pass http://127.0.0.1:1; proxy_http_version 1.1;
              proxy_set_header Host $http_host; proxy_set_header X-Path $uri; proxy_set_header X-Kind $kind;
              proxy_set_header X-Arg $arg_a; proxy_set_header X-Cookie $cookie_c;
              proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header Connection "";
            }
            location /api/ { proxy_pass http://127.0.0.1:1/v1/; proxy_http_version 1.1; proxy_set_header Host $host; }
            location /go/ { return 302 https://$host$request_uri; }
            location /uri/ { return 301 $uri?$args; }
            location /text/ { return 200 "$uri $arg_a $http_x_kind"; }
            location /refused/ { return 403; }
          }
          server { listen 80; server_name strict; return 421; }
        }
        """
    )
    private static let native = ProxyRig.runtime(
        "set_real_ip_from 192.0.2.0/24; server { listen 80; health /health; proxy_pass http://127.0.0.1:1; }"
    )
    private static let redirect = ProxyRig.runtime("server { listen 80 redirect; proxy_pass http://127.0.0.1:1; }")
    /// Fields that Postern itself puts into a request.
    private static let own: Set<String> = [
        "host", "x-path", "x-kind", "x-arg", "x-cookie", "x-forwarded-for", "x-real-ip", "x-forwarded-proto",
        "x-forwarded-host", "x-request-id", "connection", "upgrade", "content-length", "transfer-encoding",
    ]
    private static let hopByHop: Set<String> = [
        "keep-alive", "proxy-connection", "te", "http2-settings", "proxy-authenticate",
        "proxy-authorization",
    ]

    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let isNginx = input.option & 1 == 0
        let peer = input.option & 2 == 0 ? "192.0.2.7:4000" : "198.51.100.7:4000"
        guard let rig = ProxyRig(input.option & 4 != 0 ? redirect : isNginx ? nginx : native, input.rest, peer: peer)
        else { return }
        switch try rig.decide() {
        case .forward: try checkForwarded(rig, isNginx: isNginx)
        case .respond(let reply): try checkReply(rig, reply)
        // `/.postern/ready` finds out first.
        case .suspend(.readiness): break
        case .next, .suspend: throw Broken(description: "a request that waits for nothing")
        }
        try rig.checkLogs()
    }

    private static func checkForwarded(_ rig: ProxyRig, isNginx: Bool) throws(Broken) {
        let exchange = rig.exchange
        guard let proxy = exchange.value.location?.value.proxy else { throw Broken(description: "forwarded to nobody") }
        exchange.value.passesUpgrade =
            proxy.value.passesUpgrade && exchange.value.head.upgrade == .webSocket && exchange.value.head.method == .get
        var output = ByteBuffer()
        RequestHeadWriter.write(rig.context, proxy, to: &output)
        let text = output.readable.array
        let shown = String(decoding: text, as: UTF8.self).debugDescription
        var head = RequestHead(fieldCapacity: 250)
        var parser = RequestHeadParser()
        let end: Int?
        do { end = try parser.parse(text.span, limits: wideLimits, into: &head) } catch {
            // HTTP/1.0 knows no Host; what goes upstream has one if it came with one.
            let hasHost = exchange.value.head.fields.first(.host) != nil
            return try hold(error == .missingHost && !hasHost, "\(error) in what goes upstream: \(shown)")
        }
        try hold(end == text.count, "a head of \(end ?? -1) bytes: \(shown)")
        let original = exchange.value.headBytes.written.array
        let method = Array(original[exchange.value.head.methodRange.range])
        try hold(Array(text[head.methodRange.range]) == method, "another method: \(shown)")
        try hold(head.body == exchange.value.head.body, "\(head.body) for \(exchange.value.head.body): \(shown)")
        try hold((head.upgrade == .webSocket) == exchange.value.passesUpgrade, "an upgrade: \(shown)")
        try hold(head.targetForm != .absolute && head.targetForm != .authority, "the target's form: \(shown)")
        try checkFields(rig, try HeadText(text, lineEnds: .crlf), original, isNginx: isNginx)
    }

    private static func checkFields(
        _ rig: ProxyRig,
        _ plain: HeadText,
        _ original: [UInt8],
        isNginx: Bool
    ) throws(Broken) {
        var counts: [String: Int] = [:]
        var position = 0
        let fields = rig.exchange.value.head.fields.count
        for field in plain.fields {
            let name = String(
                decoding: HeadText.lowered(field.name).map { $0 == 0x5F || $0 == 0x2E ? 0x2D : $0 },
                as: UTF8.self
            )
            try hold(!hopByHop.contains(name), "\(name) goes upstream")
            counts[name, default: 0] += 1
            if own.contains(name) { continue }
            // The bare prefix is nobody's field.
            let isIdentity = name.hasPrefix("x-forwarded-") && name != "x-forwarded-" || name == "forwarded"
            try hold(isNginx || !isIdentity, "\(name) goes upstream")
            // Others are the client's, in its order.
            var isFound = false
            while !isFound, position < fields {
                let entry = rig.exchange.value.head.fields[position]
                position += 1
                isFound =
                    Array(original[entry.name.range]) == field.name && Array(original[entry.value.range]) == field.value
                    && !entry.isNominated
            }
            try hold(isFound, "\(name) comes from nowhere")
        }
        for name in own.subtracting(["x-path", "x-kind", "x-arg", "x-cookie"])
        where !isNginx || name != "x-forwarded-proto" {
            // In Nginx's words identity fields are the configuration's affair.
            if isNginx, name.hasPrefix("x-") { continue }
            try hold(counts[name, default: 0] <= 1, "\(name) twice")
        }
        if isNginx { return }
        let remote = rig.render(.remoteAddress)
        try hold(plain.values(of: "x-real-ip") == [remote], "x-real-ip isn't the client's")
        try hold(plain.values(of: "x-request-id").count == 1, "x-request-id")
        try hold(counts["x-forwarded-for"] == 1 && counts["x-forwarded-proto"] == 1, "the chain of addresses")
        let chain = plain.values(of: "x-forwarded-for").first ?? []
        let last = chain.split(separator: 0x2C).last.map { HeadText.trimmed($0) } ?? []
        try hold(last == rig.render(.realIPRemoteAddress), "the chain ends with another address than the peer's")
    }

    private static func checkReply(_ rig: ProxyRig, _ reply: Reply) throws(Broken) {
        rig.exchange.value.status = reply.status
        var output = ByteBuffer()
        _ = OwnReplyWriter.write(rig.context, reply, to: &output)
        let text = output.readable.array
        let shown = String(decoding: text, as: UTF8.self).debugDescription
        var head = ResponseHead(fieldCapacity: 250)
        var parser = ResponseHeadParser()
        let method = rig.exchange.value.head.method
        let end: Int?
        do { end = try parser.parse(text.span, answering: method, limits: wideLimits, into: &head) } catch {
            throw Broken(description: "\(error) in an answer: \(shown)")
        }
        guard let end else { throw Broken(description: "an answer without end: \(shown)") }
        try hold(head.status == reply.status, "another status: \(shown)")
        switch head.body {
        case .none: try hold(end == text.count, "a body where there can't be one: \(shown)")
        case .length(let count): try hold(end + Int(count) == text.count, "another length: \(shown)")
        case .chunked, .untilClose: throw Broken(description: "an answer of no length: \(shown)")
        }
        let plain = try HeadText(Array(text[..<end]), lineEnds: .crlf)
        try hold(plain.values(of: "server").count == 1 && plain.values(of: "date").count == 1, "\(shown)")
        let json = plain.values(of: "content-type") == [Array("application/json".utf8)]
        if reply.body == .standard, end < text.count { try hold(json == (text[end] == 0x7B), "another type: \(shown)") }
        if reply.body == .toHTTPS || reply.isRedirect && reply.status == 302 {
            let host = Array("https://".utf8) + rig.render(.host) + [0x2F]
            let location = plain.values(of: "location").first ?? []
            try hold(location.starts(with: host), "it leads elsewhere: \(shown)")
        }
    }
}
