import Bytes
import HTTP

/// A template made ready for the request path: a row of trivial operations.
struct CompiledTemplate: BitwiseCopyable, Sendable {
    /// One step: a run of literal bytes or a variable.
    struct Operation: BitwiseCopyable, Sendable {
        var code: VariableCode
        /// The literal, or the variable's own name part (`$http_NAME`).
        var text: Frozen<UInt8>
        /// The map's index, for `.map`; the field's identifier, for `.requestField`.
        var index: Int32
    }

    let operations: Frozen<Operation>
    /// The whole text, when there is no variable in it.
    let constant: Frozen<UInt8>
    let isConstant: Bool
    /// No value of its variables can hold a control character.
    let isClean: Bool

    /// An empty constant.
    init() {
        operations = Frozen()
        constant = Frozen()
        isConstant = true
        isClean = true
    }

    init(_ template: Template, arena: Arena) {
        var operations: [Operation] = []
        for segment in template.segments {
            switch segment {
            case .literal(let bytes):
                operations.append(Operation(code: .literal, text: arena.freeze(bytes), index: 0))
            case .variable(let variable):
                let (code, name, index) = variable.compiled
                operations.append(Operation(code: code, text: arena.freeze(name), index: Int32(index)))
            }
        }
        self.operations = arena.freeze(operations)
        isClean = operations.allSatisfy { $0.code.isClean }
        if let bytes = template.constant {
            constant = arena.freeze(bytes)
            isConstant = true
        } else {
            constant = Frozen()
            isConstant = false
        }
    }

    var isEmpty: Bool { operations.isEmpty }
}

/// A variable's code: `Variable` without payloads.
enum VariableCode: UInt8, Sendable {
    case literal
    case args, isArgs, uri, requestURI, request, requestMethod, host, scheme, https, serverProtocol
    case requestID, requestLength, contentLength, contentType, requestField, argument, cookie
    case remoteAddress, remotePort, binaryRemoteAddress, realIPRemoteAddress, realIPRemotePort
    case serverAddress, serverPort, connection, connectionRequests
    case connectionsActive, connectionsReading, connectionsWriting, connectionsWaiting
    case proxyProtocolAddress, proxyProtocolPort, proxyProtocolServerAddress, proxyProtocolServerPort
    case http2, tlsProtocol, tlsCipher, tlsServerName, tlsSessionReused
    case tlsClientVerify, tlsClientSubject, tlsClientIssuer, tlsClientSerial, tlsClientFingerprint
    case tlsClientEscapedCertificate, tlsClientStart, tlsClientEnd, tlsClientRemaining
    case remoteUser, serverName, hostname, limitRequestStatus, limitConnectionStatus, map, capture
    case proxyAddXForwardedFor, proxyHost, proxyPort
    case status, bodyBytesSent, bytesSent, requestTime, timeLocal, timeISO8601, milliseconds, processID, pipelined
    case sentField, upstreamAddress, upstreamStatus, upstreamResponseTime, upstreamConnectTime, upstreamHeaderTime
    case upstreamResponseLength, upstreamBytesReceived, upstreamBytesSent, upstreamField, refusal, proof

    /// What it stands for never holds a control character: numbers, addresses, and parts of a head that were read strictly.
    var isClean: Bool {
        switch self {
        case .requestURI, .args, .requestMethod, .host, .scheme, .https, .serverProtocol, .requestID, .requestLength,
            .remoteAddress, .remotePort, .serverPort, .connection, .connectionRequests, .status, .requestTime:
            true
        default: false
        }
    }
}

extension Variable {
    /// The code, the free part of the name, and the map's index.
    var compiled: (VariableCode, [UInt8], Int) {
        switch self {
        case .requestField(let name): (.requestField, name, Int(FieldID.classify(name.span).0.rawValue))
        case .argument(let name): (.argument, name, 0)
        case .cookie(let name): (.cookie, name, 0)
        case .sentField(let name): (.sentField, name, 0)
        case .upstreamField(let name): (.upstreamField, name, 0)
        case .map(let index): (.map, [], index)
        case .capture(let group): (.capture, [], group)
        case .args: (.args, [], 0)
        case .isArgs: (.isArgs, [], 0)
        case .uri: (.uri, [], 0)
        case .requestURI: (.requestURI, [], 0)
        case .request: (.request, [], 0)
        case .requestMethod: (.requestMethod, [], 0)
        case .host: (.host, [], 0)
        case .scheme: (.scheme, [], 0)
        case .https: (.https, [], 0)
        case .serverProtocol: (.serverProtocol, [], 0)
        case .requestID: (.requestID, [], 0)
        case .requestLength: (.requestLength, [], 0)
        case .contentLength: (.contentLength, [], 0)
        case .contentType: (.contentType, [], 0)
        case .remoteAddress: (.remoteAddress, [], 0)
        case .remotePort: (.remotePort, [], 0)
        case .binaryRemoteAddress: (.binaryRemoteAddress, [], 0)
        case .realIPRemoteAddress: (.realIPRemoteAddress, [], 0)
        case .realIPRemotePort: (.realIPRemotePort, [], 0)
        case .serverAddress: (.serverAddress, [], 0)
        case .serverPort: (.serverPort, [], 0)
        case .connection: (.connection, [], 0)
        case .connectionRequests: (.connectionRequests, [], 0)
        case .connectionsActive: (.connectionsActive, [], 0)
        case .connectionsReading: (.connectionsReading, [], 0)
        case .connectionsWriting: (.connectionsWriting, [], 0)
        case .connectionsWaiting: (.connectionsWaiting, [], 0)
        case .proxyProtocolAddress: (.proxyProtocolAddress, [], 0)
        case .proxyProtocolPort: (.proxyProtocolPort, [], 0)
        case .proxyProtocolServerAddress: (.proxyProtocolServerAddress, [], 0)
        case .proxyProtocolServerPort: (.proxyProtocolServerPort, [], 0)
        case .http2: (.http2, [], 0)
        case .tlsProtocol: (.tlsProtocol, [], 0)
        case .tlsCipher: (.tlsCipher, [], 0)
        case .tlsServerName: (.tlsServerName, [], 0)
        case .tlsSessionReused: (.tlsSessionReused, [], 0)
        case .tlsClientVerify: (.tlsClientVerify, [], 0)
        case .tlsClientSubject: (.tlsClientSubject, [], 0)
        case .tlsClientIssuer: (.tlsClientIssuer, [], 0)
        case .tlsClientSerial: (.tlsClientSerial, [], 0)
        case .tlsClientFingerprint: (.tlsClientFingerprint, [], 0)
        case .tlsClientEscapedCertificate: (.tlsClientEscapedCertificate, [], 0)
        case .tlsClientStart: (.tlsClientStart, [], 0)
        case .tlsClientEnd: (.tlsClientEnd, [], 0)
        case .tlsClientRemaining: (.tlsClientRemaining, [], 0)
        case .remoteUser: (.remoteUser, [], 0)
        case .serverName: (.serverName, [], 0)
        case .hostname: (.hostname, [], 0)
        case .limitRequestStatus: (.limitRequestStatus, [], 0)
        case .limitConnectionStatus: (.limitConnectionStatus, [], 0)
        case .proxyAddXForwardedFor: (.proxyAddXForwardedFor, [], 0)
        case .proxyHost: (.proxyHost, [], 0)
        case .proxyPort: (.proxyPort, [], 0)
        case .status: (.status, [], 0)
        case .bodyBytesSent: (.bodyBytesSent, [], 0)
        case .bytesSent: (.bytesSent, [], 0)
        case .requestTime: (.requestTime, [], 0)
        case .timeLocal: (.timeLocal, [], 0)
        case .timeISO8601: (.timeISO8601, [], 0)
        case .milliseconds: (.milliseconds, [], 0)
        case .processID: (.processID, [], 0)
        case .pipelined: (.pipelined, [], 0)
        case .upstreamAddress: (.upstreamAddress, [], 0)
        case .upstreamStatus: (.upstreamStatus, [], 0)
        case .upstreamResponseTime: (.upstreamResponseTime, [], 0)
        case .upstreamConnectTime: (.upstreamConnectTime, [], 0)
        case .upstreamHeaderTime: (.upstreamHeaderTime, [], 0)
        case .upstreamResponseLength: (.upstreamResponseLength, [], 0)
        case .upstreamBytesReceived: (.upstreamBytesReceived, [], 0)
        case .upstreamBytesSent: (.upstreamBytesSent, [], 0)
        case .refusal: (.refusal, [], 0)
        case .proof: (.proof, [], 0)
        }
    }
}
