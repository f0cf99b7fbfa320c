import Glibc

/// Why an htpasswd file can't be read or changed.
package enum PasswordFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call failed: its name, the path, and `errno`.
    case system(operation: String, path: String, code: Int32)
    case notRegularFile(path: String)
    case tooLarge(bytes: Int)
    case tooManyUsers
    case name(UserNameError)
    case noSuchUser(String)
    case userExists(String)

    package var description: String {
        switch self {
        case .system(let operation, let path, let code):
            "\(path): \(operation): \(unsafe String(cString: strerror(code)))\(Self.hint(operation, code))"
        case .notRegularFile(let path): "\(path): not a regular file"
        case .tooLarge(let bytes): "the file has \(bytes) bytes; at most \(PasswordFile.maximumSize) are read"
        case .tooManyUsers: "the file has more than \(PasswordFile.maximumUsers) users"
        case .name(let error): error.description
        case .noSuchUser(let name): "there is no user \"\(name)\""
        case .userExists(let name): "there is a user \"\(name)\" already"
        }
    }

    private static func hint(_ operation: String, _ code: Int32) -> String {
        switch (operation, code) {
        case ("rename", EBUSY):
            ". The file is a mount of its own, so it can't be replaced as a whole: mount its directory instead"
        case ("fchown", EPERM): ". The file belongs to somebody else: run as its owner or as root"
        default: ""
        }
    }
}
