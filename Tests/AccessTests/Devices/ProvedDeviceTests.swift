import Limits
import Testing

@testable import Access

@Suite struct ProvedDeviceTests {
    private let hasher = SipHash128()
    private let id = DeviceID(high: 1, low: 2)
    private let cookie = DeviceKey.random().sign(DeviceID(high: 1, low: 2))

    @Test func knowsTheVeryCookieThatWasVerified() {
        var proved = ProvedDevice()
        #expect(proved.matches(cookie.span, key: 0, hasher) == nil)
        #expect(proved.matches(cookie.span, key: 1, hasher) == nil)
        proved.remember(cookie.span, key: 1, hasher, id)
        #expect(proved.matches(cookie.span, key: 1, hasher) == id)
        for place in cookie.indices {
            var other = cookie
            other[place] ^= 1
            #expect(proved.matches(other.span, key: 1, hasher) == nil, "\(place)")
        }
        for other in [[], Array(cookie.dropLast()), cookie + [0x41]] {
            #expect(proved.matches(other.span, key: 1, hasher) == nil)
        }
        proved.forget()
        #expect(proved.matches(cookie.span, key: 1, hasher) == nil)
        #expect(proved.matches(cookie.span, key: 0, hasher) == nil)
    }

    @Test func anotherKeySignsOtherCookies() {
        var proved = ProvedDevice()
        proved.remember(cookie.span, key: 1, hasher, id)
        #expect(proved.matches(cookie.span, key: 2, hasher) == nil)
    }
}
