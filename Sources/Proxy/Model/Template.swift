/// Text with variables in it.
package struct Template: Sendable, Equatable {
    package enum Segment: Sendable, Equatable {
        case literal([UInt8])
        case variable(Variable)
    }

    package var segments: [Segment]

    package init(_ segments: [Segment]) { self.segments = segments }

    /// Text without variables.
    package init(literal: some Collection<UInt8>) {
        segments = literal.isEmpty ? [] : [.literal(Array(literal))]
    }

    /// The text, when no variable is in it.
    package var constant: [UInt8]? {
        var bytes: [UInt8] = []
        for segment in segments {
            guard case .literal(let part) = segment else { return nil }
            bytes += part
        }
        return bytes
    }

    package var isEmpty: Bool { segments.isEmpty }
}

/// What a request, its connection and its response are asked for by name. Names are Nginx's.
package enum Variable: Sendable, Hashable {
    // The request.
    case args, isArgs, uri, requestURI, request, requestMethod, host, scheme, https, serverProtocol
    case requestID, requestLength, contentLength, contentType
    /// `$http_NAME`: lower case, `_` for `-`.
    case requestField([UInt8])
    case argument([UInt8])
    case cookie([UInt8])

    // The client's connection.
    case remoteAddress, remotePort, binaryRemoteAddress, realIPRemoteAddress, realIPRemotePort
    case serverAddress, serverPort, connection, connectionRequests
    /// `$connections_…`: of the whole process.
    case connectionsActive, connectionsReading, connectionsWriting, connectionsWaiting
    /// `$proxy_protocol_…`: what the PROXY protocol's header said.
    case proxyProtocolAddress, proxyProtocolPort, proxyProtocolServerAddress, proxyProtocolServerPort
    case http2, tlsProtocol, tlsCipher, tlsServerName, tlsSessionReused

    // Its certificate.
    case tlsClientVerify, tlsClientSubject, tlsClientIssuer, tlsClientSerial, tlsClientFingerprint
    case tlsClientEscapedCertificate, tlsClientStart, tlsClientEnd, tlsClientRemaining

    // Decisions.
    /// The proved user's name.
    case remoteUser
    case serverName, hostname, limitRequestStatus, limitConnectionStatus
    /// Index into `ProxyConfiguration.maps`.
    case map(Int)
    /// A group of the pattern that chose a map's value: 0 for the whole match, to 9.
    case capture(Int)

    // Forwarding.
    case proxyAddXForwardedFor, proxyHost, proxyPort

    // The response and its timing; for logs.
    case status, bodyBytesSent, bytesSent, requestTime, timeLocal, timeISO8601, milliseconds, processID, pipelined
    case sentField([UInt8])
    case upstreamAddress, upstreamStatus, upstreamResponseTime, upstreamConnectTime, upstreamHeaderTime
    case upstreamResponseLength, upstreamBytesReceived, upstreamBytesSent
    case upstreamField([UInt8])
    /// Why a request was refused, if it was; Postern's own.
    case refusal
    /// What proved the caller.
    case proof
}

extension Variable {
    /// The variable that `name` (without `$`) stands for, or nil. `map` variables are looked up elsewhere.
    package init?(named name: String) {
        if let simple = Variable.simple[name] {
            self = simple
            return
        }
        func suffix(_ prefix: String) -> [UInt8]? {
            guard name.hasPrefix(prefix), name.utf8.count > prefix.utf8.count else { return nil }
            return Array(name.utf8.dropFirst(prefix.utf8.count))
        }
        func fieldName(_ bytes: [UInt8]) -> [UInt8] {
            bytes.map { $0 == 0x5F ? 0x2D : ($0 &- 0x41 < 26 ? $0 | 0x20 : $0) }
        }
        if let rest = suffix("http_") {
            self = .requestField(fieldName(rest))
        } else if let rest = suffix("arg_") {
            self = .argument(rest)
        } else if let rest = suffix("cookie_") {
            self = .cookie(rest)
        } else if let rest = suffix("sent_http_") {
            self = .sentField(fieldName(rest))
        } else if let rest = suffix("upstream_http_") {
            self = .upstreamField(fieldName(rest))
        } else {
            return nil
        }
    }

    /// Names without a free part.
    package static let simple: [String: Variable] = [
        "args": .args, "query_string": .args, "is_args": .isArgs, "uri": .uri, "document_uri": .uri,
        "request_uri": .requestURI, "request": .request, "request_method": .requestMethod, "host": .host,
        "scheme": .scheme, "https": .https, "server_protocol": .serverProtocol, "request_id": .requestID,
        "request_length": .requestLength, "content_length": .contentLength, "content_type": .contentType,
        "remote_addr": .remoteAddress, "remote_port": .remotePort, "binary_remote_addr": .binaryRemoteAddress,
        "realip_remote_addr": .realIPRemoteAddress, "realip_remote_port": .realIPRemotePort,
        "server_addr": .serverAddress, "server_port": .serverPort, "connection": .connection,
        "connection_requests": .connectionRequests, "connections_active": .connectionsActive,
        "connections_reading": .connectionsReading, "connections_writing": .connectionsWriting,
        "connections_waiting": .connectionsWaiting, "http2": .http2, "ssl_protocol": .tlsProtocol,
        "ssl_cipher": .tlsCipher,
        "ssl_server_name": .tlsServerName, "ssl_session_reused": .tlsSessionReused,
        "ssl_client_verify": .tlsClientVerify, "ssl_client_s_dn": .tlsClientSubject,
        "ssl_client_i_dn": .tlsClientIssuer, "ssl_client_serial": .tlsClientSerial,
        "ssl_client_fingerprint": .tlsClientFingerprint, "ssl_client_escaped_cert": .tlsClientEscapedCertificate,
        "ssl_client_v_start": .tlsClientStart, "ssl_client_v_end": .tlsClientEnd,
        "ssl_client_v_remain": .tlsClientRemaining, "remote_user": .remoteUser,
        "server_name": .serverName, "server_zone": .serverName, "hostname": .hostname,
        "proxy_protocol_addr": .proxyProtocolAddress, "proxy_protocol_port": .proxyProtocolPort,
        "proxy_protocol_server_addr": .proxyProtocolServerAddress,
        "proxy_protocol_server_port": .proxyProtocolServerPort, "limit_conn_status": .limitConnectionStatus,
        "limit_req_status": .limitRequestStatus, "proxy_add_x_forwarded_for": .proxyAddXForwardedFor,
        "proxy_host": .proxyHost, "proxy_port": .proxyPort, "status": .status, "body_bytes_sent": .bodyBytesSent,
        "bytes_sent": .bytesSent, "request_time": .requestTime, "time_local": .timeLocal,
        "time_iso8601": .timeISO8601, "msec": .milliseconds, "pid": .processID, "pipe": .pipelined,
        "upstream_addr": .upstreamAddress, "upstream_status": .upstreamStatus,
        "upstream_response_time": .upstreamResponseTime, "upstream_connect_time": .upstreamConnectTime,
        "upstream_header_time": .upstreamHeaderTime, "upstream_response_length": .upstreamResponseLength,
        "upstream_bytes_received": .upstreamBytesReceived, "upstream_bytes_sent": .upstreamBytesSent,
        "postern_refusal": .refusal, "postern_proof": .proof,
    ]
}

/// `map SOURCE $name { … }`: a value chosen by another.
package struct ValueMap: Sendable, Equatable {
    package var name: String
    package var source: Template
    /// Whether `*.suffix` and `prefix.*` keys are wildcards (`hostnames`).
    package var matchesHostnames = false
    /// Keys in lower case, compared without regard to letter case, with their values.
    package var entries: [(key: [UInt8], value: Template)]
    package var fallback: Template
    /// Regular expressions with their values, tried in order when no key fits.
    package var patterns: [MapPattern] = []

    package init(name: String, source: Template, entries: [(key: [UInt8], value: Template)], fallback: Template) {
        self.name = name
        self.source = source
        self.entries = entries
        self.fallback = fallback
    }

    package static func == (left: ValueMap, right: ValueMap) -> Bool {
        left.name == right.name && left.source == right.source && left.fallback == right.fallback
            && left.patterns == right.patterns && left.matchesHostnames == right.matchesHostnames
            && left.entries.elementsEqual(right.entries, by: ==)
    }
}

/// A regular expression among a map's keys.
package struct MapPattern: Sendable, Equatable {
    package var expression: String
    package var ignoresCase: Bool
    /// May hold `.capture`.
    package var value: Template

    package init(expression: String, ignoresCase: Bool, value: Template) {
        self.expression = expression
        self.ignoresCase = ignoresCase
        self.value = value
    }
}

extension Variable {
    /// A field of the upstream's reply.
    fileprivate var isReplyField: Bool {
        if case .upstreamField = self { true } else { false }
    }

    /// A field of the reply as the client gets it.
    fileprivate var isSentField: Bool {
        if case .sentField = self { true } else { false }
    }
}

extension ProxyConfiguration {
    /// Whether some template asks for a field of the upstream's reply.
    var readsReplyFields: Bool { reads(\.isReplyField) }

    /// Whether some template asks for a field of the reply as the client gets it.
    var readsSentFields: Bool { reads(\.isSentField) }

    /// Whether a template that is made once there is a reply has a variable of that sort.
    private func reads(_ isWanted: KeyPath<Variable, Bool>) -> Bool {
        func isIn(_ template: Template) -> Bool {
            template.segments.contains { segment in
                if case .variable(let variable) = segment { variable[keyPath: isWanted] } else { false }
            }
        }
        func isInMap(_ map: ValueMap) -> Bool {
            isIn(map.source) || isIn(map.fallback) || map.entries.contains { isIn($0.value) }
                || map.patterns.contains { isIn($0.value) }
        }
        return accessLogs.contains { isIn($0.format) } || maps.contains(where: isInMap)
            || servers.contains { server in
                (server.locations + [server.root]).contains { location in
                    location.responseFields.contains { isIn($0.value) }
                        || location.accessLogs.contains { $0.condition.map(isIn) ?? false }
                }
            }
    }
}
