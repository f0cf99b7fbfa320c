/// Changes an htpasswd file under a lock and as a whole, as `LockedFile` says. Blocks: for the command line.
///
/// Hash the password before, so that the lock is held for moments only.
package struct PasswordFileEditor: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// The file's text as it is. Throws when it doesn't exist.
    package func read() throws(PasswordFileError) -> PasswordDocument {
        PasswordDocument(try FileSystem.read(path, limit: PasswordFile.maximumSize))
    }

    /// Applies `change` to what the file holds once the lock is ours. A file that doesn't exist is made with mode 0600 if
    /// `creating`. When `change` throws, or changes nothing, the file stays as it is.
    package func edit(
        creating: Bool = false,
        _ change: (inout PasswordDocument) throws(PasswordFileError) -> Void
    ) throws(PasswordFileError) {
        let file = try LockedFile(path: path, limit: PasswordFile.maximumSize, creating: creating)
        let before = PasswordDocument(file.before ?? [])
        var document = before
        try change(&document)
        if document == before, file.before != nil { return }
        try file.replace(with: document.text)
    }
}
