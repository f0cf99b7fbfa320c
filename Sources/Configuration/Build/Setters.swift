import ConfigSyntax
import Proxy

typealias SettingPath<Value: Sendable> = any ReferenceWritableKeyPath<ConfigurationBuilder, Setting<Value>?> & Sendable

/// Setters of the usual forms. All refuse a second use at the same level, as Nginx does.
extension DirectiveSpec {
    /// One word, read by `parse`.
    static func word<Value: Sendable>(
        _ path: SettingPath<Value>,
        _ parse: @escaping @Sendable (ConfigurationBuilder, Word) throws -> Value
    ) -> Setter {
        { builder, directive in
            try builder.refuseDuplicate(builder[keyPath: path]?.range, directive)
            builder[keyPath: path] = Setting(try parse(builder, directive.first), directive.range)
        }
    }

    /// A time; held in nanoseconds.
    static func time(_ path: SettingPath<UInt64>) -> Setter { word(path) { _, word in try word.time() } }

    /// A size in bytes.
    static func size(_ path: SettingPath<UInt64>, in bounds: ClosedRange<UInt64> = 0...UInt64(Int64.max)) -> Setter {
        word(path) { _, word in try word.size(in: bounds) }
    }

    /// A whole number.
    static func integer(_ path: SettingPath<Int>, in bounds: ClosedRange<UInt64>) -> Setter {
        word(path) { _, word in try word.integer(in: bounds) }
    }

    /// `on` or `off`.
    static func flag(_ path: SettingPath<Bool>) -> Setter { word(path) { _, word in try word.flag() } }

    /// One of several words.
    static func choice<Value: Sendable>(_ path: SettingPath<Value>, _ values: KeyValuePairs<String, Value>) -> Setter {
        let pairs = values.map { (name: $0.key, value: $0.value) }
        return word(path) { _, word in try word.choice(pairs) }
    }

    /// A file's path without variables; a relative one starts where the main file lies.
    static func configurationPath(_ path: SettingPath<String>) -> Setter {
        word(path) { builder, word in try builder.path(word, from: builder.directories.configuration) }
    }

    /// Text without variables.
    static func text(_ path: SettingPath<String>) -> Setter { word(path) { _, word in word.text } }
}

extension ConfigurationBuilder {
    /// Throws if the same level has the setting already.
    func refuseDuplicate(_ earlier: SourceRange?, _ directive: Directive) throws(Diagnostic) {
        guard let earlier else { return }
        throw .error(
            directive.name.range,
            "\"\(directive.name.text)\" directive is duplicate",
            hint: "first given at \(earlier.place)"
        )
    }

    /// The absolute form of a path that holds no variables.
    func path(_ word: Word, from directory: String) throws(Diagnostic) -> String {
        guard !word.text.isEmpty else { throw .error(word.range, "a path is expected") }
        guard !word.text.contains("$") else {
            throw .error(
                word.range,
                "variables in a path are not supported",
                hint: "name one file; give each server or location its own"
            )
        }
        return word.text.hasPrefix("/") ? word.text : directory + "/" + word.text
    }
}

extension SourceRange {
    /// `file:line`, for hints that speak of another place.
    var place: String { "\(file.name):\(line)" }
}

extension Word {
    /// Nanoseconds.
    func time() throws(Diagnostic) -> UInt64 {
        try value("time") { text throws(ValueError) in try TimeSpan.milliseconds(text) } * 1_000_000
    }

    /// Bytes.
    func size(in bounds: ClosedRange<UInt64> = 0...UInt64(Int64.max)) throws(Diagnostic) -> UInt64 {
        try value("size") { text throws(ValueError) in try Numbers.size(text, in: bounds) }
    }

    func integer(in bounds: ClosedRange<UInt64>) throws(Diagnostic) -> Int {
        Int(try value("number") { text throws(ValueError) in try Numbers.integer(text, in: bounds) })
    }

    func flag() throws(Diagnostic) -> Bool {
        try value("value") { text throws(ValueError) in try Numbers.flag(text) }
    }
}
