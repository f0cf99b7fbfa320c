import ConfigSyntax
import Glibc
import Testing

/// Files held in memory; a pattern matches by its prefix before `*`.
struct MemoryLoader: FileLoader {
    var files: [String: String]

    func read(_ path: String, limit: Int) throws(FileLoadError) -> [UInt8] {
        guard let text = files[path] else { throw .system(ENOENT) }
        return Array(text.utf8)
    }

    func paths(matching pattern: String) -> [String] {
        let prefix = pattern.prefix { $0 != "*" }
        return files.keys.filter { $0.hasPrefix(prefix) }.sorted()
    }
}

private func names(_ directives: [Directive]) -> String {
    directives.map { $0.name.text + ($0.block.map { "(\(names($0)))" } ?? "") }.joined(separator: " ")
}

private func load(_ files: [String: String]) throws -> SourceTree {
    try IncludeExpander.load(path: "/c/main", directory: "/c", loader: MemoryLoader(files: files))
}

struct IncludeTests {
    @Test func putsFilesInPlace() throws {
        let tree = try load([
            "/c/main": "a { include one; } include d/*; include nothing*; b;", "/c/one": "x; include /y;", "/y": "y;",
            "/c/d/2": "two;", "/c/d/1": "one;",
        ])
        #expect(names(tree.directives) == "a(x y) one two b")
        #expect(tree.diagnostics.isEmpty)
        #expect(tree.files.map(\.name) == ["/c/main", "/c/one", "/y", "/c/d/1", "/c/d/2"])
        #expect(tree.files.map(\.order) == [0, 1, 2, 3, 4])
    }

    @Test(arguments: [
        (["/c/main": "include x;"], "can't read \"/c/x\": No such file or directory"),
        (["/c/main": "include main;"], "\"/c/main\" includes itself"),
        (["/c/main": "include a;", "/c/a": "include main;"], "\"/c/main\" includes itself"),
        (["/c/main": "include;"], "invalid number of arguments in \"include\" directive"),
        (["/c/main": "include a b;"], "invalid number of arguments in \"include\" directive"),
        (["/c/main": "include a { }"], "directive \"include\" is not terminated by \";\""),
        (["/c/main": "a { include b; }", "/c/b": "}"], "unexpected \"}\""),
        (["/c/main": "include b; c;", "/c/b": "x {"], "unexpected end of file, expecting \"}\""),
    ])
    func reports(files: [String: String], message: String) throws {
        #expect(try load(files).diagnostics.map(\.message) == [message])
    }

    @Test func boundsDepthAndCount() throws {
        var chain = ["/c/main": "include f1;"]
        for level in 1...12 { chain["/c/f\(level)"] = "include f\(level + 1);" }
        #expect(try load(chain).diagnostics.map(\.message) == ["too many includes in each other"])

        let many = "include a;\n" + String(repeating: "include a;\n", count: SyntaxLimits.files)
        let tree = try load(["/c/main": many, "/c/a": ""])
        #expect(tree.files.count == SyntaxLimits.files)
        #expect(tree.diagnostics.first?.message == "too many included files")
    }

    @Test func readsTheFileSystem() throws {
        let loader = SystemFileLoader()
        #expect(try !loader.read("/proc/self/status", limit: 1 << 20).isEmpty)
        #expect(throws: FileLoadError.system(ENOENT)) { try loader.read("/nowhere/at/all", limit: 10) }
        #expect(throws: FileLoadError.isDirectory) { try loader.read("/", limit: 10) }
        #expect(throws: FileLoadError.tooLong) { try loader.read("/dev/zero", limit: 10) }
        #expect(loader.paths(matching: "/proc/self/stat*").contains("/proc/self/status"))
        #expect(loader.paths(matching: "/nowhere/*").isEmpty)
        #expect(throws: FileLoadError.system(ENOENT)) {
            try IncludeExpander.load(path: "/nowhere", directory: "/", loader: loader)
        }
    }
}
