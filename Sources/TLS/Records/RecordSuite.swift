internal import COpenSSL

/// The cipher suites of TLS 1.3 whose records Postern protects itself (RFC 8446, B.4).
package enum RecordSuite: UInt8, Sendable, CaseIterable {
    case aes128GCM, aes256GCM, chacha20Poly1305

    /// By the number on the wire; nil for any other suite.
    init?(identifier: UInt16) {
        switch identifier {
        case 0x1301: self = .aes128GCM
        case 0x1302: self = .aes256GCM
        case 0x1303: self = .chacha20Poly1305
        default: return nil
        }
    }

    /// The name as OpenSSL has it.
    package var name: StaticString {
        switch self {
        case .aes128GCM: "TLS_AES_128_GCM_SHA256"
        case .aes256GCM: "TLS_AES_256_GCM_SHA384"
        case .chacha20Poly1305: "TLS_CHACHA20_POLY1305_SHA256"
        }
    }

    /// Bytes of a key.
    var keyLength: Int { self == .aes128GCM ? 16 : 32 }

    var hash: RecordHash { self == .aes256GCM ? .sha384 : .sha256 }

    var cipher: OpaquePointer? {
        switch self {
        case .aes128GCM: unsafe FetchedCipher.aes128GCM.pointer
        case .aes256GCM: unsafe FetchedCipher.aes256GCM.pointer
        case .chacha20Poly1305: unsafe FetchedCipher.chacha20Poly1305.pointer
        }
    }
}

/// Fetched once and kept: looking an algorithm up costs more than using it.
@safe
private struct FetchedCipher: @unchecked Sendable {
    let pointer: OpaquePointer?

    init(_ name: String) { unsafe pointer = EVP_CIPHER_fetch(nil, name, nil) }

    static let aes128GCM = FetchedCipher("AES-128-GCM")
    static let aes256GCM = FetchedCipher("AES-256-GCM")
    static let chacha20Poly1305 = FetchedCipher("ChaCha20-Poly1305")
}
