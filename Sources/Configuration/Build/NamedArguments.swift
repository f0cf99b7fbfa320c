import ConfigSyntax

extension Directive {
    /// What follows in directives such as `session on timeout=2h`: parameters, each once; nil for `off`.
    func switchedParameters(known: [String]) throws(Diagnostic) -> [(key: String, value: Word)]? {
        switch first.text {
        case "off":
            guard let extra = arguments.dropFirst().first else { return nil }
            throw .error(extra.range, "\"off\" takes no parameters", hint: "\(name.text) off;")
        case "on": return try arguments.dropFirst().parameters(known: known)
        default: return try arguments[...].parameters(known: known, others: ["on", "off"])
        }
    }
}

extension ArraySlice<Word> {
    /// Words of the form `key=value`, each key once. `others` are words that might have stood there, for hints.
    func parameters(known: [String], others: [String] = []) throws(Diagnostic) -> [(key: String, value: Word)] {
        var found: [(key: String, value: Word)] = []
        for word in self {
            let parameter = Parameter(word)
            guard known.contains(parameter.key), let value = parameter.value else {
                if parameter.value == nil, known.contains(parameter.key) {
                    throw .error(word.range, "\"\(parameter.key)\" needs a value", hint: "\(parameter.key)=…")
                }
                throw .unknownParameter(parameter, known: others + known)
            }
            if found.contains(where: { $0.key == parameter.key }) {
                throw .error(word.range, "\"\(parameter.key)\" is given twice", hint: "keep one")
            }
            found.append((parameter.key, value))
        }
        return found
    }
}

extension Word {
    /// One of several words.
    func choice<Value>(_ values: [(name: String, value: Value)]) throws(Diagnostic) -> Value {
        if let found = values.first(where: { $0.name == text }) { return found.value }
        let names = values.map { "\"\($0.name)\"" }.joined(separator: ", ")
        throw .error(range, "invalid value \"\(text)\"", hint: "it must be one of \(names)")
    }

    /// Nanoseconds within bounds, which are whole seconds.
    func time(seconds bounds: ClosedRange<UInt64>) throws(Diagnostic) -> UInt64 {
        let time = try time()
        guard time >= bounds.lowerBound * 1_000_000_000, time <= bounds.upperBound * 1_000_000_000 else {
            let least = TimeSpan.describe(milliseconds: bounds.lowerBound * 1000)
            let most = TimeSpan.describe(milliseconds: bounds.upperBound * 1000)
            throw .error(range, "invalid time \"\(text)\"", hint: "from \(least) to \(most) is expected")
        }
        return time
    }
}
