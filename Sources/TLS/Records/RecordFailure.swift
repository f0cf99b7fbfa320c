internal import COpenSSL

/// Why a session whose records Postern protects has to end.
package enum RecordFailure: Error, Sendable, Equatable {
    /// A record was not sealed with the key, or was changed since.
    case badRecord
    /// More than a record may hold.
    case overflow
    /// A record of another type than protected ones have, such as a change_cipher_spec.
    case unexpectedRecord
    /// A version other than the fixed one.
    case wrongVersion
    /// A body of no length at all.
    case emptyRecord
    /// Nothing but padding.
    case noContentType
    /// A message that has no place after the handshake.
    case unexpectedMessage
    /// A key update or an alert of the wrong length.
    case misshapen
    /// A key update that asks for something unheard of.
    case illegalUpdate
    /// More key updates than anyone needs.
    case tooManyUpdates
    /// One record without content after the other.
    case tooManyEmpty
    /// OpenSSL failed at what can't fail.
    case `internal`
    /// The peer gave up, for the reason that the number says (RFC 8446, 6.2).
    case alert(UInt8)

    /// What the peer is told; nil where it knows.
    var alert: UInt8? {
        switch self {
        case .badRecord: UInt8(SSL_AD_BAD_RECORD_MAC)
        case .overflow: UInt8(SSL_AD_RECORD_OVERFLOW)
        case .unexpectedRecord, .noContentType, .unexpectedMessage, .tooManyUpdates, .tooManyEmpty:
            UInt8(SSL_AD_UNEXPECTED_MESSAGE)
        case .wrongVersion, .emptyRecord, .misshapen: UInt8(SSL_AD_DECODE_ERROR)
        case .illegalUpdate: UInt8(SSL_AD_ILLEGAL_PARAMETER)
        case .internal: UInt8(SSL_AD_INTERNAL_ERROR)
        case .alert: nil
        }
    }

    /// OpenSSL's code for the same, so that logs and categories speak with one voice.
    var code: UInt {
        let reason: Int32 =
            switch self {
            case .badRecord: SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC
            case .overflow: SSL_R_DATA_LENGTH_TOO_LONG
            case .unexpectedRecord: SSL_R_BAD_RECORD_TYPE
            case .wrongVersion: SSL_R_WRONG_VERSION_NUMBER
            case .emptyRecord: SSL_R_LENGTH_TOO_SHORT
            case .noContentType: SSL_R_BAD_RECORD_TYPE
            case .unexpectedMessage: SSL_R_UNEXPECTED_MESSAGE
            case .misshapen: SSL_R_LENGTH_MISMATCH
            case .illegalUpdate: SSL_R_BAD_KEY_UPDATE
            case .tooManyUpdates: SSL_R_TOO_MANY_KEY_UPDATES
            case .tooManyEmpty: SSL_R_RECORD_TOO_SMALL
            case .internal: Int32(ERR_R_INTERNAL_ERROR)
            case .alert(let number): 1000 + Int32(number)
            }
        return UInt(ERR_LIB_SSL) << 23 | UInt(reason)
    }
}
