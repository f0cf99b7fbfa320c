import Testing

@testable import TLS

@Suite struct CertificateFilesTests {
    let certificates = TestCertificates()

    func load(_ files: CertificateFiles) -> TLSError? {
        do {
            _ = try ServerContext(ServerTLSSettings(certificates: [files]))
            return nil
        } catch { return error }
    }

    @Test func missingFilesAreNamed() {
        let good = certificates.make("good")
        let chain = load(CertificateFiles(chain: certificates.path("nowhere.pem"), key: good.key))
        #expect(chain?.stage == .loadingCertificate)
        #expect(chain?.file == certificates.path("nowhere.pem"))
        #expect(chain?.description.contains("No such file") == true, "\(String(describing: chain))")
        let key = load(CertificateFiles(chain: good.chain, key: certificates.path("nowhere.key")))
        #expect(key?.stage == .loadingKey)
        #expect(key?.file == certificates.path("nowhere.key"))
    }

    @Test(arguments: [TestCertificates.Kind.ecdsa, .rsa])
    func mismatchIsToldAsOne(kind: TestCertificates.Kind) {
        let (one, two) = (certificates.make("one"), certificates.make("two", kind: kind))
        let error = load(CertificateFiles(chain: one.chain, key: two.key))
        #expect(error?.stage == .matchingKey)
        #expect(error?.file == two.key)
        #expect(error?.isNoise == false)
    }

    @Test func halfWrittenFileIsAnError() {
        let files = certificates.make("half")
        certificates.write("half.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n")
        #expect(load(files)?.stage == .loadingCertificate)
    }

    @Test func unknownSettingsAreNamed() {
        let files = certificates.make("settings")
        for change in [
            { $0.ciphers = "NONSENSE" }, { $0.cipherSuites = "TLS_NONSENSE" }, { $0.groups = "P-1" },
        ] as [(inout ServerTLSSettings) -> Void] {
            var settings = ServerTLSSettings(certificates: [files])
            change(&settings)
            let error = #expect(throws: TLSError.self) { try ServerContext(settings) }
            #expect(error?.description.contains("\"") == true, "\(String(describing: error))")
        }
    }

    @Test func noCertificateIsAnError() {
        #expect(throws: TLSError.self) { try ServerContext(ServerTLSSettings(certificates: [])) }
    }

    @Test func stampChangesWithTheFiles() throws {
        let files = certificates.make("stamped")
        let settings = ServerTLSSettings(certificates: [files])
        let context = try ServerContext(settings)
        #expect(settings.stamp() == context.stamp)
        certificates.write("stamped.pem", "x")
        #expect(settings.stamp() != context.stamp)
    }

    /// Sessions, and connections of before a reload, hang on this.
    @Test func demandsChangeWithTheFiles() throws {
        certificates.write("roots.pem", "one")
        var settings = ServerTLSSettings(certificates: [certificates.make("demands")])
        settings.clientTrustedFile = certificates.path("roots.pem")
        #expect(try settings.clientDemands().isEmpty)
        settings.clientVerification = .optional
        let before = try settings.clientDemands()
        #expect(try settings.clientDemands() == before)
        let stamp = settings.stamp()
        certificates.write("roots.pem", "other")
        #expect(try settings.clientDemands() != before)
        #expect(settings.stamp() != stamp)
        certificates.write("roots.pem", "one")
        settings.clientRevocationFile = certificates.path("roots.pem")
        #expect(try settings.clientDemands() != before)
        settings.clientRevocationFile = certificates.path("nowhere.pem")
        #expect(throws: TLSError.self) { try settings.clientDemands() }
    }

    @Test(arguments: [
        ("TLSv1", TLSProtocol.v1_0), ("TLSv1.1", .v1_1), ("TLSv1.2", .v1_2), ("TLSv1.3", .v1_3), ("SSLv3", nil),
        ("tlsv1.2", nil),
    ])
    func protocolNames(name: String, expected: TLSProtocol?) { #expect(TLSProtocol(name: name) == expected) }
}
