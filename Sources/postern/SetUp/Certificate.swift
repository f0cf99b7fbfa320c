import Glibc

/// A self-signed certificate to begin with.
struct Certificate {
    let chain: String
    let key: String

    /// `tls/cert.pem` and `tls/key.pem` in a set-up's directory.
    init(in directory: String) {
        chain = directory + "/tls/cert.pem"
        key = directory + "/tls/key.pem"
    }

    /// Whether both files are there. Throws if only one is: the other can't be made to fit it.
    func exists() throws(CommandError) -> Bool {
        switch (Paths.exists(chain), Paths.exists(key)) {
        case (true, true): return true
        case (false, false): return false
        case (true, false): throw CommandError("\(key) is missing, while \(chain) is there: put both there, or neither")
        case (false, true): throw CommandError("\(chain) is missing, while \(key) is there: put both there, or neither")
        }
    }

    /// Makes both files by running openssl(1): an ECDSA P-256 key, its certificate valid for 397 days (browsers take none
    /// that lives longer than 398) for `name` and this machine's own names.
    func make(name: String) throws(CommandError) {
        try Paths.makeDirectories(Paths.directory(of: chain), mode: 0o755)
        let (newChain, newKey, settings) = (chain + ".new", key + ".new", Paths.directory(of: chain) + "/openssl.new")
        func removeLeftovers() {
            for path in [newChain, newKey, settings] { unsafe unlink(path) }
        }
        removeLeftovers()
        defer { removeLeftovers() }
        try Paths.writeNew(settings, Self.settings(name), mode: 0o600)
        let outcome = try Subprocess.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256",
                "-days", "397", "-subj", "/CN=\(name)", "-config", settings, "-keyout", newKey, "-out", newChain,
            ]
        )
        let instead = "put a certificate and its key at \(chain) and \(key)"
        switch outcome {
        case .succeeded: break
        case .notFound:
            throw CommandError(
                "openssl, which makes the certificate, is not installed: apt install openssl, or \(instead)"
            )
        case .failed(let output):
            throw CommandError("openssl could not make a certificate: \(instead). It said:\n\(output)")
        }
        // The key keeps the mode it was made with, open to its owner only.
        _ = unsafe chmod(newChain, 0o644)
        guard unsafe rename(newKey, key) == 0, unsafe rename(newChain, chain) == 0 else {
            throw .system("can't be put in place", chain)
        }
    }

    /// What openssl(1) is told, in its own file's grammar, so that the machine's openssl.cnf doesn't matter.
    static func settings(_ name: String) -> String {
        let names = (name == "localhost" ? [] : ["DNS:\(name)"]) + ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
        return """
            [req]
            distinguished_name = name
            x509_extensions = server
            [name]
            [server]
            basicConstraints = critical, CA:FALSE
            keyUsage = critical, digitalSignature
            extendedKeyUsage = serverAuth
            subjectKeyIdentifier = hash
            subjectAltName = \(names.joined(separator: ","))

            """
    }

    /// Whether a name can stand in a certificate and in `server_name` as it is.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64 && !name.hasPrefix("-") && !name.hasPrefix(".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
