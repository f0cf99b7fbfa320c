import Limits
import Testing

@testable import Access

@Suite struct ProvedSessionTests {
    private let hasher = SipHash128()
    private let handle = SessionHandle(slot: 3, generation: 4)

    @Test func knowsTheVeryCookieThatWasProved() {
        var proved = ProvedSession()
        #expect(proved.matches(bytes("abc").span, hasher) == nil)
        #expect(proved.matches(bytes("").span, hasher) == nil)
        proved.remember(bytes("abc").span, hasher, handle)
        #expect(proved.matches(bytes("abc").span, hasher) == handle)
        for other in ["", "ab", "abd", "abcd"] { #expect(proved.matches(bytes(other).span, hasher) == nil, "\(other)") }
        proved.forget()
        #expect(proved.matches(bytes("abc").span, hasher) == nil)
    }
}
