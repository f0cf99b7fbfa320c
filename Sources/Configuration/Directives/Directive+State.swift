import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// What outlives the process, and how the command line reaches it.
    static let state: [DirectiveSpec] = [
        .run(
            "state_dir",
            "PATH",
            in: .main,
            help:
                "The directory in which sessions, devices and the audit log outlive the process; made with mode 0700 if "
                + "it isn't there. Without it they are gone at a restart, but for a native file with device_pairing: it "
                + "has /var/lib/postern then.",
            set: DirectiveSpec.word(\.main.stateDirectory) { builder, word in
                try builder.path(word, from: builder.directories.prefix)
            }
        ),
        .run(
            "control",
            "unix:PATH|off",
            in: .main,
            default: "off",
            help: "The socket by which \"postern sessions\", \"devices\", \"locked\" and \"audit\" reach the running "
                + "proxy; usually unix:/run/postern/control.sock; a relative path starts at the prefix. It has mode 0600: root and the proxy's own account only.",
            set: DirectiveSpec.word(\.main.controlSocket) { builder, word in
                if word.text == "off" { return nil }
                let hint = "control unix:/run/postern/control.sock; or off"
                guard word.text.hasPrefix("unix:"), word.text.utf8.count > 5, !word.text.contains("$") else {
                    throw Diagnostic.error(word.range, "invalid socket \"\(word.text)\"", hint: hint)
                }
                let name = String(word.text.dropFirst(5))
                let path = name.hasPrefix("/") ? name : builder.directories.prefix + "/" + name
                // What unix(7) has room for.
                guard path.utf8.count <= 107 else {
                    throw Diagnostic.error(
                        word.range,
                        "the socket's path \"\(path)\" is longer than 107 bytes",
                        hint: hint
                    )
                }
                return path
            }
        ),
        .run(
            "secrets",
            "PATH [identity=PATH]",
            in: .main,
            arguments: 1...2,
            help:
                "A file of NAME=VALUE lines that secret:NAME refers to: encrypted with age, which decrypts it with the "
                + "key in identity, or in the clear without one. Read again when it changes."
        ) { builder, directive in
            try builder.refuseDuplicate(builder.main.secretFile?.range, directive)
            let path = try builder.path(directive.first, from: builder.directories.configuration)
            let parameters = try directive.arguments.dropFirst().parameters(known: ["identity"])
            let identity = try parameters.first.map {
                try builder.path($0.value, from: builder.directories.configuration)
            }
            builder.main.secretFile = Setting(SecretFile(path: path, identity: identity), directive.range)
        },
    ]
}
