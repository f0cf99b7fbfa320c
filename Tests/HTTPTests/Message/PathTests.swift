import Bytes
import Testing

@testable import HTTP

@Suite("Paths")
struct PathTests {
    static func normalize(_ path: String, merge: Bool = true) throws(PathError) -> (String, PathFacts, Bool) {
        let bytes = Array(path.utf8)
        var output = ByteBuffer([1, 2, 3])
        let result = try PathNormalizer.normalize(bytes.span, mergeSlashes: merge, into: &output)
        if result.isPlain { return (path, result.facts, true) }
        return (output.written.extracting(result.range).string, result.facts, false)
    }

    @Test(
        "Plain paths are their own normal form",
        arguments: [
            "/", "/a", "/a/b/", "/a.b/c..d/e.", "/a~b-c_d:@!$&'()*+,=", "/health", "/__openclaw__/worker", "/a/b.",
        ]
    )
    func plain(path: String) throws {
        let (text, facts, isPlain) = try Self.normalize(path)
        #expect(text == path && facts == [] && isPlain)
    }

    static let normalized: [(String, String, PathFacts)] = [
        ("/%61", "/a", [.escapes]),
        ("/a//b", "/a/b", [.emptySegments]),
        ("//", "/", [.emptySegments]),
        ("/.", "/", [.dotSegments]),
        ("/./", "/", [.dotSegments]),
        ("/a/..", "/", [.dotSegments]),
        ("/a/../", "/", [.dotSegments]),
        ("/a/./b", "/a/b", [.dotSegments]),
        ("/a/b/.", "/a/b/", [.dotSegments]),
        ("/a/b/../c", "/a/c", [.dotSegments]),
        ("/a/b/../../c", "/c", [.dotSegments]),
        ("/.a/..b/...", "/.a/..b/...", []),
        ("/private/..%2fpublic/x", "/public/x", [.escapes, .encodedSlash, .dotSegments]),
        ("/private/%2e%2e/public/x", "/public/x", [.escapes, .encodedDot, .dotSegments]),
        ("/private/.%2E/public/x", "/public/x", [.escapes, .encodedDot, .dotSegments]),
        ("/private%2f..%2fpublic", "/public", [.escapes, .encodedSlash, .dotSegments]),
        ("/a/%252e%252e/b", "/a/%2e%2e/b", [.escapes, .doubleEncoding]),
        ("/a/%25%32%65/b", "/a/%2e/b", [.escapes, .doubleEncoding]),
        ("/100%25", "/100%", [.escapes]),
        ("/100%25zz", "/100%zz", [.escapes]),
        ("/a\\b", "/a\\b", [.backslash]),
        ("/a%5cb", "/a\\b", [.escapes, .encodedBackslash]),
        ("/a;b/c", "/a;b/c", [.semicolonSegment]),
        ("/a%3Bb", "/a;b", [.escapes, .semicolonSegment]),
        ("/a/..;/b", "/a/..;/b", [.semicolonSegment]),
        ("/v1/models/openclaw%2Fdefault", "/v1/models/openclaw/default", [.escapes, .encodedSlash]),
        ("/a%2f/b", "/a/b", [.escapes, .encodedSlash, .emptySegments]),
        ("/%c3%a9", "/\u{e9}", [.escapes, .nonASCII]),
        ("/%f0%9f%98%80", "/\u{1f600}", [.escapes, .nonASCII]),
        ("/a%0d%0ab", "/a\r\nb", [.escapes, .encodedControl]),
        ("/a%3fb%23", "/a?b#", [.escapes]),
    ]

    @Test("Normal forms", arguments: normalized)
    func normal(path: String, expected: String, facts: PathFacts) throws {
        let result = try Self.normalize(path)
        #expect(result.0 == expected)
        #expect(result.1 == facts)
        #expect(!result.2)
    }

    @Test(
        "Slashes stay apart when they aren't to be merged",
        arguments: [
            ("/a//b", "/a//b"), ("//", "//"), ("/a//../b", "/a/b"), ("/a%2f%2fb/./", "/a//b/"),
        ]
    )
    func unmerged(path: String, expected: String) throws {
        #expect(try Self.normalize(path, merge: false).0 == expected)
    }

    static let refused: [(String, PathError)] = [
        ("", .notAbsolute), ("a", .notAbsolute), ("*", .notAbsolute),
        ("/a\0", .nulByte), ("/a%00", .nulByte), ("/%61\0", .nulByte),
        ("/a b", .rawControlOr8Bit), ("/\u{7f}", .rawControlOr8Bit), ("/%61\n", .rawControlOr8Bit),
        ("/\u{e9}", .rawControlOr8Bit), ("/%61\u{e9}", .rawControlOr8Bit),
        ("/a#b", .fragment), ("/%61#", .fragment),
        ("/%", .invalidEscape), ("/%2", .invalidEscape), ("/%zz", .invalidEscape), ("/%u002e", .invalidEscape),
        ("/a%2/b", .invalidEscape),
        ("/%c0%af", .invalidUTF8), ("/..%c0%af..", .invalidUTF8), ("/%e0%80%af", .invalidUTF8),
        ("/%f0%80%80%af", .invalidUTF8), ("/%ed%a0%80", .invalidUTF8), ("/%f4%90%80%80", .invalidUTF8),
        ("/%ff", .invalidUTF8), ("/%c3", .invalidUTF8), ("/%c3/a", .invalidUTF8), ("/%80", .invalidUTF8),
        ("/..", .aboveRoot), ("/a/../..", .aboveRoot), ("/../a", .aboveRoot), ("/%2e%2e/a", .aboveRoot),
        ("/a/..%2f..%2fb", .aboveRoot), ("//../a", .aboveRoot),
    ]

    @Test("What is refused", arguments: refused)
    func refusal(path: String, error: PathError) {
        #expect(throws: error) { try Self.normalize(path) }
    }

    @Test("A refused path leaves the output as it was")
    func restored() {
        var output = ByteBuffer([1, 2, 3])
        let path = Array("/a/../..".utf8)
        var caught: PathError?
        do { _ = try PathNormalizer.normalize(path.span, into: &output) } catch { caught = error }
        #expect(caught == .aboveRoot)
        let content = output.readable.array
        #expect(content == [1, 2, 3])
    }

    static func readings(_ path: String) throws -> [String] {
        let bytes = Array(path.utf8)
        var output = ByteBuffer()
        let facts = try PathNormalizer.normalize(bytes.span, into: &output).facts
        var readings = PathReadings(facts: facts)
        var found: [String] = []
        while readings.next(bytes.span, into: &output) { found.append(output.readable.string) }
        return found
    }

    static let read: [(String, Set<String>)] = [
        ("/plain", []),
        ("/%61", ["/%61", "/a"]),
        ("/a/../b", ["/a/../b", "/b"]),
        ("/a/%2E./b", ["/a/%2E./b", "/b"]),
        ("/a//b", ["/a//b", "/a/b"]),
        (
            "/private/..%2fpublic/x",
            ["/private/..%2fpublic/x", "/private/..%2Fpublic/x", "/public/x"]
        ),
        ("/a/..;x/b", ["/a/..;x/b", "/b"]),
        ("/a/;x/b", ["/a/;x/b", "/a//b", "/a/b"]),
        ("/a/..\\b", ["/a/..\\b", "/b"]),
        ("/a/..%5cb", ["/a/..%5cb", "/a/..\\b", "/b"]),
        ("/a/%252e%252e/b", ["/a/%252e%252e/b", "/a/%2e%2e/b", "/b"]),
        ("/a/..%252fb", ["/a/..%252fb", "/a/..%2fb", "/a/..%2Fb", "/b"]),
        ("/a/..%255cb", ["/a/..%255cb", "/a/..%5cb", "/a/..\\b", "/b"]),
        ("/a/..%253bx/b", ["/a/..%253bx/b", "/a/..%3bx/b", "/a/..;x/b", "/b"]),
        ("/x/%25%32%65%252e/y", ["/x/%25%32%65%252e/y", "/x/%2e%2e/y", "/y"]),
    ]

    @Test("The readings of a path", arguments: read)
    func allReadings(path: String, expected: Set<String>) throws {
        let found = try Self.readings(path)
        #expect(Set(found) == expected)
        #expect(found.count <= 41)
        #expect(found.allSatisfy { $0.utf8.count <= path.utf8.count })
    }

    @Test("The worst path has a bounded number of readings")
    func bounded() throws {
        let path = "/a//..;b\\%5c%2f%3b%252f" + String(repeating: "/x", count: 100)
        #expect(try Self.readings(path).count <= 41)
    }
}
