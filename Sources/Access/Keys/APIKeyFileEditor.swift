/// Changes a file of API keys under a lock and as a whole, as `LockedFile` says. Blocks: for the command line.
package struct APIKeyFileEditor: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// The file as it is. Throws when it doesn't exist or can't be read as keys.
    package func read() throws(APIKeyFileError) -> APIKeyDocument {
        let text: [UInt8]
        do throws(PasswordFileError) {
            text = try FileSystem.read(path, limit: APIKeyFile.maximumSize)
        } catch {
            throw APIKeyFileError(error)
        }
        return try APIKeyDocument(text)
    }

    /// Applies `change` to what the file holds once the lock is ours. A file that doesn't exist is made with mode 0600 if
    /// `creating`. When `change` throws, or changes nothing, the file stays as it is.
    package func edit(
        creating: Bool = false,
        _ change: (inout APIKeyDocument) throws(APIKeyFileError) -> Void
    ) throws(APIKeyFileError) {
        let file = try locked(creating: creating)
        var document = try APIKeyDocument(file.before ?? [])
        try change(&document)
        if document.text == file.before { return }
        do throws(PasswordFileError) {
            try file.replace(with: document.text)
        } catch {
            throw APIKeyFileError(error)
        }
    }

    private func locked(creating: Bool) throws(APIKeyFileError) -> LockedFile {
        do throws(PasswordFileError) {
            return try LockedFile(path: path, limit: APIKeyFile.maximumSize, creating: creating)
        } catch {
            throw APIKeyFileError(error)
        }
    }
}
