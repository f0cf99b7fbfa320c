import Bytes
import Testing

struct ASCIITests {
    /// RFC 9110, section 5.6.2.
    private static let tokens = Set(
        Array("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
    )

    @Test func tokensAreThoseOfTheStandard() {
        for byte in UInt8.min...UInt8.max { #expect(ASCII.isToken(byte) == Self.tokens.contains(byte), "\(byte)") }
    }

    @Test func classesAgreeWithTheirNames() {
        for byte in UInt8.min...UInt8.max {
            let scalar = Character(Unicode.Scalar(byte))
            let isASCII = byte < 128
            #expect(ASCII.isDigit(byte) == (isASCII && scalar.isWholeNumber), "\(byte)")
            #expect(ASCII.isUppercase(byte) == ("A"..."Z").contains(scalar), "\(byte)")
            #expect(ASCII.isLowercase(byte) == ("a"..."z").contains(scalar), "\(byte)")
            #expect(ASCII.isLetter(byte) == (ASCII.isUppercase(byte) || ASCII.isLowercase(byte)), "\(byte)")
            #expect(ASCII.lowercased(byte) == (ASCII.isUppercase(byte) ? byte + 32 : byte), "\(byte)")
            #expect(ASCII.hexValue(byte) == (isASCII ? scalar.hexDigitValue.map { UInt8($0) } : nil), "\(byte)")
            #expect(ASCII.isFieldValue(byte) == (byte == 9 || (byte >= 32 && byte != 127)), "\(byte)")
        }
        for nibble in UInt8(0)..<16 {
            #expect(ASCII.hexValue(ASCII.lowercaseHexDigit(nibble)) == nibble)
            #expect(ASCII.hexValue(ASCII.uppercaseHexDigit(nibble)) == nibble)
            #expect(ASCII.lowercased(ASCII.uppercaseHexDigit(nibble)) == ASCII.lowercaseHexDigit(nibble))
        }
    }

    @Test(arguments: [
        ("0", 0), ("7", 7), ("007", 7), ("9223372036854775807", Int.max), ("9223372036854775808", nil),
        ("99999999999999999999", nil), ("", nil), ("-1", nil), ("+1", nil), (" 1", nil), ("1 ", nil), ("1a", nil),
        ("1_000", nil), ("0x1", nil), ("٣", nil),
    ])
    func readsDecimalsStrictly(text: String, value: Int?) {
        #expect(Array(text.utf8).span.decimalValue() == value)
    }

    @Test func comparesWithAndWithoutLetterCase() {
        let text = Array("Content-Type".utf8)
        #expect(text.span.equals("Content-Type") == true)
        #expect(text.span.equals("content-type") == false)
        #expect(text.span.equalsIgnoringCase("content-type") == true)
        #expect(text.span.equalsIgnoringCase("content-typ") == false)
        #expect(text.span.equalsIgnoringCase("content_type") == false)
        #expect(text.span.equalsIgnoringCase(Array("CONTENT-TYPE".utf8).span) == true)
        #expect(text.span.equals(Array("CONTENT-TYPE".utf8).span) == false)
        // `@` and `` ` ``, `[` and `{` differ by the bit that tells letters' cases apart, and are no letters.
        // Each place counts, whatever the length.
        for count in 0...40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &+ 7) }
            #expect(bytes.span.equals(Array(bytes).span) == true)
            #expect(bytes.span.equals((bytes + [0]).span) == false)
            for index in 0..<count {
                var other = bytes
                other[index] ^= 0x20
                #expect(bytes.span.equals(other.span) == false)
            }
        }
        #expect([0x40].span.equalsIgnoringCase([0x60].span) == false)
        #expect([0x5B].span.equalsIgnoringCase([0x7B].span) == false)
    }

    @Test func findsBytesInARange() {
        let bytes = Array("a,b,c".utf8)
        #expect(bytes.span.firstIndex(of: ASCII.comma, in: 0..<5) == 1)
        #expect(bytes.span.firstIndex(of: ASCII.comma, in: 2..<5) == 3)
        #expect(bytes.span.firstIndex(of: ASCII.comma, in: 4..<5) == nil)
        #expect(bytes.span.firstIndex(of: ASCII.comma, in: 1..<1) == nil)
    }

    /// Eight at a time or one by one, whatever stands beside it.
    @Test(arguments: [0x00, 0x2C, 0x7F, 0x80, 0xFF] as [UInt8])
    func findsTheFirstOfAByteAtEachPlace(_ byte: UInt8) {
        for other in [byte &+ 1, byte &- 1, byte ^ 0x80] {
            for count in 0..<28 {
                for start in 0...count {
                    var bytes = [UInt8](repeating: other, count: count)
                    #expect(bytes.span.firstIndex(of: byte, in: start..<count) == nil)
                    for index in (start..<count).reversed() {
                        bytes[index] = byte
                        #expect(bytes.span.firstIndex(of: byte, in: start..<count) == index)
                    }
                }
            }
        }
    }

    @Test func constantTimeComparisonComparesEveryByte() {
        let secret = Array("correct horse".utf8)
        #expect(constantTimeEquals(secret, secret) == true)
        #expect(constantTimeEquals([], []) == true)
        #expect(constantTimeEquals(secret, Array(secret.dropLast())) == false)
        #expect(constantTimeEquals(secret, secret + [0]) == false)
        for index in secret.indices {
            for bit in 0..<8 {
                var other = secret
                other[index] ^= 1 << UInt8(bit)
                #expect(constantTimeEquals(secret, other) == false)
            }
        }
    }

    @Test func wipingEmptiesAnArray() {
        var bytes = Array("secret".utf8)
        wipe(&bytes)
        #expect(bytes.isEmpty == true)
    }
}
