import COpenSSL
import Glibc

@testable import TLS

/// A directory of certificates made for one test and removed with it.
@safe
final class TestCertificates {
    enum Kind { case ecdsa, rsa }

    let directory: String
    private let authorityKey: OpaquePointer
    private let authority: OpaquePointer
    private var serial = 1

    init() {
        var template = Array("/tmp/postern-tls-XXXXXX".utf8CString)
        directory = unsafe String(cString: mkdtemp(&template)!)
        unsafe authorityKey = COpenSSL_P256_generate()
        unsafe authority = X509_new()
        unsafe Self.fill(authority, subject: "Test Authority", issuer: "Test Authority", serial: 1, key: authorityKey)
        unsafe Self.extend(authority, NID_basic_constraints, "critical,CA:TRUE")
        unsafe X509_sign(authority, authorityKey, EVP_sha256())
        unsafe Self.write(path("ca.pem")) { unsafe PEM_write_bio_X509($0, authority) }
    }

    deinit {
        unsafe X509_free(authority)
        unsafe EVP_PKEY_free(authorityKey)
        guard let listing = unsafe opendir(directory) else { return }
        while let entry = unsafe readdir(listing) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            unsafe unlink(path(name))
        }
        unsafe closedir(listing)
        unsafe rmdir(directory)
    }

    var authorityFile: String { path("ca.pem") }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Makes a key and a certificate for `names`, and writes both.
    @discardableResult
    func make(_ file: String, names: [String] = ["localhost"], kind: Kind = .ecdsa) -> CertificateFiles {
        serial += 1
        let key = unsafe (kind == .ecdsa ? COpenSSL_P256_generate() : COpenSSL_RSA_generate(2048))!
        let certificate = unsafe X509_new()!
        unsafe Self.fill(certificate, subject: names[0], issuer: "Test Authority", serial: serial, key: key)
        unsafe Self.extend(
            certificate,
            NID_subject_alt_name,
            names.map { $0.first!.isNumber ? "IP:\($0)" : "DNS:\($0)" }.joined(separator: ",")
        )
        unsafe X509_sign(certificate, authorityKey, EVP_sha256())
        let files = CertificateFiles(chain: path("\(file).pem"), key: path("\(file).key"))
        unsafe Self.write(files.chain) { unsafe PEM_write_bio_X509($0, certificate) }
        unsafe Self.write(files.key) { unsafe PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
        unsafe X509_free(certificate)
        unsafe EVP_PKEY_free(key)
        return files
    }

    func write(_ file: String, _ text: String) {
        unsafe Self.write(path(file)) { unsafe BIO_write($0, text, Int32(text.utf8.count)) }
    }

    private static func write(_ path: String, _ body: (OpaquePointer) -> Int32) {
        let bio = unsafe BIO_new_file(path, "wb")!
        let result = unsafe body(bio)
        precondition(result > 0)
        unsafe BIO_free(bio)
    }

    private static func fill(
        _ certificate: OpaquePointer,
        subject: String,
        issuer: String,
        serial: Int,
        key: OpaquePointer
    ) {
        unsafe X509_set_version(certificate, 2)
        unsafe ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial)
        unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), -3600)
        unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), 86400)
        for unsafe(name, text) in unsafe [
            (X509_get_subject_name(certificate), subject), (X509_get_issuer_name(certificate), issuer),
        ] {
            unsafe X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0)
        }
        unsafe X509_set_pubkey(certificate, key)
    }

    private static func extend(_ certificate: OpaquePointer, _ kind: Int32, _ value: String) {
        let made = unsafe X509V3_EXT_conf_nid(nil, nil, kind, value)!
        unsafe X509_add_ext(certificate, made, -1)
        unsafe X509_EXTENSION_free(made)
    }
}
