import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// Who may pass.
    static let access: [DirectiveSpec] = [
        .run(
            "auth_basic",
            "REALM|off",
            in: .request,
            default: "off",
            help: "Asks for a name and password by HTTP Basic (RFC 7617); auth_basic_user_file has them.",
            set: DirectiveSpec.word(\.level.realm) { builder, word in
                if word.text == "off" { return .off }
                builder.useTemplate(word)
                return .realm(word)
            }
        ),
        .run(
            "auth_basic_user_file",
            "FILE",
            in: .request,
            help: "An htpasswd file; read again when it changes.",
            set: DirectiveSpec.configurationPath(\.level.passwordFile)
        ),
        .run(
            "allow",
            "all|ADDRESS|CIDR|unix:",
            in: .request,
            help: "Lets addresses pass. Rules are tried in order; a level that has any takes none from above."
        ) { builder, directive in try builder.addAddressRule(directive, isAllowed: true) },
        .run(
            "deny",
            "all|ADDRESS|CIDR|unix:",
            in: .request,
            help: "Answers 403 to addresses. Rules are tried in order; a level that has any takes none from above."
        ) { builder, directive in try builder.addAddressRule(directive, isAllowed: false) },
        .run(
            "satisfy",
            "all|any",
            in: .request,
            default: "all",
            help: "Whether address rules and login must both pass, or one suffices.",
            set: DirectiveSpec.choice(\.level.satisfiesAny, ["all": false, "any": true])
        ),
    ]
}

extension ConfigurationBuilder {
    fileprivate func addAddressRule(_ directive: Directive, isAllowed: Bool) throws {
        let word = directive.first
        let subject: AddressRule.Subject
        switch word.text {
        case "all": subject = .all
        case "unix:": subject = .unixSockets
        default: subject = .range(AddressRange(try addressPrefix(word)))
        }
        let rule = AddressRule(isAllowed: isAllowed, subject: subject)
        level.addressRules = (level.addressRules ?? []) + [rule]
    }
}
