import Bytes
import Crypto
import Glibc

/// Where a password comes from.
enum PasswordSource {
    case terminal, standardInput, generator

    /// Bytes a line of standard input may have.
    static let longestLine = 4096

    /// The first line of standard input without its end. Reads no byte beyond it.
    static func readLine() throws(CommandError) -> [UInt8] {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = unsafe read(0, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("the password can't be read", "standard input") }
            if count == 0 || byte == ASCII.lineFeed { break }
            guard line.count < longestLine else {
                wipe(&line)
                throw CommandError("the line on standard input is longer than \(longestLine) bytes")
            }
            line.append(byte)
        }
        if line.last == ASCII.carriageReturn { line.removeLast() }
        return line
    }
}

/// A password to be stored.
struct NewPassword {
    let stored: [UInt8]
    /// The password itself, if it was made here and somebody must be told.
    let generated: String?

    /// Asks, reads or makes it, and hashes it. Blocks for as long as both take.
    init(_ source: PasswordSource, _ recipe: PasswordRecipe, for name: String) throws {
        var password: [UInt8]
        switch source {
        case .standardInput:
            password = try PasswordSource.readLine()
            generated = nil
        case .generator:
            let word = GeneratedPassword.make()
            password = Array(word.utf8)
            generated = word
        case .terminal:
            let terminal = try Terminal()
            password = try terminal.password(prompt: "New password of \(name): ")
            var again = try terminal.password(prompt: "The same again: ")
            defer { wipe(&again) }
            guard constantTimeEquals(password, again) else {
                wipe(&password)
                throw CommandError("the two passwords differ; nothing was changed")
            }
            generated = nil
        }
        defer { wipe(&password) }
        var verifier = PasswordVerifier()
        stored = try verifier.make(password: password.span, recipe)
    }

    /// Prints a generated password; it is the last word of standard output.
    func printIfGenerated() {
        if let generated { Console.print("password \(generated)") }
    }
}

/// Passwords that people can read out and type.
enum GeneratedPassword {
    /// Without characters that look alike. 54 of them: 24 make 138 bits.
    static let alphabet = Array("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789".utf8)
    static let length = 24

    /// A random word; every one is as likely as any other.
    static func make() -> String {
        let limit = UInt8(256 / alphabet.count * alphabet.count)
        var word: [UInt8] = []
        while word.count < length {
            for byte in Random.bytes(length) where byte < limit && word.count < length {
                word.append(alphabet[Int(byte) % alphabet.count])
            }
        }
        return String(decoding: word, as: UTF8.self)
    }
}
