import TLS

/// Notices when certificate files change.
struct CertificateWatch {
    private let settings: [ServerTLSSettings]
    private var stamps: [CertificateStamp]

    init(_ configuration: ProxyConfiguration) {
        settings = configuration.servers.compactMap(\.tls)
        stamps = settings.map { $0.stamp() }
    }

    /// Whether some file is another one than at the last call.
    mutating func haveChanged() -> Bool {
        let fresh = settings.map { $0.stamp() }
        guard fresh != stamps else { return false }
        stamps = fresh
        return true
    }
}
