import Access
import ConfigSyntax
import Proxy

/// Makes the immutable configuration of what a builder read: resolves names, inheritance and defaults, and gives advice.
struct Assembler {
    let builder: ConfigurationBuilder
    /// Where the file begins; nil where there is none.
    let start: SourceRange?
    let reader: TemplateReader
    var configuration: ProxyConfiguration
    /// Implicit upstreams (`proxy_pass http://host:port`), by address and scheme's port.
    var implicitUpstreams: [String: Int] = [:]
    /// Places of the `auth_basic_user_file` directives that some location uses.
    var usedPasswordFiles: [SourceRange] = []
    /// Places of the `session`, `login_form` and `device_pairing` directives that some location uses.
    var usedCallerSettings: [SourceRange] = []

    /// Once is enough.
    var hasNotedUpgrades = false

    var dialect: Dialect { builder.dialect }

    private init(_ builder: ConfigurationBuilder, _ start: SourceRange?) {
        self.builder = builder
        self.start = start
        reader = TemplateReader(maps: builder.maps.map(\.name.text))
        configuration = ProxyConfiguration(dialect: builder.dialect)
    }

    /// The configuration; usable only if the builder's diagnostics hold no error afterwards.
    static func assemble(_ builder: ConfigurationBuilder, start: SourceRange?) -> ProxyConfiguration {
        var assembler = Assembler(builder, start)
        assembler.checkTemplates()
        assembler.addProcess()
        assembler.addMaps()
        assembler.addZones()
        assembler.addConnectionZones()
        assembler.configuration.upstreams = builder.upstreams.map(\.configuration)
        assembler.addListeners()
        assembler.addServers()
        assembler.checkProxyProtocol()
        assembler.adviseOnPasswordFiles()
        assembler.adviseOnCallerSettings()
        return assembler.configuration
    }

    func report(_ diagnostic: Diagnostic) { builder.report(diagnostic) }

    /// The template in a word; its mistakes were reported by `checkTemplates`.
    func template(_ word: Word) -> Template { (try? reader.read(word)) ?? Template([]) }

    private func checkTemplates() {
        for word in builder.templates {
            do { _ = try reader.read(word) } catch { report(error) }
        }
    }

    private mutating func addProcess() {
        let main = builder.main
        var process = ProcessSettings()
        process.user = main.account?.value.user
        process.group = main.account?.value.group
        process.workerCount = dialect == .native ? nil : 1
        if let count = main.workerCount { process.workerCount = count.value }
        process.descriptorLimit = main.descriptorLimit?.value
        process.shutdownTimeout = main.shutdownTimeout?.value
        process.pidFile = main.pidFile?.value
        process.connectionsPerWorker = main.connections?.value ?? (dialect == .nginx ? 512 : 16384)
        configuration.process = process
        configuration.stateDirectory = main.stateDirectory?.value
        configuration.controlSocket = main.controlSocket?.value
        configuration.secretFile = main.secretFile?.value
        // Each directive has been tried together with those before it.
        if !main.permissions.isEmpty, let table = try? PermissionTable(main.permissions.map(\.value)) {
            configuration.permissions = table
        }
        configuration.errorLog = main.errorLog?.value ?? configuration.errorLog
    }

    private mutating func addMaps() {
        for draft in builder.maps {
            var map = ValueMap(
                name: draft.name.text,
                source: template(draft.source),
                entries: draft.entries.map { (Array($0.key.text.utf8), template($0.value)) },
                fallback: draft.fallback.map(template) ?? Template([])
            )
            for pattern in draft.patterns {
                do {
                    let value = try reader.read(pattern.value, groups: pattern.groups)
                    map.patterns.append(
                        MapPattern(expression: pattern.expression, ignoresCase: pattern.ignoresCase, value: value)
                    )
                } catch {
                    builder.report(error)
                }
            }
            map.matchesHostnames = draft.matchesHostnames
            configuration.maps.append(map)
        }
        refuseCircles()
    }

    /// A map whose value leads back to itself has none.
    private func refuseCircles() {
        let uses: [[Int]] = configuration.maps.map { map in
            let templates = [map.source, map.fallback] + map.entries.map(\.value) + map.patterns.map(\.value)
            return templates.flatMap(\.segments).compactMap { segment in
                if case .variable(.map(let index)) = segment { index } else { nil }
            }
        }
        for start in uses.indices {
            var reached = Set(uses[start])
            var pending = uses[start]
            while let next = pending.popLast() {
                for index in uses[next] where reached.insert(index).inserted { pending.append(index) }
            }
            if reached.contains(start) {
                let name = builder.maps[start].name
                report(
                    .error(
                        name.range,
                        "cycle while evaluating variable \"\(name.text)\"",
                        hint: "a map leads back to it"
                    )
                )
            }
        }
    }

    private mutating func addZones() {
        configuration.limitZones = builder.zones.map { draft in
            LimitZone(name: draft.name, key: zoneKey(draft.key), capacity: draft.capacity, rate: draft.rate)
        }
    }
}
