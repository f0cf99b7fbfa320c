import Access
import Bytes
import Crypto

/// The user whom a new set-up has.
enum FirstUser {
    /// Adds the user with a generated password, which is returned and stored as a hash only.
    static func make(_ name: String, in file: String) throws -> String {
        let new = try NewPassword(.generator, .standard, for: name)
        try PasswordFileEditor(path: file).edit(creating: true) { document throws(PasswordFileError) in
            try document.add(name, stored: new.stored)
        }
        return new.generated ?? ""
    }

    /// Whether `password` is the user's in that file. Takes as long as a hash does.
    static func isValid(_ password: String, of name: String, in file: String) throws -> Bool {
        guard let stored = try PasswordFileEditor(path: file).read().stored(name) else { return false }
        var verifier = PasswordVerifier()
        return verifier.verify(password: Array(password.utf8).span, against: stored.span)
    }
}
