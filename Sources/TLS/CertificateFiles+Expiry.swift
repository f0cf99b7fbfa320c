internal import COpenSSL
internal import Glibc

extension CertificateFiles {
    /// When the server's own certificate ends, in seconds since 1970; nil where the file can't be read.
    package func expiry() -> Int? {
        defer { ERR_clear_error() }
        guard let content = readFile(chain, limit: 1 << 20) else { return nil }
        return unsafe content.withUnsafeBytes { bytes -> Int? in
            guard let input = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
            defer { unsafe BIO_free(input) }
            guard let certificate = unsafe PEM_read_bio_X509(input, nil, nil, nil) else { return nil }
            defer { unsafe X509_free(certificate) }
            var time = unsafe tm()
            guard unsafe ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1 else { return nil }
            return unsafe timegm(&time)
        }
    }
}
