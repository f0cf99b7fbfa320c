import Testing

@testable import HTTP

@Suite("Request heads built from HTTP/2")
struct BuiltHeadTests {
    /// Builds a head from pseudo-fields and fields, laid out in one buffer.
    static func build(
        method: String = "GET",
        path: String = "/p?q",
        authority: String? = "a:1",
        _ fields: [(String, String)] = [],
        endsStream: Bool = true
    ) throws(HeadError) -> String {
        var bytes: [UInt8] = []
        func add(_ text: String) -> ByteRange {
            bytes += Array(text.utf8)
            return ByteRange(start: bytes.count - text.utf8.count, count: text.utf8.count)
        }
        let parts = (add(method), add(path), authority.map { add($0) })
        let ranges = fields.map { (add($0.0), add($0.1)) }
        var head = RequestHead()
        try head.setMethod(parts.0, in: bytes.span)
        try head.setTarget(parts.1, in: bytes.span)
        if let range = parts.2 { try head.setAuthority(range, in: bytes.span) }
        for (name, value) in ranges { try head.appendField(name: name, value: value, in: bytes.span) }
        try head.finish(bytes.span, carrier: .http2(endsStream: endsStream))
        return describe(head, bytes)
    }

    @Test("A head is built")
    func builds() throws {
        #expect(
            try Self.build([("te", "trailers"), ("x_a", "1")])
                == "get|GET|origin|/p?q|/p|q|a:1|a|1|1.1|none|keep=true|expect=false|upgrade=none|0|te te=trailers|other~ x_a=1"
        )
        #expect(try Self.build(method: "POST", [("content-length", "5")], endsStream: false).contains("|length(5)|"))
        #expect(try Self.build(method: "POST", endsStream: false).contains("|chunked|"))
        #expect(try Self.build(authority: nil, [("host", "b")]).contains("|b|b|-|"))
    }

    static let refused: [([(String, String)], HeadError)] = [
        ([("connection", "close")], .connectionFieldInHTTP2),
        ([("transfer-encoding", "chunked")], .connectionFieldInHTTP2),
        ([("upgrade", "h2c")], .connectionFieldInHTTP2),
        ([("te", "gzip")], .connectionFieldInHTTP2),
        ([("host", "b")], .hostMismatch),
        ([("content-length", "1"), ("content-length", "1")], .repeatedContentLength),
        ([("content-length", "1")], .malformedContentLength),
        ([("x", "a\r\nb")], .controlCharacter),
        ([("x", "a\0b")], .nulByte),
        ([("x y", "a")], .malformedName),
        ([("", "a")], .emptyName),
    ]

    @Test("Fields that HTTP/2 forbids are refused", arguments: refused)
    func refuses(fields: [(String, String)], error: HeadError) {
        #expect(throws: error) { try Self.build(fields) }
    }

    @Test("Pseudo-fields are checked")
    func pseudo() {
        #expect(throws: HeadError.connectMethod) { try Self.build(method: "CONNECT", path: "a:1") }
        #expect(throws: HeadError.traceMethod) { try Self.build(method: "TRACE") }
        #expect(throws: HeadError.malformedMethod) { try Self.build(method: "G T") }
        #expect(throws: HeadError.malformedTarget) { try Self.build(path: "") }
        #expect(throws: HeadError.malformedTarget) { try Self.build(path: "p") }
        #expect(throws: HeadError.malformedHost) { try Self.build(authority: "u@a") }
        #expect(throws: HeadError.missingHost) { try Self.build(authority: nil) }
    }
}
