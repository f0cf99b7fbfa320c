import Glibc

/// Why an API key file can't be read or changed as a whole. Nobody gets in by a file that can't be read.
package enum APIKeyFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call failed: its name, the path, and `errno`.
    case system(operation: String, path: String, code: Int32)
    case notRegularFile(path: String)
    case tooLarge(bytes: Int)
    case tooManyKeys
    /// Not JSON.
    case syntax(JSONError)
    /// JSON, but not an object with an array called `keys`.
    case noKeys(TextPosition)
    case noSuchKey(String)
    case keyExists(String)
    /// What a new key is to be isn't possible.
    case refused(String)

    init(_ error: PasswordFileError) {
        switch error {
        case .system(let operation, let path, let code): self = .system(operation: operation, path: path, code: code)
        case .notRegularFile(let path): self = .notRegularFile(path: path)
        case .tooLarge(let bytes): self = .tooLarge(bytes: bytes)
        case .tooManyUsers, .name, .noSuchUser, .userExists: self = .refused(error.description)
        }
    }

    package var description: String {
        switch self {
        case .system(let operation, let path, let code):
            PasswordFileError.system(operation: operation, path: path, code: code).description
        case .notRegularFile(let path): "\(path): not a regular file"
        case .tooLarge(let bytes): "the file has \(bytes) bytes; at most \(APIKeyFile.maximumSize) are read"
        case .tooManyKeys: "the file has more than \(APIKeyFile.maximumKeys) keys"
        case .syntax(let error): error.description
        case .noKeys(let position): "\(position): expected an object with an array of keys: {\"keys\": […]}"
        case .noSuchKey(let id): "there is no key \"\(id)\""
        case .keyExists(let id): "there is a key \"\(id)\" already"
        case .refused(let reason): reason
        }
    }
}
