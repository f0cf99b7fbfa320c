import HTTP

/// What a client may send before or instead of a request is not taken for one, nor for a part of the request behind it.
enum ProxyPrefixCheck {
    /// What comes before the request; the rest of the input fills it in.
    private enum Kind: UInt8, CaseIterable {
        /// Any bytes at all.
        case raw
        /// PROXY protocol, version 1: a line of text.
        case proxyLine
        /// PROXY protocol, version 2: a signature that begins with blank lines, and a length of its own.
        case proxyHeader
        /// A TLS handshake record, on a port that speaks none.
        case clientHello
        /// HTTP/2's connection preface.
        case preface
        case sshBanner
        case blankLines
        case nulBytes
    }

    private static let genuine = Array("GET /genuine HTTP/1.1\r\nHost: genuine.test\r\nX-Mark: genuine\r\n\r\n".utf8)

    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let chosen = Prefixed(input.rest)
        let seeded = Prefixed(chosen.rest)
        let kind = Kind.allCases[Int(chosen.option) % Kind.allCases.count]
        let prefix = make(kind, seeded.rest)
        let bytes = prefix + genuine
        try Splits.compare(
            bytes,
            seed: seeded.option,
            read: { bytes, seed in RequestSplitsCheck.read(bytes, option: input.option, seed: seed) },
            isRefusal: { if case .failed = $0 { true } else { false } },
            isIncomplete: { $0 == .incomplete }
        )
        if kind == .raw || prefix.isEmpty { return try RequestHeadCheck.check([input.option] + bytes) }
        if kind == .blankLines, prefix.count <= 4 { return try checkGenuine(bytes, prefix.count, option: input.option) }
        try checkRefused(bytes, option: input.option, kind)
    }

    private static func make(_ kind: Kind, _ rest: [UInt8]) -> [UInt8] {
        switch kind {
        case .raw: return rest
        case .proxyLine:
            let families = ["TCP4 ", "TCP6 ", "UNKNOWN", "UNKNOWN ", "tcp4 ", ""]
            let text = "PROXY \(families[Int(rest.first ?? 0) % families.count])"
            // A target that begins as one is a request of the method PROXY, and no such line.
            let words = rest.dropFirst().drop { $0 == 0x2F || $0 | 0x20 == 0x68 }
            return Array(text.utf8) + words + [0x0D, 0x0A]
        case .proxyHeader:
            let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
            let length = max(rest.count - 2, 0)
            let size = [UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)]
            return signature + rest.prefix(2) + size + rest.dropFirst(2)
        case .clientHello:
            return [
                0x16, 0x03, 0x01, UInt8(truncatingIfNeeded: rest.count >> 8), UInt8(truncatingIfNeeded: rest.count),
            ]
                + rest
        case .preface: return Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + rest
        case .sshBanner:
            // One that ends as a request line does would be one.
            return Array("SSH-2.0-".utf8) + rest.filter { $0 != 0x0A && $0 != 0x2F } + [0x0D, 0x0A]
        case .blankLines:
            var lines: [UInt8] = []
            for _ in 0..<(rest.first ?? 0) % 64 { lines += [0x0D, 0x0A] }
            return lines
        case .nulBytes: return [UInt8](repeating: 0, count: 1 + Int(rest.first ?? 0)) + rest
        }
    }

    /// Up to two empty lines may come before a request; nothing of it lies in them.
    private static func checkGenuine(_ bytes: [UInt8], _ start: Int, option: UInt8) throws(Broken) {
        var head = RequestHead()
        var parser = RequestHeadParser()
        let limits = headLimits(option)
        let end: Int?
        do { end = try parser.parse(bytes.span, limits: limits, lineEnds: lineEnds(option), into: &head) } catch {
            throw Broken(description: "\(start) bytes of empty lines: \(error)")
        }
        try hold(end == bytes.count, "a head of \(end ?? 0) bytes")
        for range in [head.methodRange, head.target, head.path, head.authority, head.hostName] {
            try hold(range.lowerBound >= start, "a part of the head lies before it")
        }
        for index in 0..<head.fields.count {
            try hold(head.fields[index].name.lowerBound > start, "a field before the head")
        }
        try hold(Array(bytes[head.target.range]) == Array("/genuine".utf8) && head.method == .get, "another request")
    }

    /// Refused, and not later than the end of the first line that isn't empty.
    private static func checkRefused(_ bytes: [UInt8], option: UInt8, _ kind: Kind) throws(Broken) {
        var head = RequestHead()
        var parser = RequestHeadParser()
        let limits = headLimits(option)
        let bound = firstLine(bytes, limits, lineEnds(option))
        var count = 0
        while count < bytes.count {
            count += 1
            do {
                let sofar = Array(bytes[..<count])
                let end = try parser.parse(sofar.span, limits: limits, lineEnds: lineEnds(option), into: &head)
                try hold(end == nil, "\(kind) is taken for a request")
                try hold(count < bound, "\(kind) is still read after \(count) bytes")
            } catch let error as HeadError {
                return try hold((400..<600).contains(error.status), "\(error) has status \(error.status)")
            } catch let error as Broken {
                throw error
            } catch {
                throw Broken(description: "\(error)")
            }
            // Enough to see where it ends; a copy for each byte makes the rest dear.
            if count == 300, bound > 600 { count = bound - 300 }
        }
        throw Broken(description: "\(kind) is neither refused nor a request")
    }

    /// How many bytes there are up to the end of the first line that isn't empty, or to the limit of a line.
    private static func firstLine(_ bytes: [UInt8], _ limits: HeadLimits, _ ends: LineEnds) -> Int {
        var start = 0
        for _ in 0..<3 {
            if bytes[start...].starts(with: [0x0D, 0x0A]) {
                start += 2
            } else if ends == .lenient, bytes[start...].first == 0x0A {
                start += 1
            }
        }
        let end = bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
        return min(max(end, 1), start + limits.requestLine, limits.total)
    }
}
