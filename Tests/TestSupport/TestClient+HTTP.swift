import Bytes

/// An answer as it came.
package struct TestResponse: Sendable {
    package let status: Int
    /// The whole head, its last line end included.
    package let head: String
    /// Names and values in order, names as they came.
    package let fields: [(name: String, value: String)]
    package var body: [UInt8]

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The first value of the field with this lower-case name.
    package subscript(name: String) -> String? {
        fields.first { $0.name.lowercased() == name }?.value
    }
}

extension TestClient {
    /// Sends a request with the given fields and a body framed by its length, if there is one.
    package func request(
        _ method: String,
        _ target: String,
        host: String = "gateway.test",
        _ fields: [(String, String)] = [],
        body: [UInt8]? = nil
    ) throws {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        if let body { text += "Content-Length: \(body.count)\r\n" }
        try send(Array((text + "\r\n").utf8) + (body ?? []))
    }

    /// Sends a request and reads its answer.
    package func exchange(
        _ method: String,
        _ target: String,
        host: String = "gateway.test",
        _ fields: [(String, String)] = [],
        body: [UInt8]? = nil
    ) throws -> TestResponse {
        try request(method, target, host: host, fields, body: body)
        return try readResponse(toHead: method == "HEAD")
    }

    /// Reads an answer's head; the body of the result is empty.
    package func readHead() throws -> TestResponse {
        let head = try read(through: "\r\n\r\n")
        let lines = head.split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1."), let status = Int(first.dropFirst(9).prefix(3)) else {
            throw TestError("no status line: \(head)")
        }
        var fields: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw TestError("no field: \(line)") }
            var value = line[line.index(after: colon)...]
            while value.first == " " { value.removeFirst() }
            fields.append((String(line[..<colon]), String(value)))
        }
        return TestResponse(status: status, head: head, fields: fields, body: [])
    }

    /// Reads a final answer, interim ones skipped, with the body that its head announces.
    package func readResponse(toHead isHead: Bool = false) throws -> TestResponse {
        var response = try readHead()
        while response.status < 200, response.status != 101 { response = try readHead() }
        if isHead || response.status == 101 || response.status == 204 || response.status == 304 { return response }
        if let coding = response["transfer-encoding"] {
            guard coding.lowercased() == "chunked" else { throw TestError("unknown coding: \(coding)") }
            while let chunk = try readChunk() { response.body += chunk }
        } else if let length = response["content-length"] {
            guard let count = Int(length) else { throw TestError("no length: \(length)") }
            response.body = try read(count)
        } else {
            response.body = try readToEnd()
        }
        return response
    }

    /// Reads one chunk of a chunked body; nil for the last one, its empty trailer section with it.
    package func readChunk() throws -> [UInt8]? {
        let line = try read(through: "\r\n")
        guard let count = Int(line.dropLast(1), radix: 16) else { throw TestError("no chunk size: \(line)") }
        if count == 0 {
            guard try read(through: "\r\n") == "\r\n" else { throw TestError("unexpected trailers") }
            return nil
        }
        let bytes = try read(count)
        guard try read(2) == [13, 10] else { throw TestError("no line end after a chunk") }
        return bytes
    }
}
