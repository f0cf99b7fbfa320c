import Bytes
import Testing

@testable import Access

@Suite struct DeviceCookieTests {
    private let key = DeviceKey(Array(0..<32))!
    private let id = DeviceID(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10)

    private func verify(_ value: String, _ key: DeviceKey? = nil) -> DeviceID? {
        (key ?? self.key).verify(bytes(value).span)
    }

    private var cookie: String { String(decoding: key.sign(id), as: UTF8.self) }

    @Test func knowsWhatItSigned() {
        #expect(cookie.utf8.count == 64)
        #expect(cookie.hasPrefix("AQIDBAUGBwgJCgsMDQ4P"))
        #expect(verify(cookie) == id)
        #expect(verify(cookie, DeviceKey(key.secret)) == id)
        #expect(key.sign(.none).count == 64)
        #expect(verify(String(decoding: key.sign(.none), as: UTF8.self)) == nil)
    }

    @Test func knowsNothingElse() {
        #expect(verify(cookie, .random()) == nil)
        #expect(verify("") == nil)
        #expect(verify(cookie + "A") == nil)
        #expect(verify(String(cookie.dropLast())) == nil)
        #expect(verify(String(repeating: "A", count: 64)) == nil)
        for index in 0..<64 {
            var changed = Array(cookie.utf8)
            changed[index] = changed[index] == 0x41 ? 0x42 : 0x41
            #expect(verify(String(decoding: changed, as: UTF8.self)) == nil, "\(index)")
            changed[index] = 0x3D
            #expect(verify(String(decoding: changed, as: UTF8.self)) == nil, "\(index)")
        }
    }

    /// The code by another hand: Python's `hmac.new(bytes(range(32)), b"postern device" + bytes(range(1, 17)), "sha256")`.
    @Test func signsAsOthersDo() {
        #expect(cookie == "AQIDBAUGBwgJCgsMDQ4PEGUAONSffkcwBDeCWatmY6wpg6cuJCU_TOUsyg6QY7Ix")
    }

    @Test(arguments: [31, 33, 0])
    func takesKeysOf32BytesOnly(count: Int) {
        #expect(DeviceKey([UInt8](repeating: 1, count: count)) == nil)
    }

    @Test func idsAreHexadecimalText() {
        #expect(id.hexadecimal == "0102030405060708090a0b0c0d0e0f10")
        #expect(DeviceID(hexadecimal: "0102030405060708090A0b0c0d0e0f10") == id)
        for wrong in ["", "01", String(repeating: "g", count: 32), id.hexadecimal + "00"] {
            #expect(DeviceID(hexadecimal: wrong) == nil, "\(wrong)")
        }
        #expect(DeviceID.random() != DeviceID.random())
    }

    @Test(arguments: [
        ("ABCD-2345", "ABCD-2345"), ("abcd2345", "ABCD-2345"), (" abcd 2345 ", "ABCD-2345"),
        ("a-b-c-d-2-3-4-5", "ABCD-2345"),
        ("ABCD-234", nil), ("ABCD-23456", nil), ("ABCD-2340", nil), ("OBCD-2345", nil), ("1BCD-2345", nil), ("", nil),
        ("ABCD_2345", nil), ("ÄBCD-2345", nil),
    ])
    func readsCodesAsPeopleTypeThem(text: String, code: String?) {
        #expect(DeviceCode.normalized(text) == code)
    }

    @Test func codesHaveNoLookAlikes() {
        for _ in 0..<200 {
            let code = DeviceCode.random()
            #expect(code.utf8.count == 9)
            #expect(!code.contains { "IO01".contains($0) })
            #expect(DeviceCode.normalized(code) == code)
        }
    }
}
