import Access
import ArgumentParser
import Bytes

/// `postern user add`
struct AddUser: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a user; the file is made if there is none."
    )

    @OptionGroup var user: UserArguments
    @OptionGroup var password: NewPasswordOptions

    func run() throws {
        // Refused before anybody types a password for nothing; decided under the lock below.
        if let flaw = UserName.flaw(Array(user.name.utf8).span) { throw flaw }
        if Paths.exists(user.file), try user.editor.read().stored(user.name) != nil {
            throw PasswordFileError.userExists(user.name)
        }
        let new = try password.make(for: user.name)
        try user.editor.edit(creating: true) { document throws(PasswordFileError) in
            try document.add(user.name, stored: new.stored)
        }
        Console.print("added \(user.name) to \(user.file)")
        new.printIfGenerated()
    }
}

/// `postern user passwd`
struct ChangePassword: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "passwd", abstract: "Give a user another password.")

    @OptionGroup var user: UserArguments
    @OptionGroup var password: NewPasswordOptions

    func run() throws {
        guard try user.editor.read().stored(user.name) != nil else { throw PasswordFileError.noSuchUser(user.name) }
        let new = try password.make(for: user.name)
        try user.editor.edit { document throws(PasswordFileError) in
            try document.replace(user.name, stored: new.stored)
        }
        Console.print("changed the password of \(user.name) in \(user.file)")
        new.printIfGenerated()
    }
}

/// `postern user remove`
struct RemoveUser: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a user, who is out at the next request."
    )

    @OptionGroup var user: UserArguments

    func run() throws {
        try user.editor.edit { document throws(PasswordFileError) in try document.remove(user.name) }
        Console.print("removed \(user.name) from \(user.file)")
    }
}
