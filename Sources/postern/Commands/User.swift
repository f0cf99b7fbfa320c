import Access
import ArgumentParser
import Crypto

/// `postern user`
struct User: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Edit an htpasswd file, safely while Postern runs and while others edit it.",
        discussion: "A change counts from the next request on; nothing needs a reload.",
        subcommands: [AddUser.self, ChangePassword.self, RemoveUser.self, ListUsers.self, VerifyUser.self]
    )
}

/// The file and the user.
struct UserArguments: ParsableArguments {
    @Argument(help: "The htpasswd file.", completion: .file())
    var file: String

    @Argument(help: "The user's name.")
    var name: String

    var editor: PasswordFileEditor { PasswordFileEditor(path: file) }
}

/// Where a new password comes from and how it is stored.
struct NewPasswordOptions: ParsableArguments {
    @Flag(name: .customLong("stdin"), help: "Read the password from the first line of standard input.")
    var readsStandardInput = false

    @Flag(help: "Make a random password and print it.")
    var generate = false

    @Option(help: "How the password is stored.")
    var scheme = SchemeName.bcrypt

    @Option(help: "bcrypt's cost, 4 to 31; each step doubles the time a check takes. (default: 12)")
    var cost: Int?

    func validate() throws {
        if readsStandardInput, generate { throw ValidationError("--stdin and --generate exclude each other.") }
        if let cost {
            guard scheme == .bcrypt else { throw ValidationError("--cost goes with --scheme bcrypt only.") }
            guard (4...31).contains(cost) else { throw ValidationError("--cost must be from 4 to 31.") }
        }
    }

    private var source: PasswordSource {
        readsStandardInput ? .standardInput : generate ? .generator : .terminal
    }

    /// The password, and its stored form. Takes as long as a hash does.
    func make(for name: String) throws -> NewPassword {
        let recipe: PasswordRecipe
        switch scheme {
        case .bcrypt: recipe = .bcrypt(cost: cost ?? 12)
        case .sha512: recipe = .sha512
        case .yescrypt: recipe = .yescrypt
        case .apr1: recipe = .apr1
        }
        return try NewPassword(source, recipe, for: name)
    }
}

/// What `--scheme` takes.
enum SchemeName: String, ExpressibleByArgument, CaseIterable {
    case bcrypt, sha512, yescrypt, apr1
}
