import Bytes

extension RequestHead {
    /// The protocol that carried a request, and what it says about the body.
    package enum Carrier: Sendable, Equatable {
        /// HTTP/1: the fields frame the body.
        case http1
        /// HTTP/2: the stream frames the body; `endsStream` when the head was all.
        case http2(endsStream: Bool)
    }

    /// Checks the head as a whole once all of it is there, and derives authority, framing, keep-alive and upgrade.
    package mutating func finish(
        _ bytes: borrowing Span<UInt8>,
        carrier: Carrier = .http1
    ) throws(HeadError) {
        if method == .connect { throw .connectMethod }
        if method == .trace { throw .traceMethod }
        switch carrier {
        case .http1:
            try finishHost(bytes)
            try finishHTTP1(bytes)
        case .http2(let endsStream):
            try finishHost(bytes)
            try finishHTTP2(bytes, endsStream: endsStream)
        }
        if minorVersion > 0 { try finishExpect(bytes) }
    }

    /// RFC 9110, section 10.1.1: nobody is promised what isn't known; HTTP/1.0 has no expectations.
    private mutating func finishExpect(_ bytes: borrowing Span<UInt8>) throws(HeadError) {
        var position = fields.first(.expect)
        while let index = position {
            guard bytes.extracting(fields[index].value.range).equalsIgnoringCase("100-continue") else {
                throw .unknownExpectation
            }
            expectsContinue = body != .none
            position = fields.next(.expect, after: index)
        }
    }

    private mutating func finishHost(_ bytes: borrowing Span<UInt8>) throws(HeadError) {
        guard let index = fields.first(.host) else {
            if authority.isEmpty, minorVersion > 0 { throw .missingHost }
            return
        }
        if fields.isRepeated(.host) { throw .repeatedHost }
        let value = fields[index].value
        if authority.isEmpty {
            try setAuthority(value, in: bytes)
        } else if !bytes.extracting(value.range).equalsIgnoringCase(bytes.extracting(authority.range)) {
            throw .hostMismatch
        }
    }

    private mutating func finishHTTP1(_ bytes: borrowing Span<UInt8>) throws(HeadError) {
        let isChunked = try fields.isChunked(bytes, minorVersion: minorVersion)
        let length = try fields.contentLength(bytes)
        if isChunked {
            if length != nil { throw .lengthWithTransferEncoding }
            body = .chunked
        } else if let length {
            body = .length(length)
        } else {
            body = .none
        }
        let options = try fields.readConnection(bytes)
        isKeepAlive = !options.close && (minorVersion > 0 || options.keepAlive)
        upgrade = options.upgrade && minorVersion > 0 ? fields.requestedUpgrade(bytes) : .none
    }

    /// RFC 9113, section 8.2.2: no field of HTTP/1 connections but `TE: trailers`.
    private mutating func finishHTTP2(_ bytes: borrowing Span<UInt8>, endsStream: Bool) throws(HeadError) {
        for index in 0..<fields.count {
            switch fields[index].id {
            case .connection, .keepAlive, .proxyConnection, .upgrade, .transferEncoding:
                throw .connectionFieldInHTTP2
            case .te:
                guard bytes.extracting(fields[index].value.range).equalsIgnoringCase("trailers") else {
                    throw .connectionFieldInHTTP2
                }
            default: break
            }
        }
        if let length = try fields.contentLength(bytes) {
            if endsStream, length > 0 { throw .malformedContentLength }
            body = endsStream ? .none : .length(length)
        } else {
            // The stream's own end delimits the body; towards HTTP/1 it is chunked.
            body = endsStream ? .none : .chunked
        }
    }
}
