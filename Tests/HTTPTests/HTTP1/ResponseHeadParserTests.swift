import Testing

@testable import HTTP

@Suite("Response heads")
struct ResponseHeadParserTests {
    static let accepted: [(String, HTTP.Method, String)] = [
        ("HTTP/1.1 200 OK\r\n\r\n", .get, "200|OK|1.1|untilClose|keep=false|upgrade=none|#"),
        ("HTTP/1.1 200\r\n\r\n", .get, "200||1.1|untilClose|keep=false|upgrade=none|#"),
        ("HTTP/1.1 200 \r\n\r\n", .get, "200||1.1|untilClose|keep=false|upgrade=none|#"),
        (
            "HTTP/1.1 404 Not  \u{e9}\r\nContent-Length: 0\r\n\r\n", .get,
            "404|Not  \u{e9}|1.1|length(0)|keep=true|upgrade=none|#|contentLength Content-Length=0"
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", .post,
            "200|OK|1.1|chunked|keep=false|upgrade=none|#|transferEncoding Transfer-Encoding=chunked"
                + "|connection Connection=close"
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", .head,
            "200|OK|1.1|none|keep=true|upgrade=none|#|contentLength Content-Length=7"
        ),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", .get,
            "304|Not Modified|1.1|none|keep=true|upgrade=none|#|contentLength Content-Length=7"
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", .get, "204|No Content|1.1|none|keep=true|upgrade=none|#"),
        ("HTTP/1.1 100 Continue\r\n\r\n", .get, "100|Continue|1.1|none|keep=true|upgrade=none|#"),
        (
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", .get,
            "101|X|1.1|none|keep=false|upgrade=webSocket|#|upgrade Upgrade=websocket|connection Connection=upgrade"
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx", .get,
            "200|OK|1.0|length(1)|keep=true|upgrade=none|#|contentLength Content-Length=1|connection Connection=keep-alive"
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", .get,
            "200|OK|1.0|length(1)|keep=false|upgrade=none|#|contentLength Content-Length=1"
        ),
    ]

    @Test("What is accepted, whole and in pieces", arguments: accepted)
    func accepts(text: String, method: HTTP.Method, expected: String) {
        let expected = expected.replacing("#", with: "\(text.utf8.count - (text.hasSuffix("x") ? 1 : 0))")
        for step in [Int.max, 1, 5] {
            #expect(parseResponse(text, answering: method, step: step) == .head(expected))
        }
    }

    static let refused: [(String, HeadError)] = [
        ("HTTP/1.1 099 X\r\n\r\n", .malformedStatusLine),
        ("HTTP/1.1 600 X\r\n\r\n", .malformedStatusLine),
        ("HTTP/1.1 20 X\r\n\r\n", .malformedStatusLine),
        ("HTTP/1.1 2000 X\r\n\r\n", .malformedStatusLine),
        ("HTTP/1.1 +20 X\r\n\r\n", .malformedStatusLine),
        ("HTTP/1.1  200 X\r\n\r\n", .malformedStatusLine),
        ("HTTP/1.1\r\n\r\n", .malformedStatusLine),
        ("<html>\r\n\r\n", .malformedStatusLine),
        ("HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion),
        ("http/1.1 200 OK\r\n\r\n", .malformedVersion),
        ("HTTP/1.1 200 OK\n\n", .bareLineFeed),
        ("HTTP/1.1 200 O\rK\r\n\r\n", .bareCarriageReturn),
        ("HTTP/1.1 200 O\0K\r\n\r\n", .nulByte),
        ("HTTP/1.1 200 OK\r\nA: 1\r\n 2\r\n\r\n", .foldedLine),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .repeatedContentLength),
        ("HTTP/1.1 204 OK\r\nContent-Length: x\r\n\r\n", .malformedContentLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .lengthWithTransferEncoding),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .chunkedNotLast),
    ]

    @Test("What is refused, whole and in pieces", arguments: refused)
    func refuses(text: String, error: HeadError) {
        for step in [Int.max, 1, 4] { #expect(parseResponse(text, step: step) == .failed(error)) }
    }

    @Test("A head without its empty line is never complete")
    func unterminated() {
        #expect(parseResponse("HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n") == .incomplete)
    }

    @Test("Limits")
    func limits() {
        let long = "HTTP/1.1 200 " + String(repeating: "x", count: 9000)
        for step in [Int.max, 1] { #expect(parseResponse(long, step: step) == .failed(.headTooLong)) }
    }
}
