/// What the header of the PROXY protocol says about a connection: whom the peer stands for.
///
/// "The PROXY protocol, versions 1 and 2", haproxy.org.
package enum ProxyProtocolHeader: Sendable, Equatable {
    /// The two ends of a connection over IP that the peer relays.
    case relayed(source: ProxyProtocolEnd, destination: ProxyProtocolEnd)
    /// The peer speaks for itself (`LOCAL`), as its health checks do: the connection's own addresses hold.
    case local
    /// The peer relays, but from whom it can't say in terms of IP: `UNKNOWN`, `UNSPEC`, or a path's socket.
    case unknown
}

/// One end of a relayed connection: 128 bits in two halves, an IPv4 address mapped (`::ffff:a.b.c.d`), and a port.
package struct ProxyProtocolEnd: Sendable, Equatable, BitwiseCopyable {
    package var high: UInt64
    package var low: UInt64
    package var port: UInt16

    package init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }
}

/// Why the header of the PROXY protocol is refused; the connection can't be used after it.
package enum ProxyProtocolError: Error, Sendable, Equatable, CaseIterable {
    case noSignature, lineTooLong, malformedLine, unknownProtocol, malformedAddress, malformedPort
    case unknownVersion, unknownCommand, unknownFamily, tooLong, shortAddresses, malformedExtension, wrongChecksum

    /// What was wrong, in plain words for the error log.
    package var reason: StaticString {
        switch self {
        case .noSignature: "it doesn't begin with a header"
        case .lineTooLong: "the line is longer than 107 bytes"
        case .malformedLine: "the line isn't protocol, two addresses and two ports"
        case .unknownProtocol: "the line names another protocol than TCP4, TCP6 and UNKNOWN"
        case .malformedAddress: "an address isn't one of its protocol"
        case .malformedPort: "a port isn't a number up to 65535"
        case .unknownVersion: "the version isn't 2"
        case .unknownCommand: "the command is neither LOCAL nor PROXY"
        case .unknownFamily: "the connection it speaks of is no stream of a known family"
        case .tooLong: "the header is longer than 4096 bytes"
        case .shortAddresses: "the header ends within its addresses"
        case .malformedExtension: "an extension doesn't fit, or a second checksum"
        case .wrongChecksum: "the checksum is of other bytes"
        }
    }
}
