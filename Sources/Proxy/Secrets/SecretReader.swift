import Access
import Bytes
import Glibc

/// Reads secrets from where they are kept, and gathers what is wrong on the way.
struct SecretReader {
    let decryption: AgeDecryption
    private(set) var problems: [SecretProblem] = []
    private(set) var warnings: [SecretProblem] = []
    /// Of the secrets file; nil if there is none or it can't be used.
    private var named: [String: Secret]?

    /// Bytes that a secrets file may have, encrypted or not.
    static let maximumFile = 65_536

    init(decryption: AgeDecryption) { self.decryption = decryption }

    /// The value, or nil with a problem noted.
    mutating func value(_ reference: SecretReference, hasFile: Bool) -> Secret? {
        switch reference {
        case .environment(let name): return environment(name, reference)
        case .file(let path): return file(path, reference)
        case .named(let name):
            if let value = named?[name] { return value }
            // A file that can't be used has been told of.
            guard named != nil || !hasFile else { return nil }
            let hint = hasFile ? "add the line \(name)=… to it" : "add \"secrets PATH identity=PATH;\""
            problems.append(
                SecretProblem(
                    "\(reference)",
                    hasFile ? "the secrets file has no such name" : "there is no file",
                    hint: hint
                )
            )
            return nil
        }
    }

    private mutating func environment(_ name: String, _ reference: SecretReference) -> Secret? {
        guard let value = unsafe getenv(name) else {
            let hint = "set it where Postern is started (systemd: EnvironmentFile=)"
            problems.append(SecretProblem("\(reference)", "there is no such environment variable", hint: hint))
            return nil
        }
        let count = unsafe strlen(value)
        return unsafe UnsafeRawBufferPointer(start: value, count: count).withMemoryRebound(to: UInt8.self) { bytes in
            checked(unsafe Span(_unsafeElements: bytes), reference)
        }
    }

    private mutating func file(_ path: String, _ reference: SecretReference) -> Secret? {
        guard var bytes = contents(path, limit: SecretVault.maximumValue + 2, "\(reference)") else { return nil }
        defer { wipe(&bytes) }
        var end = bytes.count
        if end > 0, bytes[end - 1] == ASCII.lineFeed {
            end -= 1
            if end > 0, bytes[end - 1] == ASCII.carriageReturn { end -= 1 }
        }
        return checked(bytes.span.extracting(0..<end), reference)
    }

    /// Reads the secrets file, decrypted if it is encrypted.
    mutating func read(_ file: SecretFile) {
        let place = "secrets \(file.path)"
        guard var bytes = contents(file.path, limit: Self.maximumFile, place, warns: file.identity == nil) else {
            return
        }
        defer { wipe(&bytes) }
        if let identity = file.identity {
            // Looked at here, for a better word than age's.
            guard var key = contents(identity, limit: Self.maximumFile, "\(place) identity=\(identity)") else { return }
            wipe(&key)
            do {
                bytes = try decryption.decrypt(file.path, identity: identity, limit: Self.maximumFile)
            } catch {
                problems.append(SecretProblem(place, error.message, hint: error.hint))
                return
            }
        } else if Self.isEncrypted(bytes) {
            problems.append(
                SecretProblem(place, "the file is encrypted", hint: "add identity=PATH, the key to decrypt it")
            )
            return
        }
        var values: [String: Secret] = [:]
        let before = problems.count
        SecretLines.read(bytes) { number, finding, value in
            let line = "\(place), line \(number)"
            switch finding {
            case .mistake(let message, let hint): problems.append(SecretProblem(line, message, hint: hint))
            case .value(let name):
                if values[name] != nil {
                    problems.append(SecretProblem(line, "\"\(name)\" is given twice", hint: "keep one"))
                }
                values[name] = checked(value, line)
            }
        }
        if problems.count == before { named = values }
    }

    private static func isEncrypted(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: "age-encryption.org/".utf8) || bytes.starts(with: "-----BEGIN AGE ENCRYPTED FILE-----".utf8)
    }

    // MARK: Files and values

    /// A small regular file's content; nil with a problem noted. A file that others may read is warned of.
    private mutating func contents(_ path: String, limit: Int, _ place: String, warns: Bool = true) -> [UInt8]? {
        do {
            let file = try FileSystemBytes.read(path, limit: limit)
            if warns, file.isReadableByOthers {
                warnings.append(SecretProblem(place, "others on this machine may read it", hint: "chmod o-rwx \(path)"))
            }
            return file.bytes
        } catch {
            problems.append(SecretProblem(place, error.message, hint: error.hint))
            return nil
        }
    }

    private mutating func checked(_ value: borrowing Span<UInt8>, _ reference: SecretReference) -> Secret? {
        checked(value, "\(reference)")
    }

    /// A value must be what can stand in a field (RFC 9110, section 5.5) unchanged.
    private mutating func checked(_ value: borrowing Span<UInt8>, _ place: String) -> Secret? {
        func refuse(_ message: String, _ hint: String) -> SecretProblem { SecretProblem(place, message, hint: hint) }
        guard !value.isEmpty else {
            problems.append(refuse("the value is empty", "put the secret there; \"postern token\" makes one"))
            return nil
        }
        guard value.count <= SecretVault.maximumValue else {
            problems.append(
                refuse("the value is longer than 4096 bytes", "a field would be too long for most gateways")
            )
            return nil
        }
        for index in value.indices where value[index] < 0x20 && value[index] != ASCII.tab || value[index] == 0x7F {
            problems.append(refuse("byte \(index + 1) can't stand in a field", "one line of text is expected"))
            return nil
        }
        let (first, last) = (value[0], value[value.count - 1])
        for byte in [first, last] where byte == ASCII.space || byte == ASCII.tab {
            problems.append(refuse("the value begins or ends with a space", "take the spaces away"))
            return nil
        }
        return Secret(value)
    }
}
