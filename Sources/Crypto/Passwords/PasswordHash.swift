import Bytes

/// What a stored password's text says of itself: its scheme and what checking it costs.
package struct PasswordHash: Sendable, Hashable {
    package let scheme: PasswordScheme
    /// What checking costs, in nanoseconds of one core of a common server, give or take a factor of two. For comparing.
    package let costEstimate: UInt64

    /// Why it should be replaced, or nil.
    package var weakness: PasswordWeakness? {
        switch scheme {
        case .plain: .plainText
        case .sha1: .unsalted
        case .saltedSHA1: .fast
        case .des: .eightCharacters
        case .apr1, .md5crypt: .outdated
        case .bcrypt where costEstimate < Self.bcryptCost(10): .cheap
        case .sha256crypt where costEstimate < 5000 * Self.sha256Round: .cheap
        case .sha512crypt where costEstimate < 5000 * Self.sha512Round: .cheap
        case .bcrypt, .sha256crypt, .sha512crypt, .yescrypt: costEstimate > 2_000_000_000 ? .excessive : nil
        }
    }

    /// Nil when `stored` is of no scheme that can be verified, or misshapen.
    package init?(_ stored: borrowing Span<UInt8>) {
        guard stored.count <= 512, let scheme = Self.scheme(of: stored) else { return nil }
        self.scheme = scheme
        switch scheme {
        case .plain:
            costEstimate = 500
        case .sha1:
            guard Self.decodedCount(stored, from: 5) == 20 else { return nil }
            costEstimate = 500
        case .saltedSHA1:
            guard let count = Self.decodedCount(stored, from: 6), count > 20 else { return nil }
            costEstimate = 500
        case .des:
            costEstimate = 5_000
        case .apr1, .md5crypt:
            let start = scheme == .apr1 ? 6 : 3
            guard Self.hasSaltAndDigest(stored, from: start, maximumSalt: 8, digest: 22) else { return nil }
            costEstimate = 180_000
        case .bcrypt:
            guard stored.count == 60, stored[6] == ASCII.dollar, let cost = stored.extracting(4..<6).decimalValue(),
                (4...31).contains(cost), Self.isAlphabet(stored, 7..<60)
            else { return nil }
            costEstimate = Self.bcryptCost(cost)
        case .sha256crypt, .sha512crypt:
            var start = 3
            var rounds = 5000
            if stored.count > 10, stored.extracting(3..<10).equals("rounds=") {
                guard let end = stored.firstIndex(of: ASCII.dollar, in: 10..<stored.count),
                    let count = stored.extracting(10..<end).decimalValue(), (1000...999_999_999).contains(count)
                else { return nil }
                rounds = count
                start = end + 1
            }
            let digest = scheme == .sha256crypt ? 43 : 86
            guard Self.hasSaltAndDigest(stored, from: start, maximumSalt: 16, digest: digest) else { return nil }
            costEstimate = UInt64(rounds) * (scheme == .sha256crypt ? Self.sha256Round : Self.sha512Round)
        case .yescrypt:
            guard let end = stored.firstIndex(of: ASCII.dollar, in: 3..<stored.count), end > 3,
                Self.isAlphabet(stored, 3..<end),
                Self.hasSaltAndDigest(stored, from: end + 1, maximumSalt: 86, digest: 43)
            else { return nil }
            costEstimate = Self.yescryptCost(stored.extracting(3..<end))
        }
    }

    /// The scheme that the text's prefix names, whether or not the rest is in shape. Nil for none.
    package static func scheme(of stored: borrowing Span<UInt8>) -> PasswordScheme? {
        if stored.starts(with: "$apr1$") { return .apr1 }
        if stored.starts(with: "$1$") { return .md5crypt }
        if stored.starts(with: "$2a$") || stored.starts(with: "$2b$") || stored.starts(with: "$2y$") { return .bcrypt }
        if stored.starts(with: "$5$") { return .sha256crypt }
        if stored.starts(with: "$6$") { return .sha512crypt }
        if stored.starts(with: "$y$") { return .yescrypt }
        if stored.starts(with: "{SHA}") { return .sha1 }
        if stored.starts(with: "{SSHA}") { return .saltedSHA1 }
        if stored.starts(with: "{PLAIN}") { return .plain }
        if stored.count == 13, isAlphabet(stored, 0..<13) { return .des }
        return nil
    }

    /// Whether `stored` can be verified against.
    package static func isRecognized(_ stored: borrowing Span<UInt8>) -> Bool { PasswordHash(stored) != nil }

    private static let sha256Round: UInt64 = 300
    private static let sha512Round: UInt64 = 400

    private static func bcryptCost(_ cost: Int) -> UInt64 { 63_000 << UInt64(cost) }

    /// N · r blocks of 128 bytes. The parameters are one flavor character, then log₂ N and r, each less one.
    private static func yescryptCost(_ parameters: borrowing Span<UInt8>) -> UInt64 {
        guard parameters.count >= 3 else { return 20_000_000 }
        let logarithm = min(cryptValue(parameters[1]) + 1, 32)
        return (1 << logarithm) * (cryptValue(parameters[2]) + 1) * 150
    }

    /// The value of a character in crypt's base 64: `./0-9A-Za-z`.
    private static func cryptValue(_ byte: UInt8) -> UInt64 {
        if byte >= 0x61 { return UInt64(byte - 0x61) + 38 }
        if byte >= 0x41 { return UInt64(byte - 0x41) + 12 }
        return byte >= 0x2E ? UInt64(byte - 0x2E) : 0
    }

    private static func isAlphabet(_ stored: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        for index in range {
            let byte = stored[index]
            guard ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == ASCII.dot || byte == ASCII.slash else {
                return false
            }
        }
        return true
    }

    /// Whether `salt$digest` stands from `start` to the end.
    private static func hasSaltAndDigest(
        _ stored: borrowing Span<UInt8>,
        from start: Int,
        maximumSalt: Int,
        digest: Int
    ) -> Bool {
        let dollar = stored.count - digest - 1
        guard dollar >= start, dollar - start <= maximumSalt, stored[dollar] == ASCII.dollar else { return false }
        for index in start..<dollar
        where stored[index] <= 0x20 || stored[index] >= 0x7F || stored[index] == ASCII.dollar {
            return false
        }
        return isAlphabet(stored, (dollar + 1)..<stored.count)
    }

    private static func decodedCount(_ stored: borrowing Span<UInt8>, from start: Int) -> Int? {
        var buffer = ByteBuffer(capacity: 512)
        guard Base64.decode(stored.extracting(start..<stored.count), into: &buffer) else { return nil }
        return buffer.readableCount
    }
}

extension ASCII {
    static let dollar: UInt8 = 0x24
}

extension Span where Element == UInt8 {
    func starts(with prefix: StaticString) -> Bool {
        count >= prefix.utf8CodeUnitCount && extracting(0..<prefix.utf8CodeUnitCount).equals(prefix)
    }
}
