import Crypto

/// The short code by which a waiting device is approved: eight letters and digits that nobody takes for one another.
package enum DeviceCode {
    /// Without I, O, 0 and 1.
    private static let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789".utf8)

    /// A random code: `ABCD-2345`.
    package static func random() -> String {
        // 32 characters: five bits of each byte.
        var characters = Random.bytes(8).map { alphabet[Int($0 & 31)] }
        characters.insert(0x2D, at: 4)
        return String(decoding: characters, as: UTF8.self)
    }

    /// The code that somebody means who types `text`: in either case, with or without dashes and spaces. Nil when it is none.
    package static func normalized(_ text: String) -> String? {
        var characters: [UInt8] = []
        for byte in text.utf8 where byte != 0x2D && byte != 0x20 {
            let upper = byte >= 0x61 && byte <= 0x7A ? byte - 0x20 : byte
            guard alphabet.contains(upper), characters.count < 8 else { return nil }
            characters.append(upper)
        }
        guard characters.count == 8 else { return nil }
        characters.insert(0x2D, at: 4)
        return String(decoding: characters, as: UTF8.self)
    }
}
