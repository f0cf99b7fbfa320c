package import Bytes

/// A user name and a password out of an `Authorization` field (RFC 7617), in memory that is wiped and used again.
///
/// Each loop keeps one. `decoded` holds `user:password`; `user` and `password` are ranges into its `written` bytes, valid until
/// the next `parse` or `wipe`.
package struct BasicCredentials: ~Copyable {
    /// What became of a field's value.
    package enum Outcome: Sendable, Equatable {
        case parsed
        /// Another scheme, such as `Bearer`: whoever handles that may look.
        case otherScheme
        /// `Basic`, but nothing that could be anybody's credentials.
        case malformed(Flaw)
    }

    /// What is wrong with a value.
    package enum Flaw: Error, Sendable, Equatable {
        /// More than 4 KiB, or more than the longest name and password come to.
        case tooLong
        case notBase64
        /// No colon between name and password.
        case missingColon
        case emptyUser
        /// A name of more than 255 bytes, which no file can hold.
        case userTooLong
        /// A password of more than 1024 bytes.
        case passwordTooLong
        /// Control characters, which RFC 7617 forbids in both.
        case controlCharacter
    }

    package static let maximumUserCount = 255
    package static let maximumPasswordCount = 1024
    private static let maximumValueCount = 4096
    private static let maximumDecodedCount = maximumUserCount + 1 + maximumPasswordCount

    package private(set) var decoded: ByteBuffer
    package private(set) var user = 0..<0
    package private(set) var password = 0..<0

    package init() { decoded = ByteBuffer(capacity: Base64.maximumDecodedCount(Self.maximumDecodedCount * 4 / 3 + 4)) }

    deinit {
        unsafe decoded.withReadable { unsafe wipeMemory(UnsafeMutableRawBufferPointer(mutating: $0)) }
    }

    /// Takes a value of `Authorization` apart. What was held before is wiped first.
    package mutating func parse(_ value: borrowing Span<UInt8>) -> Outcome {
        wipe()
        var index = 0
        while index < value.count, value[index] != ASCII.space, value[index] != ASCII.tab { index += 1 }
        guard value.extracting(0..<index).equalsIgnoringCase("basic") else { return .otherScheme }
        while index < value.count, value[index] == ASCII.space { index += 1 }
        var end = value.count
        while end > index, value[end - 1] == ASCII.space || value[end - 1] == ASCII.tab { end -= 1 }
        guard value.count <= Self.maximumValueCount, Base64.maximumDecodedCount(end - index) <= decoded.capacity else {
            return .malformed(.tooLong)
        }
        guard end > index, Base64.decode(value.extracting(index..<end), into: &decoded) else {
            return .malformed(.notBase64)
        }
        switch Self.colon(in: decoded.written) {
        case .failure(let flaw):
            wipe()
            return .malformed(flaw)
        case .success(let colon):
            user = 0..<colon
            password = (colon + 1)..<decoded.writeIndex
            return .parsed
        }
    }

    /// Takes a name and a password that came by other ways than `Authorization`. False when they could be nobody's.
    package mutating func take(user: borrowing Span<UInt8>, password: borrowing Span<UInt8>) -> Bool {
        wipe()
        guard user.count > 0, user.count <= Self.maximumUserCount, password.count <= Self.maximumPasswordCount,
            user.firstIndex(of: ASCII.colon, in: 0..<user.count) == nil
        else { return false }
        decoded.append(user)
        decoded.append(ASCII.colon)
        decoded.append(password)
        guard case .success(let colon) = Self.colon(in: decoded.written) else {
            wipe()
            return false
        }
        self.user = 0..<colon
        self.password = (colon + 1)..<decoded.writeIndex
        return true
    }

    /// Overwrites what is held.
    package mutating func wipe() {
        decoded.wipe()
        user = 0..<0
        password = 0..<0
    }

    /// Where the name ends, if all is as it must be.
    private static func colon(in bytes: borrowing Span<UInt8>) -> Result<Int, Flaw> {
        var colon = -1
        for index in 0..<bytes.count {
            let byte = bytes[index]
            if byte < 0x20 || byte == 0x7F { return .failure(.controlCharacter) }
            if byte == ASCII.colon, colon < 0 { colon = index }
        }
        if colon < 0 { return .failure(.missingColon) }
        if colon == 0 { return .failure(.emptyUser) }
        if colon > maximumUserCount { return .failure(.userTooLong) }
        if bytes.count - colon - 1 > maximumPasswordCount { return .failure(.passwordTooLong) }
        return .success(colon)
    }
}
