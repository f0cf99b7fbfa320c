import ConfigSyntax
import Proxy

/// `log_format`.
struct LogFormatDraft {
    let name: Word
    let escape: AccessLogConfiguration.Escape
    let parts: [Word]
}

extension DirectiveTable {
    /// Logs.
    static let log: [DirectiveSpec] = [
        .run(
            "access_log",
            "FILE [FORMAT] [if=VALUE]|off",
            in: .request,
            arguments: 1...8,
            default: "/dev/stdout combined",
            help: "A file that requests are written to; /dev/stdout and /dev/stderr are the process's own. "
                + "Formats known without log_format: combined, json. A level that has any takes none from above."
        ) { builder, directive in
            let draft = try builder.accessLog(directive)
            builder.level.accessLogs = (builder.level.accessLogs ?? []) + [draft]
        },
        .run(
            "log_format",
            "NAME [escape=default|json|none] TEXT…",
            in: .http,
            arguments: 2...SyntaxLimits.words,
            help: "A format for access_log; the texts are joined."
        ) { builder, directive in
            let name = directive.first
            if name.text == "combined" || builder.logFormats.contains(where: { $0.name.text == name.text }) {
                throw Diagnostic.error(name.range, "duplicate \"log_format\" name \"\(name.text)\"")
            }
            var parts = Array(directive.arguments.dropFirst())
            var escape = AccessLogConfiguration.Escape.standard
            let parameter = Parameter(parts[0])
            if parameter.key == "escape", let value = parameter.value {
                switch value.text {
                case "default": escape = .standard
                case "json": escape = .json
                case "none": escape = .none
                default:
                    let hint = "escape=default, escape=json or escape=none is expected"
                    throw Diagnostic.error(value.range, "unknown log format escaping \"\(value.text)\"", hint: hint)
                }
                parts.removeFirst()
            }
            for part in parts { builder.useTemplate(part) }
            builder.logFormats.append(LogFormatDraft(name: name, escape: escape, parts: parts))
        },
        .run(
            "error_log",
            "FILE|stderr [LEVEL]",
            in: [.main, .http, .server, .location],
            arguments: 1...2,
            default: "stderr error",
            help:
                "Where Postern's own messages go, from which level on: debug info notice warn error crit alert emerg. "
                + "There is one for the process; the outermost that is given counts. A reload takes another file or level over."
        ) { builder, directive in try builder.setErrorLog(directive) },
    ]
}

extension ConfigurationBuilder {
    fileprivate func accessLog(_ directive: Directive) throws(Diagnostic) -> AccessLogDraft {
        let file = directive.first
        if file.text == "off" {
            guard directive.arguments.count == 1 else {
                throw .error(directive.arguments[1].range, "invalid parameter \"\(directive.arguments[1].text)\"")
            }
            return .off
        }
        try refuseSyslog(file)
        let path = try path(file, from: directories.prefix)
        var format: Word?
        var condition: Word?
        for (index, word) in directive.arguments.dropFirst().enumerated() {
            let parameter = Parameter(word)
            switch (parameter.key, parameter.value) {
            case ("if", let value?):
                useTemplate(value)
                condition = value
            case ("buffer", .some), ("flush", .some):
                let hint = "lines are gathered and written by a thread of their own"
                report(.note(word.range, "\"\(parameter.key)\" has no effect", hint: hint))
            case ("gzip", _):
                throw .error(word.range, "\"gzip\" is not supported", hint: "let logrotate compress the log")
            case (_, nil) where index == 0: format = word
            default: throw .unknownParameter(parameter, known: ["if", "buffer", "flush"])
            }
        }
        return .file(path: path, format: format, condition: condition, range: directive.range)
    }

    fileprivate func setErrorLog(_ directive: Directive) throws(Diagnostic) {
        var settings = ErrorLogSettings()
        let file = directive.first
        try refuseSyslog(file)
        switch file.text {
        case "stderr", "/dev/stderr": settings.destination = .standardError
        case "off" where dialect == .native: settings.destination = .off
        case "/dev/null": settings.destination = .off
        default: settings.destination = .file(try path(file, from: directories.prefix))
        }
        if directive.arguments.count > 1 {
            let word = directive.arguments[1]
            guard let level = ErrorLogSettings.Level.allCases.first(where: { "\($0)" == word.text }) else {
                let names = ErrorLogSettings.Level.allCases.map { "\($0)" }.joined(separator: ", ")
                throw .error(word.range, "invalid log level \"\(word.text)\"", hint: "one of \(names) is expected")
            }
            settings.level = level
        }
        if scope === top {
            if main.errorLog != nil, !hasInnerErrorLog { try refuseDuplicate(main.errorLog?.range, directive) }
            main.errorLog = Setting(settings, directive.range)
            hasInnerErrorLog = false
        } else if main.errorLog == nil {
            main.errorLog = Setting(settings, directive.range)
            hasInnerErrorLog = true
        } else {
            let hint = "the process has one error log: \(main.errorLog?.range.place ?? "the main level's")"
            report(.note(directive.name.range, "\"error_log\" has no effect here", hint: hint))
        }
    }

    private func refuseSyslog(_ word: Word) throws(Diagnostic) {
        guard word.text.hasPrefix("syslog:") || word.text.hasPrefix("memory:") else { return }
        throw .error(
            word.range,
            "\"\(word.text.prefix { $0 != ":" })\" is not supported as a log",
            hint: "write to /dev/stdout and let journald or the container runtime take it"
        )
    }
}
