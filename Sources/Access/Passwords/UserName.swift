import Bytes

/// What a name must be to stand in an htpasswd file.
package enum UserName {
    /// Bytes a name may have.
    package static let maximumCount = 255

    /// The first reason why `name` can't be a user's, or nil.
    package static func flaw(_ name: borrowing Span<UInt8>) -> UserNameError? {
        if name.isEmpty { return .empty }
        if name.count > maximumCount { return .tooLong(count: name.count) }
        if name[0] == 0x23 { return .startsWithHash }
        for index in 0..<name.count {
            let byte = name[index]
            if byte == ASCII.colon { return .containsColon }
            if byte < 0x20 || byte == 0x7F { return .controlCharacter(byte) }
        }
        return nil
    }
}

/// Why a name can't be a user's.
package enum UserNameError: Error, Sendable, Equatable, CustomStringConvertible {
    case empty
    case tooLong(count: Int)
    case containsColon
    case controlCharacter(UInt8)
    case startsWithHash

    package var description: String {
        switch self {
        case .empty: "the name is empty"
        case .tooLong(let count): "the name has \(count) bytes; at most \(UserName.maximumCount) are allowed"
        case .containsColon: "the name contains \":\", which ends the name both in the file and in Basic authentication"
        case .controlCharacter(let byte):
            "the name contains the control character 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16)), "
                + "which Basic authentication forbids"
        case .startsWithHash: "the name starts with \"#\", which makes the line a comment"
        }
    }
}
