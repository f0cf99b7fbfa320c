import Access
import ConfigSyntax
import Proxy

extension DirectiveTable {
    /// What callers with limited permissions may do.
    static let permissions: [DirectiveSpec] = [
        .run(
            "permission",
            "NAME [methods=METHOD,…] [paths=PATH,…] [scopes=SCOPE,…]",
            in: .main,
            arguments: 2...4,
            default: "read methods=GET,HEAD,OPTIONS scopes=operator.read; write "
                + "methods=POST,PUT,PATCH,DELETE,WEBSOCKET scopes=operator.write; execute-actions paths=/tools/invoke "
                + "scopes=operator.write; admin scopes=operator.admin",
            help:
                "What an API key may be allowed: requests of these methods (WEBSOCKET is an upgrade), or to these paths "
                + "(all below one that ends with /), whose longest fitting one decides first; and the scopes that the "
                + "gateway is told. Any that are given replace the standard four."
        ) { builder, directive in try builder.addPermission(directive) }
    ]
}

extension ConfigurationBuilder {
    fileprivate func addPermission(_ directive: Directive) throws(Diagnostic) {
        let name = directive.first.text
        if let earlier = main.permissions.first(where: { $0.value.name == name }) {
            let hint = "first given at \(earlier.range.place)"
            throw .error(directive.first.range, "permission \"\(name)\" is given twice", hint: hint)
        }
        var (methods, paths, scopes): ([String], [String], [String]) = ([], [], [])
        for (key, value) in try directive.arguments.dropFirst().parameters(known: ["methods", "paths", "scopes"]) {
            switch key {
            case "methods": methods = try KnownMethods.read(value)
            case "paths": paths = try value.list()
            default: scopes = try value.list()
            }
        }
        let permission = Permission(name, methods: methods, paths: paths, scopes: scopes)
        do {
            _ = try PermissionTable(main.permissions.map(\.value) + [permission])
        } catch {
            throw .error(directive.range, error.description)
        }
        main.permissions.append(Setting(permission, directive.range))
    }
}

extension Word {
    /// `a,b`: parts between commas, each once and none empty.
    fileprivate func list() throws(Diagnostic) -> [String] {
        var parts: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            guard !part.isEmpty else { throw .error(range, "an empty word in \"\(text)\"", hint: "a,b is expected") }
            guard !parts.contains(part) else { throw .error(range, "\"\(part)\" is given twice") }
            parts.append(part)
        }
        return parts
    }
}
