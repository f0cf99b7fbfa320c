import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// How callers prove who they are.
    static let identity: [DirectiveSpec] = [
        .run(
            "api_keys",
            "FILE|off",
            in: .request,
            default: "off",
            help:
                "A JSON file of API keys, which programs show as \"Authorization: Bearer\" or X-API-Key; read again when "
                + "it changes, edited by \"postern key\". Beside auth_basic, either will do; alone, only keys will.",
            set: DirectiveSpec.word(\.level.keyFile) { builder, word in
                if word.text == "off" { return nil }
                return try builder.path(word, from: builder.directories.configuration)
            }
        ),
        .run(
            "session",
            "on|off [timeout=TIME] [idle=TIME] [max_concurrent=N] [evict=oldest|refuse] [same_site=strict|lax]",
            in: .request,
            arguments: 1...6,
            default: "off",
            native: "on timeout=2h idle=30m max_concurrent=10 evict=oldest same_site=lax",
            help: "A login by password gets a cookie, which counts from then on whatever Authorization holds: until "
                + "timeout after the login, or idle without a request or an open stream. Of max_concurrent (1 to 10000) "
                + "sessions of a user, one more ends the one least recently used, or is refused with evict=refuse. With "
                + "\"state_dir\" sessions outlive a restart."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.session?.range, directive)
            builder.level.session = Setting(try builder.sessionRules(directive), directive.range)
        },
        .run(
            "login_form",
            "on|off",
            in: .request,
            default: "off",
            help: "Browsers get a page to log in on instead of the prompt of HTTP Basic; programs get 401 as before. "
                + "Needs auth_basic with its file, and a session.",
            set: DirectiveSpec.flag(\.level.loginForm)
        ),
        .run(
            "device_pairing",
            "on|off [timeout=TIME] [max_pending=N] [auto_approve=on|off]",
            in: .request,
            arguments: 1...4,
            default: "off",
            help:
                "After a login, a browser that is not known yet shows a code and waits until \"postern devices approve "
                + "CODE\" lets it in: timeout (5m, up to 1d) long, max_pending (5, up to 1000) at a time. Callers with API "
                + "keys are exempt. Needs auth_basic, a session, and control to approve anything. Devices are kept in "
                + "state_dir: in a native file that names none, in /var/lib/postern; an Nginx file has to name it."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.pairing?.range, directive)
            builder.level.pairing = Setting(try PairingRules.read(directive), directive.range)
        },
        .run(
            "auth_failures",
            "off|rate=RATE [lock=TIME]",
            in: .request,
            arguments: 1...2,
            default: "off",
            native: "rate=10r/m lock=5m",
            help:
                "Wrong credentials are borne up to so many in that time, of an address and for a user; then neither is "
                + "listened to while the lock holds, and gets 429. Devices and networks that have proved this user before "
                + "are not locked out by strangers. \"postern locked\" shows and lifts locks."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.level.failures?.range, directive)
            builder.level.failures = Setting(try FailureRules.read(directive), directive.range)
        },
    ]
}

/// Longer than a session, a lock or a wait may be: a year, in seconds.
private let year: UInt64 = 365 * 86_400

extension ConfigurationBuilder {
    /// nil: off.
    fileprivate func sessionRules(_ directive: Directive) throws(Diagnostic) -> SessionRules? {
        let known = ["timeout", "idle", "max_concurrent", "evict", "same_site"]
        guard let parameters = try directive.switchedParameters(known: known) else { return nil }
        var rules = SessionRules()
        var idle: Word?
        for (key, value) in parameters {
            switch key {
            case "timeout": rules.timeout = try value.time(seconds: 1...year)
            case "idle":
                rules.idle = try value.time(seconds: 1...year)
                idle = value
            case "max_concurrent": rules.maxConcurrent = try value.integer(in: 1...10_000)
            case "evict": rules.evictsOldest = try value.choice([("oldest", true), ("refuse", false)])
            default: rules.sameSite = try value.choice([("strict", .strict), ("lax", .lax)])
            }
        }
        if rules.idle > rules.timeout {
            if let idle {
                let hint = "the session ends with its timeout, whatever is done"
                report(.note(idle.range, "\"idle\" is longer than \"timeout\" and has no effect", hint: hint))
            }
            rules.idle = rules.timeout
        }
        return rules
    }
}

extension PairingRules {
    /// nil: off.
    fileprivate static func read(_ directive: Directive) throws(Diagnostic) -> PairingRules? {
        let known = ["timeout", "max_pending", "auto_approve"]
        guard let parameters = try directive.switchedParameters(known: known) else { return nil }
        var rules = PairingRules()
        for (key, value) in parameters {
            switch key {
            case "timeout": rules.timeout = try value.time(seconds: 1...86_400)
            case "max_pending": rules.maxPending = try value.integer(in: 1...1000)
            default: rules.approvesAll = try value.flag()
            }
        }
        return rules
    }
}

extension FailureRules {
    /// nil: off.
    fileprivate static func read(_ directive: Directive) throws(Diagnostic) -> FailureRules? {
        guard let parameters = try directive.switchedParameters(known: ["rate", "lock"]) else { return nil }
        var rules = FailureRules()
        for (key, value) in parameters {
            if key == "lock" {
                rules.lock = try value.time(seconds: 1...year)
            } else {
                let rate = try value.value("rate") { text throws(ValueError) in try Rate.parse(text) }
                rules.count = Int(rate.count)
                rules.window = rate.period.nanoseconds
            }
        }
        return rules
    }
}
