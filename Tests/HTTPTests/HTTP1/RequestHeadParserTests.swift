import Testing

@testable import HTTP

@Suite("Request heads")
struct RequestHeadParserTests {
    static let accepted: [(String, String)] = [
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "get|GET|origin|/|/|-|a|a|-|1.1|none|keep=true|expect=false|upgrade=none|#|host Host=a"
        ),
        (
            "\r\n\r\nPOST /x?y?z HTTP/1.1\r\nhost:a.example:81 \r\ncontent-length: 5\r\n\r\nhello",
            "post|POST|origin|/x?y?z|/x|y?z|a.example:81|a.example|81|1.1|length(5)|keep=true|expect=false|upgrade=none|#"
                + "|host host=a.example:81|contentLength content-length=5"
        ),
        (
            "GET /? HTTP/1.0\r\n\r\n",
            "get|GET|origin|/?|/||||-|1.0|none|keep=false|expect=false|upgrade=none|#"
        ),
        (
            "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
            "get|GET|origin|/|/|-|||-|1.0|none|keep=true|expect=false|upgrade=none|#|connection Connection=Keep-Alive"
        ),
        (
            "GET / HTTP/1.2\r\nHost: [::1]:8\r\nConnection: x-a, close\r\nX_A: \t1\t2 \r\nX-B:\r\n\r\n",
            "get|GET|origin|/|/|-|[::1]:8|[::1]|8|1.1|none|keep=false|expect=false|upgrade=none|#"
                + "|host Host=[::1]:8|connection Connection=x-a, close|other~! X_A=1\t2|other X-B="
        ),
        (
            "PUT http://A.b?q HTTP/1.1\r\nHost: a.B\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n",
            "put|PUT|absolute|http://A.b?q|/|q|A.b|A.b|-|1.1|chunked|keep=true|expect=true|upgrade=none|#"
                + "|host Host=a.B|transferEncoding Transfer-Encoding=Chunked|expect Expect=100-Continue"
        ),
        (
            "GET http://a/ HTTP/1.0\r\nExpect: a-miracle\r\n\r\n",
            "get|GET|absolute|http://a/|/|-|a|a|-|1.0|none|keep=false|expect=false|upgrade=none|#"
                + "|expect Expect=a-miracle"
        ),
        (
            "GET https://a.:443/p/q HTTP/1.0\r\n\r\n",
            "get|GET|absolute|https://a.:443/p/q|/p/q|-|a.:443|a|443|1.0|none|keep=false|expect=false|upgrade=none|#"
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "options|OPTIONS|asterisk|*|*|-|a|a|-|1.1|none|keep=true|expect=false|upgrade=none|#|host Host=a"
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\r\n",
            "get|GET|origin|/|/|-|a|a|-|1.1|none|keep=true|expect=false|upgrade=webSocket|#"
                + "|host Host=a|upgrade Upgrade=WebSocket|connection Connection=keep-alive, Upgrade"
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
            "get|GET|origin|/|/|-|a|a|-|1.1|none|keep=true|expect=false|upgrade=none|#"
                + "|host Host=a|upgrade Upgrade=websocket"
        ),
        (
            "get / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1\r\nConnection: x-forwarded-for\r\nX: \u{e9}\r\n\r\n",
            "other|get|origin|/|/|-|a|a|-|1.1|none|keep=true|expect=false|upgrade=none|#"
                + "|host Host=a|xForwardedFor X-Forwarded-For=1|connection Connection=x-forwarded-for|other X=\u{e9}"
        ),
    ]

    @Test("What is accepted, whole and in pieces", arguments: accepted)
    func accepts(text: String, expected: String) {
        let count = text.utf8.count - (text.hasSuffix("hello") ? 5 : 0)
        let expected = expected.replacing("#", with: "\(count)")
        for step in [Int.max, 1, 2, 7, 20] {
            #expect(parseRequest(text, step: step) == .head(expected))
            #expect(parseRequest(text, step: step, lineEnds: .lenient) == .head(expected))
        }
    }

    @Test("Every head that lacks its end waits for more", arguments: accepted)
    func prefixes(text: String, expected: String) {
        let bytes = Array(text.utf8)
        let length = text.hasSuffix("hello") ? bytes.count - 5 : bytes.count
        for count in 1..<length {
            #expect(parseRequest(Array(bytes[..<count])) == .incomplete, "after \(count) bytes")
        }
    }

    @Test("A lenient head may end its lines in a bare LF")
    func lenient() {
        let expected = parseRequest("GET / HTTP/1.1\nHost: a\nX: 1\n\n", lineEnds: .lenient)
        #expect(
            expected
                == .head(
                    "get|GET|origin|/|/|-|a|a|-|1.1|none|keep=true|expect=false|upgrade=none|29|host Host=a|other X=1"
                )
        )
    }

    @Test("Two requests in one buffer are read one after the other")
    func pipelining() throws {
        let bytes = Array("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n".utf8)
        var head = RequestHead()
        var parser = RequestHeadParser()
        let first = try #require(try parser.parse(bytes.span, into: &head))
        head.reset()
        let rest = Array(bytes[first...])
        #expect(try parser.parse(rest.span, into: &head) == rest.count)
        #expect(describe(head, rest).contains("|/2|/2|-|b|b|"))
    }

    static let refused: [(String, HeadError)] = {
        let line = "GET / HTTP/1.1\r\n"
        let start = line + "Host: a\r\n"
        return [
            // Lines
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
            (line + "Host: a\n\r\n", .bareLineFeed),
            (start + "\n", .bareLineFeed),
            (start + "X: a\rb\r\n\r\n", .bareCarriageReturn),
            (start + "\rX: a\r\n\r\n", .bareCarriageReturn),
            ("GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn),
            (start + "X: a\r\n b\r\n\r\n", .foldedLine),
            (start + "X: a\r\n\tb\r\n\r\n", .foldedLine),
            (line + " Host: a\r\n\r\n", .foldedLine),
            (start + "X: a\0b\r\n\r\n", .nulByte),
            (start + "X\0: a\r\n\r\n", .nulByte),
            ("\0GET / HTTP/1.1\r\n\r\n", .nulByte),
            (start + "X: a\u{1}\r\n\r\n", .controlCharacter),
            (start + "X: a\u{7f}\r\n\r\n", .controlCharacter),
            (start + "X: a\u{b}chunked\r\n\r\n", .controlCharacter),
            (start + "X\u{7f}: a\r\n\r\n", .controlCharacter),
            // Request line
            ("\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", .malformedRequestLine),
            ("GET\r\n\r\n", .malformedRequestLine),
            ("GET \r\n\r\n", .malformedRequestLine),
            ("GET  / HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET /\r\n", .missingVersion),
            ("GET / \r\nHost: a\r\n\r\n", .malformedVersion),
            ("GET /  HTTP/1.1\r\n\r\n", .malformedVersion),
            ("GET / HTTP/1.1 \r\n\r\n", .malformedVersion),
            ("GET / http/1.1\r\n\r\n", .malformedVersion),
            ("GET / HTTP/1.10\r\n\r\n", .malformedVersion),
            ("GET / HTTP/11\r\n\r\n", .malformedVersion),
            ("GET / HTTP/1.x\r\n\r\n", .malformedVersion),
            ("GET / HTTP/2.0\r\n\r\n", .unsupportedVersion),
            ("GET / HTTP/0.9\r\n\r\n", .unsupportedVersion),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
            (" GET / HTTP/1.1\r\n\r\n", .malformedMethod),
            ("G@T / HTTP/1.1\r\n\r\n", .malformedMethod),
            ("GET\t/ HTTP/1.1\r\n\r\n", .malformedMethod),
            (String(repeating: "A", count: 33) + " / HTTP/1.1\r\n\r\n", .malformedMethod),
            ("\u{16}\u{3}\u{1}", .malformedMethod),
            ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .malformedVersion),
            ("GET /a\tb HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET /\u{e9} HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET /a#b HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET a HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET * HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET ?a HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET ftp://a/ HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET http:/a HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET http:// HTTP/1.1\r\n\r\n", .malformedTarget),
            ("GET http:///a HTTP/1.1\r\n\r\n", .malformedHost),
            ("GET http://u@a/ HTTP/1.1\r\n\r\n", .malformedHost),
            ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", .connectMethod),
            ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", .traceMethod),
            // Fields
            (start + "X\r\n\r\n", .missingColon),
            (start + "X : a\r\n\r\n", .spaceBeforeColon),
            (start + "X\t: a\r\n\r\n", .spaceBeforeColon),
            (start + "Transfer-Encoding : chunked\r\n\r\n", .spaceBeforeColon),
            (start + ": a\r\n\r\n", .emptyName),
            (start + "X(: a\r\n\r\n", .malformedName),
            (start + "X\u{e9}: a\r\n\r\n", .malformedName),
            (start + "\"X\": a\r\n\r\n", .malformedName),
            // Framing
            (start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", .repeatedContentLength),
            (start + "Content-Length: 5\r\ncontent-length: 6\r\n\r\n", .repeatedContentLength),
            (start + "Content-Length: 5, 5\r\n\r\n", .malformedContentLength),
            (start + "Content-Length: +5\r\n\r\n", .malformedContentLength),
            (start + "Content-Length: -5\r\n\r\n", .malformedContentLength),
            (start + "Content-Length: 0x5\r\n\r\n", .malformedContentLength),
            (start + "Content-Length: 5 5\r\n\r\n", .malformedContentLength),
            (start + "Content-Length: 5.0\r\n\r\n", .malformedContentLength),
            (start + "Content-Length:\r\n\r\n", .malformedContentLength),
            (start + "Content-Length: 9223372036854775808\r\n\r\n", .malformedContentLength),
            (start + "Content-Length: 18446744073709551621\r\n\r\n", .malformedContentLength),
            (start + "Content_Length: 5\r\n\r\n", .aliasedFramingField),
            (start + "Transfer.Encoding: chunked\r\n\r\n", .aliasedFramingField),
            (start + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", .lengthWithTransferEncoding),
            (start + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", .lengthWithTransferEncoding),
            (start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .repeatedTransferEncoding),
            (start + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", .repeatedTransferEncoding),
            (start + "Transfer-Encoding: chunked, chunked\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: chunked, gzip\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: chunked, identity\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: xchunked\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: chunke\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: chunked;a=b\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: \"chunked\"\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: identity\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: gzip\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding:\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: , chunked\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: chunked,\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: chu\u{212a}ed\r\n\r\n", .chunkedNotLast),
            (start + "Transfer-Encoding: gzip, chunked\r\n\r\n", .unknownTransferCoding),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
            // Connection
            (start + "Connection: close;x\r\n\r\n", .malformedConnection),
            (start + "Connection: content-length\r\n\r\n", .nominatedFramingField),
            (start + "Connection: Host\r\n\r\n", .nominatedFramingField),
            (start + "Connection: close, Transfer_Encoding\r\n\r\n", .nominatedFramingField),
            (start + "Connection: " + String(repeating: "a,", count: 33) + "\r\n\r\n", .tooManyNominations),
            // Host
            (line + "\r\n", .missingHost),
            (line + "Host: a\r\nhost: a\r\n\r\n", .repeatedHost),
            (line + "Host: a\r\nHost: b\r\n\r\n", .repeatedHost),
            (line + "Host:\r\n\r\n", .malformedHost),
            (line + "Host: a, b\r\n\r\n", .malformedHost),
            (line + "Host: a b\r\n\r\n", .malformedHost),
            (line + "Host: a/b\r\n\r\n", .malformedHost),
            (line + "Host: u@a\r\n\r\n", .malformedHost),
            (line + "Host: http://a\r\n\r\n", .malformedHost),
            (line + "Host: a:\r\n\r\n", .malformedHost),
            (line + "Host: a:0\r\n\r\n", .malformedHost),
            (line + "Host: a:65536\r\n\r\n", .malformedHost),
            (line + "Host: a:8x\r\n\r\n", .malformedHost),
            (line + "Host: a:80:80\r\n\r\n", .malformedHost),
            (line + "Host: \u{e9}\r\n\r\n", .malformedHost),
            ("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", .hostMismatch),
            ("GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", .hostMismatch),
            ("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", .hostMismatch),
            // Expectations
            (start + "Expect: a-miracle\r\n\r\n", .unknownExpectation),
            (start + "Expect:\r\n\r\n", .unknownExpectation),
            (start + "Expect: 100-continue, a-miracle\r\n\r\n", .unknownExpectation),
            (start + "Expect: 100-continue\r\nExpect: a-miracle\r\n\r\n", .unknownExpectation),
        ]
    }()

    @Test("What is refused, whole and in pieces", arguments: refused)
    func refuses(text: String, error: HeadError) {
        for step in [Int.max, 1, 3] {
            #expect(parseRequest(text, step: step) == .failed(error), "in pieces of \(step)")
            if error != .bareLineFeed {
                #expect(parseRequest(text, step: step, lineEnds: .lenient) == .failed(error), "lenient")
            }
        }
    }

    @Test("Limits, whole and in pieces")
    func limits() {
        let limits = HeadLimits(requestLine: 40, field: 30, total: 100, fieldCount: 3)
        let start = "GET / HTTP/1.1\r\nHost: a\r\n"
        func text(_ path: Int) -> String {
            "GET /" + String(repeating: "a", count: path) + " HTTP/1.1\r\nHost: a\r\n\r\n"
        }
        let field25 = "X: " + String(repeating: "b", count: 25) + "\r\n"
        for step in [Int.max, 1, 3] {
            func parse(_ text: String) -> Parsed { parseRequest(text, step: step, limits: limits) }
            #expect(parse(text(25)) == .failed(.requestLineTooLong))
            if case .head = parse(text(24)) {} else { Issue.record("a request line of its limit is refused") }
            #expect(parse("GET /" + String(repeating: "a", count: 200)) == .failed(.requestLineTooLong))
            if case .head = parse(start + field25 + "\r\n") {} else { Issue.record("a field of its limit is refused") }
            #expect(parse(start + "Y" + field25 + "\r\n") == .failed(.fieldTooLong))
            #expect(parse(start + String(repeating: "b", count: 50)) == .failed(.fieldTooLong))
            #expect(parse(start + field25 + field25 + field25 + "\r\n") == .failed(.headTooLong))
            #expect(parse(start + "A: 1\r\nB: 1\r\nC: 1\r\n\r\n") == .failed(.tooManyFields))
            if case .head = parse(start + "A: 1\r\nB: 1\r\n\r\n") {} else { Issue.record("three fields are refused") }
        }
    }

    @Test("A head of one hundred fields fits, one more doesn't")
    func fieldCount() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\n"
        let many = String(repeating: "A: 1\r\n", count: 99)
        if case .head = parseRequest(start + many + "\r\n") {} else { Issue.record("100 fields are refused") }
        #expect(parseRequest(start + many + "A: 1\r\n\r\n") == .failed(.tooManyFields))
    }

    @Test("Each error has a status and a reason", arguments: HeadError.allCases)
    func statuses(error: HeadError) {
        #expect([400, 405, 414, 417, 431, 501, 505].contains(error.status))
        #expect(error.reason.utf8CodeUnitCount > 10)
    }

    @Test("Every byte that may not stand in a value is refused at any place in it")
    func valueBytes() {
        let start = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8)
        let end = Array("\r\n\r\n".utf8)
        for value in 0...255 {
            let byte = UInt8(value)
            let isAllowed = byte == 9 || byte >= 32 && byte != 127
            for offset in 0..<20 {
                var content = [UInt8](repeating: 0x61, count: 21)
                content[offset] = byte
                let parsed = parseRequest(start + content + end)
                if case .head = parsed {
                    #expect(isAllowed, "byte \(value) at \(offset)")
                } else {
                    #expect(!isAllowed, "byte \(value) at \(offset): \(parsed)")
                }
            }
        }
    }
}
