import ConfigSyntax
import Proxy
import TLS

extension DirectiveTable {
    /// What clients show of themselves.
    static let clientCertificates: [DirectiveSpec] = [
        .run(
            "ssl_verify_client",
            "on|off|optional|optional_no_ca",
            in: [.http, .server],
            default: "off",
            help:
                "Whether a client must show a certificate. One that is missing (on) or doesn't verify is answered 400; with "
                + "optional_no_ca its issuer may be unknown. It is a condition beside a login, not one.",
            set: DirectiveSpec.choice(
                \.level.clientVerification,
                ["on": .required, "off": .off, "optional": .optional, "optional_no_ca": .optionalNoCA]
            )
        ),
        .run(
            "ssl_client_certificate",
            "FILE",
            in: [.http, .server],
            help:
                "PEM file of the authorities that clients' certificates may come from; their names are sent to clients. "
                + "Read anew when it changes.",
            set: DirectiveSpec.configurationPath(\.level.clientAuthorities)
        ),
        .run(
            "ssl_trusted_certificate",
            "FILE",
            in: [.http, .server],
            help: "PEM file of more such authorities, whose names are not sent.",
            set: DirectiveSpec.configurationPath(\.level.clientTrusted)
        ),
        .run(
            "ssl_verify_depth",
            "NUMBER",
            in: [.http, .server],
            default: "1",
            help: "How many authorities may stand between a client's certificate and a trusted one.",
            set: DirectiveSpec.integer(\.level.clientDepth, in: 0...100)
        ),
        .run(
            "ssl_crl",
            "FILE",
            in: [.http, .server],
            help:
                "PEM file of lists of revoked certificates, one of each authority in a client's chain. Read anew when it "
                + "changes; connections of before are then ended with their next request.",
            set: DirectiveSpec.configurationPath(\.level.clientRevocations)
        ),
    ]
}

extension Assembler {
    /// What a server demands of clients' certificates.
    mutating func setClientVerification(
        _ scope: Scope,
        _ listeners: [ListenerConfiguration],
        _ settings: inout ServerTLSSettings
    ) {
        settings.clientAuthorityFile = scope.effective(\.clientAuthorities)?.value
        settings.clientTrustedFile = scope.effective(\.clientTrusted)?.value
        settings.clientRevocationFile = scope.effective(\.clientRevocations)?.value
        settings.clientVerificationDepth = scope.effective(\.clientDepth)?.value ?? settings.clientVerificationDepth
        guard let verification = scope.effective(\.clientVerification), verification.value != .off else { return }
        settings.clientVerification = verification.value
        if verification.value != .optionalNoCA, settings.clientAuthorityFile == nil, settings.clientTrustedFile == nil {
            report(
                .error(
                    verification.range,
                    "no \"ssl_client_certificate\" or \"ssl_trusted_certificate\" is given for \"ssl_verify_client\"",
                    hint: "name the PEM file of the authority that issues your clients' certificates"
                )
            )
        }
        if verification.value == .required, let open = listeners.first(where: { !$0.isTLS && !$0.redirectsToHTTPS }) {
            let hint = "add \"ssl\" to that listen, or give it a server of its own"
            report(
                .warning(verification.range, "clients that come by \(open.address) show no certificate", hint: hint)
            )
        }
    }
}
