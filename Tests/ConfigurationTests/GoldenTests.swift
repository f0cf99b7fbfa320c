import ConfigSyntax
import Configuration
import Glibc
import Testing

/// A file with a configuration, the diagnostics it must bring, and what becomes of it; `----------` between the three.
///
/// `POSTERN_UPDATE_GOLDEN=1 swift test --filter GoldenTests` writes what came out back into the files, to be read in the diff.
struct GoldenFile: CustomTestStringConvertible, Sendable {
    static let separator = "----------\n"
    static let directory = #filePath.dropLast("GoldenTests.swift".count) + "Golden"

    let path: String
    let parts: [String]

    var testDescription: String { String(path.split(separator: "/").last ?? "") }

    static var all: [GoldenFile] {
        let loader = SystemFileLoader()
        return loader.paths(matching: "\(directory)/*.conftest").map { path in
            let bytes = (try? loader.read(path, limit: 1 << 20)) ?? []
            var parts = String(decoding: bytes, as: UTF8.self).split(
                separator: separator,
                omittingEmptySubsequences: false
            )
            while parts.count < 3 { parts.append("") }
            return GoldenFile(path: path, parts: parts.map(String.init))
        }
    }

    func update(_ parts: [String]) {
        guard let file = unsafe fopen(path, "w") else { return }
        unsafe fputs(parts.joined(separator: Self.separator), file)
        unsafe fclose(file)
    }
}

struct GoldenTests {
    static let environment = ConfigurationEnvironment(hostName: "Box.example") { !$0.hasSuffix("-gateway") }

    @Test(arguments: GoldenFile.all)
    func matches(file: GoldenFile) {
        let outcome = ConfigurationLoader.load(text: file.parts[0], environment: Self.environment, loader: NoFiles())
        let model = outcome.configuration.map { ModelDump($0).text } ?? ""
        if unsafe getenv("POSTERN_UPDATE_GOLDEN") != nil { file.update([file.parts[0], outcome.report, model]) }
        #expect(outcome.report == file.parts[1])
        #expect(model == file.parts[2])
        #expect((outcome.configuration == nil) == outcome.diagnostics.hasErrors)
    }

    @Test func findsItsFiles() {
        #expect(GoldenFile.all.count >= 20)
    }
}

/// Nothing to include.
struct NoFiles: FileLoader {
    func read(_ path: String, limit: Int) throws(FileLoadError) -> [UInt8] { throw .system(ENOENT) }
    func paths(matching pattern: String) -> [String] { [] }
}
