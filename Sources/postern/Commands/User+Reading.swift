import Access
import ArgumentParser
import Bytes
import Crypto

/// `postern user list`
struct ListUsers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the users and how their passwords are stored; what is amiss goes to standard error."
    )

    @Argument(help: "The htpasswd file.", completion: .file())
    var file: String

    func run() throws {
        let (table, problems) = try PasswordFile.load(path: file)
        var text = ""
        for name in table.names {
            guard let index = table.find(name.span) else { continue }
            let scheme = table.hash(of: index).map { "\($0.scheme.name)" } ?? "unknown"
            text += "\(String(decoding: name, as: UTF8.self))\t\(scheme)\n"
        }
        if !text.isEmpty { Console.print(text) }
        for problem in problems { Console.complain("\(file): \(problem)") }
    }
}

/// `postern user verify`
struct VerifyUser: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a password: exit status 0 if it is the user's, 1 if not."
    )

    @OptionGroup var user: UserArguments

    @Flag(name: .customLong("stdin"), help: "Read the password from the first line of standard input.")
    var readsStandardInput = false

    func run() throws {
        guard let stored = try user.editor.read().stored(user.name) else {
            throw PasswordFileError.noSuchUser(user.name)
        }
        guard PasswordHash.isRecognized(stored.span) else {
            throw CommandError("the stored password of \"\(user.name)\" is of no known scheme")
        }
        var password =
            readsStandardInput
            ? try PasswordSource.readLine() : try Terminal().password(prompt: "Password of \(user.name): ")
        defer { wipe(&password) }
        var verifier = PasswordVerifier()
        guard verifier.verify(password: password.span, against: stored.span) else {
            throw CommandError("that is not the password of \"\(user.name)\"")
        }
        Console.print("that is the password of \(user.name)")
    }
}
