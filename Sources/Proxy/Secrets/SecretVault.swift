import Access
import Bytes
import EventLoop
import Glibc

/// The values of all secrets that a configuration refers to, as they were when it was loaded.
///
/// Made at the start and at each reload; a configuration whose secrets can't be had is as good as one with a mistake.
package struct SecretVault: Sendable {
    /// Bytes that a value may have.
    package static let maximumValue = 4096

    /// How files that a vault was made of looked at one moment.
    package struct Stamp: Sendable, Equatable {
        fileprivate let files: [FileStamp?]
    }

    private let values: [SecretReference: Secret]
    /// Files that values came from; a change to one of them calls for a reload.
    private let files: [String]
    /// How they looked before they were read.
    package let stampWhenRead: Stamp

    /// Reads every secret that the configuration refers to, and with them its secrets file.
    ///
    /// Blocks: for reading files, and up to 10 seconds for `age`. Answers the vault and what is unwise.
    package static func load(
        for configuration: ProxyConfiguration
    ) throws(SecretError) -> (vault: SecretVault, warnings: [SecretProblem]) {
        try load(configuration.secretReferences, file: configuration.secretFile)
    }

    /// Reads secrets. A secrets file is read even if no reference needs it, so that its mistakes show at once.
    static func load(
        _ references: Set<SecretReference>,
        file: SecretFile?,
        decryption: AgeDecryption = AgeDecryption()
    ) throws(SecretError) -> (vault: SecretVault, warnings: [SecretProblem]) {
        var reader = SecretReader(decryption: decryption)
        var files = references.compactMap { reference in
            if case .file(let path) = reference { path } else { nil }
        }
        if let file { files += [file.path] + (file.identity.map { [$0] } ?? []) }
        files.sort()
        let stamp = Self.stamp(of: files)
        if let file { reader.read(file) }
        var values: [SecretReference: Secret] = [:]
        for reference in references.sorted(by: { "\($0)" < "\($1)" }) {
            values[reference] = reader.value(reference, hasFile: file != nil)
        }
        guard reader.problems.isEmpty else { throw SecretError(problems: reader.problems, warnings: reader.warnings) }
        let vault = SecretVault(values: values, files: files, stampWhenRead: stamp)
        return (vault, reader.warnings)
    }

    /// The value of a secret that the configuration refers to; nil for any other.
    package func secret(_ reference: SecretReference) -> Secret? { values[reference] }

    /// How its files look now. Other than `stampWhenRead`: the secrets must be read anew. The environment never changes.
    package func stamp() -> Stamp { Self.stamp(of: files) }

    private static func stamp(of files: [String]) -> Stamp { Stamp(files: files.map { FileStamp(path: $0) }) }
}

extension ProxyConfiguration {
    /// Every secret that some location needs.
    package var secretReferences: Set<SecretReference> {
        var found: Set<SecretReference> = []
        for location in servers.flatMap({ [$0.root] + $0.locations }) {
            if case .bearer(let reference) = location.identity.gateway { found.insert(reference) }
        }
        return found
    }
}
