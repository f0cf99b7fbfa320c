import Bytes
import Crypto
import Testing

@testable import Access

let aliceHash = "$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/"
let bobHash = "$2y$05$raaDTG3YvWHw/Xe9g2oqIuzwKJWDrEj9nd3E.qPMkuw2YWLrbK8Su"
let carolHash = "$y$j9T$abcdefghijklmnop$0Hi8KsZH/hAMRN9Bam6ce3nmi5QAIz3R/KeaXG/c7p9"

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func parse(_ text: String) throws -> (table: PasswordTable, problems: [PasswordFile.Problem]) {
    try PasswordFile.parse(bytes(text).span)
}

func stored(_ table: PasswordTable, _ name: String) -> String? {
    guard let user = table.find(bytes(name).span) else { return nil }
    return table.withStored(user) { $0.string }
}

func dummyText(_ table: PasswordTable) -> [UInt8]? { table.withDummy { $0.array } }

@Suite struct PasswordFileTests {
    @Test func readsUsersCommentsAndBlankLines() throws {
        let text = "# users\n\nalice:\(aliceHash)\r\n  \nbob:\(bobHash):the second\n# end\ncarol:\(carolHash)"
        let (table, problems) = try parse(text)
        #expect(table.count == 3)
        #expect(stored(table, "alice") == aliceHash)
        #expect(stored(table, "bob") == bobHash)
        #expect(stored(table, "carol") == carolHash)
        #expect(stored(table, "dave") == nil)
        #expect(stored(table, "") == nil)
        #expect(table.names.map { String(decoding: $0, as: UTF8.self) } == ["alice", "bob", "carol"])
        #expect(
            problems == [
                .init(line: 3, name: "alice", kind: .weak(.apr1, .outdated)),
                .init(line: 5, name: "bob", kind: .weak(.bcrypt, .cheap)),
            ]
        )
        #expect(problems.allSatisfy { !$0.isError })
    }

    @Test func locatesProblems() throws {
        let long = String(repeating: "n", count: 256)
        let text = """
            no colon here
            carol:\(carolHash)
            carol:\(bobHash)
            dave:secret
            :\(bobHash)
            \(long):\(bobHash)
            ta\tb:\(bobHash)
            erin:{PLAIN}secret
            """
        let (table, problems) = try parse(text)
        #expect(
            problems == [
                .init(line: 1, name: "", kind: .missingColon),
                .init(line: 3, name: "carol", kind: .duplicate(firstLine: 2)),
                .init(line: 4, name: "dave", kind: .unrecognized),
                .init(line: 5, name: "", kind: .name(.empty)),
                .init(line: 6, name: String(long.dropLast()), kind: .name(.tooLong(count: 256))),
                .init(line: 7, name: "ta?b", kind: .name(.controlCharacter(9))),
                .init(line: 8, name: "erin", kind: .weak(.plain, .plainText)),
            ]
        )
        #expect(stored(table, "carol") == carolHash)
        #expect(stored(table, "erin") == "{PLAIN}secret")
        // Dave's line counts, though he can't log in: a later one must not change that.
        let dave = table.find(bytes("dave").span)
        #expect(dave != nil)
        #expect(dave.flatMap { table.hash(of: $0) } == nil)
        #expect(problems[1].description == "line 3: user \"carol\" is on line 2 already; that one counts")
    }

    @Test func findsAmongTenThousand() throws {
        let text = (0..<10_000).map { "user\($0):{PLAIN}\($0)\n" }.joined()
        let table = try parse(text).table
        #expect(table.count == 10_000)
        for index in 0..<10_000 where stored(table, "user\(index)") != "{PLAIN}\(index)" {
            Issue.record("user\(index)")
        }
        #expect(stored(table, "user10000") == nil)
    }

    @Test func bounds() throws {
        #expect(throws: PasswordFileError.tooManyUsers) {
            try parse((0...PasswordFile.maximumUsers).map { "u\($0):x\n" }.joined())
        }
        #expect(throws: PasswordFileError.tooLarge(bytes: PasswordFile.maximumSize + 1)) {
            try PasswordFile.parse([UInt8](repeating: 0x23, count: PasswordFile.maximumSize + 1).span)
        }
        #expect(try parse("").table.count == 0)
        #expect(throws: PasswordFileError.system(operation: "open", path: "/nonexistent/htpasswd", code: 2)) {
            try PasswordFile.load(path: "/nonexistent/htpasswd")
        }
        #expect(throws: PasswordFileError.notRegularFile(path: "/dev/null")) {
            try PasswordFile.load(path: "/dev/null")
        }
    }

    @Test func aByteOrderMarkIsNoPartOfAName() throws {
        #expect(stored(try parse("\u{FEFF}alice:\(aliceHash)\n").table, "alice") == aliceHash)
    }

    /// Users' stored passwords, and whose settings the dummy must have.
    @Test(arguments: [
        ([aliceHash, bobHash, bobHash], bobHash),
        ([aliceHash, aliceHash, bobHash], aliceHash),
        ([aliceHash, bobHash], bobHash),
        (["{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="], "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="),
        (["{SSHA}K0MZxWoMPVRxegoJBeg1/wEGvbpzYWx0MTIzNA=="], "{SSHA}K0MZxWoMPVRxegoJBeg1/wEGvbpzYWx0MTIzNA=="),
        (["{PLAIN}x"], "{PLAIN}x"),
        (["abpWIu4f4hFp2"], "abpWIu4f4hFp2"),
        ([carolHash, "unknown", "unknown"], carolHash),
    ])
    func theDummyCostsWhatMostCost(_ hashes: [String], _ expected: String) throws {
        let text = hashes.enumerated().map { "user\($0.offset):\($0.element)\n" }.joined()
        let table = try parse(text).table
        let dummy = try #require(dummyText(table))
        let (actual, model) = (PasswordHash(dummy.span), PasswordHash(bytes(expected).span))
        #expect(actual == model)
        #expect(dummy != bytes(expected))
    }

    @Test func nobodyHasNoDummy() throws {
        #expect(try dummyText(parse("# nobody\n").table) == nil)
        #expect(try dummyText(parse("a:unknown\n").table) == nil)
    }
}

@Suite struct UserNameTests {
    @Test(
        arguments: [
            ("", .empty), ("a:b", .containsColon), ("a\nb", .controlCharacter(10)), ("\u{7F}", .controlCharacter(127)),
            ("#a", .startsWithHash), (String(repeating: "a", count: 256), .tooLong(count: 256)),
            (String(repeating: "ä", count: 128), .tooLong(count: 256)),
        ] as [(String, UserNameError)]
    )
    func refuses(_ name: String, _ error: UserNameError) {
        let flaw = UserName.flaw(bytes(name).span)
        #expect(flaw == error)
    }

    @Test(arguments: ["a", "alice@example.com", "Jürgen", "with space", String(repeating: "a", count: 255)])
    func allows(_ name: String) {
        let flaw = UserName.flaw(bytes(name).span)
        #expect(flaw == nil)
    }
}
