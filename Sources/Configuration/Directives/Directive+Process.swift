import Access
import ConfigSyntax
import Proxy

/// What the main level and `events` say about the process.
struct MainSettings {
    var account: Setting<(user: String, group: String?)>?
    /// nil inside: one per processor.
    var workerCount: Setting<Int?>?
    var descriptorLimit: Setting<Int>?
    var shutdownTimeout: Setting<UInt64>?
    var pidFile: Setting<String>?
    var connections: Setting<Int>?
    var errorLog: Setting<ErrorLogSettings>?
    var isForeground: Setting<Bool>?
    /// nil inside: none.
    var controlSocket: Setting<String?>?
    var stateDirectory: Setting<String>?
    var secretFile: Setting<SecretFile>?
    var permissions: [Setting<Permission>] = []
    var http: Directive?
    var events: Directive?
}

extension DirectiveTable {
    /// Directives of the main level and of `events`.
    static let process: [DirectiveSpec] = [
        .run(
            "user",
            "USER [GROUP]",
            in: .main,
            arguments: 1...2,
            default: "none: stay",
            help: "The account to change to once the sockets are bound. Nginx would take \"nobody\" by default."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.main.account?.range, directive)
            let group = directive.arguments.count > 1 ? directive.arguments[1].text : nil
            builder.main.account = Setting((directive.first.text, group), directive.range)
        },
        .run(
            "worker_processes",
            "auto|COUNT",
            in: .main,
            default: "1",
            native: "auto",
            help: "How many event loops; auto is one for each processor. Changes at a restart, not at a reload.",
            set: DirectiveSpec.word(\.main.workerCount) { _, word in
                word.text == "auto" ? nil : try word.integer(in: 1...1024)
            }
        ),
        .run(
            "worker_rlimit_nofile",
            "COUNT",
            in: .main,
            help: "The soft limit of open descriptors to set at the start.",
            set: DirectiveSpec.integer(\.main.descriptorLimit, in: 16...(1 << 30))
        ),
        .run(
            "worker_shutdown_timeout",
            "TIME",
            in: .main,
            default: "no bound",
            help: "The longest a drain may take; what is open then is cut.",
            set: DirectiveSpec.time(\.main.shutdownTimeout)
        ),
        .run(
            "pid",
            "FILE",
            in: .main,
            default: "none",
            help: "A file that holds the serving process's id, written once the sockets are bound.",
            set: DirectiveSpec.word(\.main.pidFile) { builder, word in
                try builder.path(word, from: builder.directories.prefix)
            }
        ),
        .run(
            "daemon",
            "on|off",
            in: .main,
            default: "off",
            help: "Postern always stays in the foreground; \"on\" is noted.",
            set: { builder, directive in
                try builder.refuseDuplicate(builder.main.isForeground?.range, directive)
                let isDaemon = try directive.first.flag()
                builder.main.isForeground = Setting(!isDaemon, directive.range)
                guard isDaemon else { return }
                let hint = "Postern stays in the foreground; let systemd or a container runtime keep it"
                builder.report(.note(directive.first.range, "\"daemon on\" has no effect", hint: hint))
            }
        ),
        .run(
            "worker_connections",
            "COUNT",
            in: .events,
            default: "512",
            native: "16384",
            help: "Client and upstream connections per event loop at the most.",
            set: DirectiveSpec.integer(\.main.connections, in: 1...(1 << 24))
        ),
    ]
}
