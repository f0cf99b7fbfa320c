import Bytes
import COpenSSL

/// Random bytes that nobody can predict, from OpenSSL's generator.
package enum Random {
    /// Fills `bytes`. Ends the process should the generator fail: nothing safe can go on without it.
    package static func fill(_ bytes: inout MutableSpan<UInt8>) {
        unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            guard unsafe RAND_bytes(base, Int32(buffer.count)) == 1 else { fatalError("RAND_bytes failed") }
        }
    }

    /// So many random bytes.
    package static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        fill(&span)
        return bytes
    }

    /// A random word.
    package static func word() -> UInt64 {
        var bytes = InlineArray<8, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        fill(&span)
        var word: UInt64 = 0
        for index in 0..<8 { word = word << 8 | UInt64(bytes[index]) }
        return word
    }

    /// A token of so many random bytes, two lower-case hexadecimal digits each.
    package static func hexToken(bytes count: Int = 32) -> String {
        var random = bytes(count)
        defer { wipe(&random) }
        return String(decoding: Hexadecimal.encode(random.span), as: UTF8.self)
    }
}
