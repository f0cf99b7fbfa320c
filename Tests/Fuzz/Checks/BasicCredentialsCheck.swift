import Access
import Bytes

/// Accepted credentials are the canonical base64 of `user:password`; refused ones leave nothing behind.
enum BasicCredentialsCheck {
    static func check(_ input: [UInt8]) throws(Broken) {
        var credentials = BasicCredentials()
        // What came before must not shine through.
        _ = credentials.parse(Array("Basic YmVmb3JlOnNlY3JldA==".utf8).span)
        guard credentials.parse(input.span) == .parsed else {
            try hold(credentials.decoded.writeIndex == 0, "bytes of refused credentials are kept")
            return try hold(credentials.user.isEmpty && credentials.password.isEmpty, "ranges of refused credentials")
        }
        let decoded = credentials.decoded.written.array
        let (user, password) = (credentials.user, credentials.password)
        try hold(user.lowerBound == 0 && user.upperBound + 1 == password.lowerBound, "\(user), \(password)")
        try hold(password.upperBound == decoded.count, "\(password) of \(decoded.count)")
        try hold(decoded[user.upperBound] == 0x3A && !decoded[user].contains(0x3A), "the first colon is elsewhere")
        try hold((1...255).contains(user.count) && password.count <= 1024, "\(user), \(password)")
        try hold(!decoded.contains { $0 < 0x20 || $0 == 0x7F }, "control characters")
        let words = input.split { $0 == 0x20 || $0 == 9 }.map { Array($0) }
        try hold(words.count == 2 && HeadText.lowered(words[0]) == Array("basic".utf8), "another scheme")
        try hold(Base64.encode(decoded.span) == words[1], "base64 that isn't canonical")
        credentials.wipe()
        try hold(credentials.decoded.writeIndex == 0, "bytes are left after wiping")
    }
}
