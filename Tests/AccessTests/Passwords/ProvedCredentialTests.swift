import Bytes
import Limits
import Testing

@testable import Access

@Suite struct ProvedCredentialTests {
    private let table: PasswordTable
    private let hasher = SipHash128()

    init() throws { table = try parse("alice:\(aliceHash)\n").table }

    private func text(_ proved: borrowing ProvedCredential) -> String { proved.user.readable.string }

    private func knows(_ proved: borrowing ProvedCredential, _ value: String, _ other: PasswordTable? = nil) -> Bool {
        proved.matches(bytes(value).span, other ?? table, hasher)
    }

    @Test func knowsNothingAtFirst() {
        let proved = ProvedCredential()
        #expect(knows(proved, "Basic YWxpY2U6eA==") == false)
        #expect(knows(proved, "") == false)
    }

    @Test func knowsTheVeryFieldThatWasProved() {
        var proved = ProvedCredential()
        proved.remember(bytes("Basic YWxpY2U6eA==").span, table, hasher, user: bytes("alice").span)
        #expect(knows(proved, "Basic YWxpY2U6eA==") == true)
        #expect(text(proved) == "alice")
        for other in ["", "Basic", "basic YWxpY2U6eA==", "Basic YWxpY2U6eQ==", "Basic YWxpY2U6eA==="] {
            #expect(knows(proved, other) == false, "\(other)")
        }
    }

    @Test func holdsForOneTableOnly() throws {
        var proved = ProvedCredential()
        proved.remember(bytes("Basic YWxpY2U6eA==").span, table, hasher, user: bytes("alice").span)
        let same = try parse("alice:\(aliceHash)\n").table
        #expect(knows(proved, "Basic YWxpY2U6eA==", same) == false)
    }

    @Test func isReplacedAndForgotten() {
        var proved = ProvedCredential()
        proved.remember(bytes("Basic YWxpY2U6eA==").span, table, hasher, user: bytes("alice").span)
        let long = String(repeating: "b", count: 200)
        proved.remember(bytes("Basic YmI6eA==").span, table, hasher, user: bytes(long).span)
        #expect(knows(proved, "Basic YWxpY2U6eA==") == false)
        #expect(knows(proved, "Basic YmI6eA==") == true)
        #expect(text(proved) == long)
        proved.forget()
        #expect(knows(proved, "Basic YmI6eA==") == false)
        #expect(text(proved) == "")
    }
}
