/// Nginx's own flags, read as Nginx reads them: `-tq`, `-cFILE` and `-c FILE` all work (nginx(8)).
struct NginxFlags: Equatable {
    /// What `-s` asks a running process for.
    enum Request: String, CaseIterable {
        case stop, quit, reopen, reload
    }

    var config: String?
    var prefix: String?
    var errorLog: String?
    var directives: String?
    var request: Request?
    /// `-t`
    var tests = false
    /// `-T`
    var dumps = false
    /// `-q`
    var isQuiet = false
    /// `-v`
    var showsVersion = false
    /// `-V`
    var showsBuild = false
    /// `-?` or `-h`
    var showsHelp = false

    /// Whether the command line is Nginx's kind: a single-dash flag comes first.
    static func areMeant(by arguments: [String]) -> Bool {
        guard let first = arguments.first else { return false }
        return first.hasPrefix("-") && !first.hasPrefix("--") && first != "-h"
    }

    /// Reads all arguments. Throws in Nginx's words.
    init(_ arguments: [String]) throws(CommandError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument.count > 1 else {
                throw CommandError("invalid option: \"\(argument)\"")
            }
            var letters = argument.dropFirst()
            while let letter = letters.popFirst() {
                if try take(letter) { continue }
                let attached = letters.isEmpty ? rest.popFirst() : String(letters)
                letters = ""
                try take(letter, attached)
            }
        }
    }

    /// Takes a flag without a value; false for any other.
    private mutating func take(_ letter: Character) throws(CommandError) -> Bool {
        switch letter {
        case "?", "h": showsHelp = true
        case "v": showsVersion = true
        case "V": (showsVersion, showsBuild) = (true, true)
        case "t": tests = true
        case "T": (tests, dumps) = (true, true)
        case "q": isQuiet = true
        case "c", "p", "e", "g", "s": return false
        default: throw CommandError("invalid option: \"\(letter)\"")
        }
        return true
    }

    private mutating func take(_ letter: Character, _ value: String?) throws(CommandError) {
        guard let value, !value.isEmpty else {
            let needed = letter == "p" ? "directory name" : letter == "c" || letter == "e" ? "file name" : "parameter"
            throw CommandError("option \"-\(letter)\" requires \(needed)")
        }
        switch letter {
        case "c": config = value
        case "p": prefix = value
        case "e": errorLog = value
        case "g": directives = value
        default:
            guard let known = Request(rawValue: value) else { throw CommandError("invalid option: \"-s \(value)\"") }
            request = known
        }
    }

    /// The file meant: a relative one starts at the prefix, if there is one.
    var configurationPath: String {
        let base = prefix.map { $0.hasSuffix("/") ? $0 : $0 + "/" }
        guard let config else { return base.map { $0 + "proxy.conf" } ?? Service.standardPath }
        return config.hasPrefix("/") ? config : (base ?? "") + config
    }

    /// The prefix without a final slash.
    var prefixDirectory: String? {
        guard let prefix, prefix.count > 1, prefix.hasSuffix("/") else { return prefix }
        return String(prefix.dropLast())
    }
}
