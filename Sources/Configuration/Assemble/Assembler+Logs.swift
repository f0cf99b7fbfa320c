import ConfigSyntax
import Proxy

extension Assembler {
    private static let standardOutput = AccessLogDraft.file(
        path: "/dev/stdout",
        format: nil,
        condition: nil,
        range: SourceRange(file: SourceFile(name: "", text: ""), offset: 0, length: 0)
    )

    /// Logs that a location writes to; `off` among them turns all off, as in Nginx.
    mutating func accessLogs(_ scope: Scope) -> [AccessLogUse] {
        let drafts = scope.effective(\.accessLogs) ?? [Self.standardOutput]
        let isOff = drafts.contains { draft in
            if case .off = draft { true } else { false }
        }
        if isOff { return [] }
        return drafts.compactMap { draft in
            guard case .file(let path, let format, let condition, _) = draft else { return nil }
            return accessLog(path, format).map { AccessLogUse(log: $0, condition: condition.map(template)) }
        }
    }

    private mutating func accessLog(_ path: String, _ format: Word?) -> Int? {
        guard let (template, escape) = logFormat(format) else { return nil }
        let destination: AccessLogConfiguration.Destination =
            switch path {
            case "/dev/stdout": .standardOutput
            case "/dev/stderr": .standardError
            default: .file(path)
            }
        let log = AccessLogConfiguration(destination: destination, format: template, escape: escape)
        if let known = configuration.accessLogs.firstIndex(of: log) { return known }
        configuration.accessLogs.append(log)
        return configuration.accessLogs.count - 1
    }

    private func logFormat(_ name: Word?) -> (Template, AccessLogConfiguration.Escape)? {
        if let name, let draft = builder.logFormats.first(where: { $0.name.text == name.text }) {
            return (Template(draft.parts.flatMap { template($0).segments }.joinedLiterals()), draft.escape)
        }
        switch name?.text {
        case nil, "combined": return (known(Self.combined), .standard)
        case "json": return (known(Self.json), .json)
        case let text?:
            let near = Suggestion.nearest(to: text, in: builder.logFormats.map(\.name.text) + ["combined", "json"])
            if let name {
                let hint = near.map { "did you mean \"\($0)\"?" } ?? "define it: log_format \(text) …;"
                report(.error(name.range, "unknown log format \"\(text)\"", hint: hint))
            }
            return nil
        }
    }

    private func known(_ text: String) -> Template {
        let file = SourceFile(name: "", text: text)
        return template(Word(text: text, range: SourceRange(file: file, offset: 0, length: text.utf8.count)))
    }

    /// What every log analyser reads.
    private static let combined = """
        $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
        """

    private static let json = """
        {"time":"$time_iso8601","id":"$request_id","client":"$remote_addr","user":"$remote_user",\
        "host":"$host","method":"$request_method","target":"$request_uri","protocol":"$server_protocol",\
        "status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,"referer":"$http_referer",\
        "agent":"$http_user_agent","upstream":"$upstream_addr","upstream_status":"$upstream_status",\
        "upstream_seconds":"$upstream_response_time","proof":"$postern_proof","refusal":"$postern_refusal"}
        """
}

extension [Template.Segment] {
    /// Neighbouring literals become one.
    func joinedLiterals() -> [Template.Segment] {
        reduce(into: []) { result, segment in
            if case .literal(let next) = segment, case .literal(let last)? = result.last {
                result[result.count - 1] = .literal(last + next)
            } else {
                result.append(segment)
            }
        }
    }
}
