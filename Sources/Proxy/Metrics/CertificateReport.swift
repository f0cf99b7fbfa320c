import TLS

/// When a certificate in use ends.
struct CertificateReport: Sendable, Equatable {
    /// The first name of its server.
    let server: String
    let file: String
    /// Seconds since 1970.
    let expiry: Int

    /// Those that a configuration's servers show, each once, as their files have them now; at most 1024.
    static func all(_ configuration: ProxyConfiguration) -> [CertificateReport] {
        var known: Set<[String]> = []
        var reports: [CertificateReport] = []
        for server in configuration.servers {
            for files in server.tls?.certificates ?? [] where reports.count < 1024 {
                guard known.insert([server.primaryName, files.chain]).inserted,
                    let expiry = files.expiry()
                else { continue }
                reports.append(CertificateReport(server: server.primaryName, file: files.chain, expiry: expiry))
            }
        }
        return reports
    }
}
