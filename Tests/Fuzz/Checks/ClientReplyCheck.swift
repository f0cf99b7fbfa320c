import Bytes
import HTTP

@testable import Proxy

/// Whatever head an upstream sends, the client gets one reply of the same meaning, its redirects rewritten as a plain reading
/// of the rules has them.
enum ClientReplyCheck {
    private static let runtime = ProxyRig.runtime(
        """
        events {} http {
          log_format plain '$upstream_http_location $sent_http_set_cookie $upstream_status $status';
          log_format strings escape=json '{"l":"$upstream_http_location","c":"$sent_http_set_cookie","s":"$status"}';
          log_format bare escape=none '$upstream_http_location $upstream_http_x_any';
          access_log /dev/null plain; access_log /dev/null strings; access_log /dev/null bare;
          server { listen 80;
            location /in/ {
              proxy_pass http://127.0.0.1:1/base/;
              proxy_redirect default; proxy_redirect http://gate.test/ https://$host/;
              proxy_redirect /old $arg_to; proxy_hide_header X-Hidden;
              add_header X-Echo $upstream_http_x_any; add_header X-Always $upstream_http_location always;
            }
          }
        }
        """
    )
    private static let rules: [(from: String, to: String)] = [
        ("http://127.0.0.1:1/base/", "/in/"), ("http://gate.test/", "https://front.test/"), ("/old", "%0Anew"),
    ]
    private static let requests = [
        "GET /in/?to=%0Anew HTTP/1.1", "HEAD /in/?to=%0Anew HTTP/1.1", "POST /in/?to=%0Anew HTTP/1.1",
        "GET /in/?to=%0Anew HTTP/1.0",
    ]
    private static let hopByHop: Set<String> = [
        "keep-alive", "proxy-connection", "te", "upgrade", "http2-settings", "proxy-authenticate",
        "proxy-authorization",
    ]

    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let request = requests[Int(input.option & 3)] + "\r\nHost: Front.test\r\n\r\n"
        guard let rig = ProxyRig(runtime, Array(request.utf8)), case .forward = try rig.decide(),
            let proxy = rig.exchange.value.location?.value.proxy
        else { throw Broken(description: "the request isn't forwarded") }
        let exchange = rig.exchange
        var parser = ResponseHeadParser()
        let method = exchange.value.head.method
        let parsed = try? parser.parse(
            input.rest.span,
            answering: method,
            lineEnds: .crlf,
            into: &exchange.value.reply
        )
        guard let count = parsed else { return }
        let original = Array(input.rest[..<count])
        exchange.value.replyBytes = ByteBuffer(original)
        exchange.value.status = exchange.value.reply.status
        exchange.value.lastUpstreamStatus = exchange.value.reply.status
        exchange.value.replyFraming =
            switch exchange.value.reply.body {
            case .none: .none
            case .length: .length
            case .chunked, .untilClose: exchange.value.head.minorVersion == 0 ? .untilClose : .chunked
            }
        if exchange.value.replyFraming == .untilClose { exchange.value.keepsAlive = false }
        var output = ByteBuffer()
        let isInterim = exchange.value.reply.status < 200
        if isInterim {
            ReplyHeadWriter.writeInterim(rig.context, original.span, to: &output)
        } else {
            ReplyHeadWriter.write(rig.context, proxy, original.span, to: &output)
        }
        try compare(output.readable.array, exchange, try HeadText(original, lineEnds: .crlf), method, isInterim)
        try rig.checkLogs()
    }

    private static func compare(
        _ text: [UInt8],
        _ exchange: Ref<Exchange>,
        _ original: HeadText,
        _ method: HTTP.Method,
        _ isInterim: Bool
    ) throws(Broken) {
        let shown = String(decoding: text, as: UTF8.self).debugDescription
        var head = ResponseHead(fieldCapacity: 250)
        var parser = ResponseHeadParser()
        let end: Int?
        do { end = try parser.parse(text.span, answering: method, limits: wideLimits, into: &head) } catch {
            throw Broken(description: "\(error) in what goes to the client: \(shown)")
        }
        try hold(end == text.count, "a head of \(end ?? -1) bytes: \(shown)")
        try hold(head.status == exchange.value.reply.status, "another status: \(shown)")
        let plain = try HeadText(text, lineEnds: .crlf)
        for field in plain.fields {
            let name = String(decoding: HeadText.lowered(field.name), as: UTF8.self)
            try hold(!hopByHop.contains(name) || isInterim && name == "upgrade", "\(name) goes to the client")
        }
        if isInterim { return }
        switch exchange.value.replyFraming {
        case .none: try hold(head.body == .none, "a body where there can't be one: \(shown)")
        case .length: try hold(head.body == exchange.value.reply.body, "another length: \(shown)")
        case .chunked: try hold(head.body == .chunked, "another framing: \(shown)")
        case .untilClose: try hold(head.body == .untilClose, "another framing: \(shown)")
        case .stream: try hold(false, "a stream's framing towards HTTP/1: \(shown)")
        }
        try hold(plain.values(of: "server").count == 1 && plain.values(of: "date").count == 1, "\(shown)")
        try hold(plain.values(of: "x-hidden").isEmpty, "a hidden field: \(shown)")
        try checkRedirects(plain, exchange, original)
    }

    /// Locations and refreshes come out rewritten by the first rule that fits, and in their order.
    private static func checkRedirects(
        _ plain: HeadText,
        _ exchange: Ref<Exchange>,
        _ original: HeadText
    ) throws(Broken) {
        var wanted: [[UInt8]] = []
        var found: [[UInt8]] = []
        for (index, field) in original.fields.enumerated() {
            let name = HeadText.lowered(field.name)
            if exchange.value.reply.fields[index].isNominated { continue }
            if name == Array("location".utf8) { wanted.append(rewritten(field.value, from: 0)) }
            if name == Array("refresh".utf8) {
                wanted.append(
                    field.value.firstIndex(of: 0x3D).map { rewritten(field.value, from: $0 + 1) } ?? field.value
                )
            }
        }
        for field in plain.fields {
            let name = HeadText.lowered(field.name)
            if name == Array("location".utf8) || name == Array("refresh".utf8) { found.append(field.value) }
        }
        // A value that a rule leaves with a space at its end is read without it.
        try hold(found == wanted.map { HeadText.trimmed($0[...]) }, "it leads to \(found), plainly to \(wanted)")
    }

    private static func rewritten(_ value: [UInt8], from start: Int) -> [UInt8] {
        for rule in rules where value[start...].starts(with: rule.from.utf8) {
            return value[..<start] + Array(rule.to.utf8) + value[(start + rule.from.utf8.count)...]
        }
        return value
    }
}
