import ArgumentParser
import EventLoop
import Proxy

/// `postern sessions`
struct Sessions: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and end login sessions of the running proxy.",
        discussion: "A revoked session loses its open streams within a second.",
        subcommands: [ListSessions.self, RevokeSession.self, RevokeUser.self]
    )
}

/// `postern sessions list`
struct ListSessions: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the sessions.")

    @OptionGroup var control: ControlOptions
    @Flag(help: "Print JSON.") var json = false
    @Option(help: "Only this user's.") var user: String?
    @Option(help: "Sessions shown at the most.") var limit = 1000

    func run() throws {
        var target = "/v1/sessions?limit=\(limit)"
        if let user { target += "&user=\(ControlClient.escaped(user))" }
        let answer = try control.client().get(target)
        try Listing.print(answer, asJSON: json, ControlSessions.self) { $0.text($1) }
    }
}

/// `postern sessions revoke`
struct RevokeSession: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End a session. Answers once that is on the disk."
    )

    @OptionGroup var control: ControlOptions
    @Argument(help: "The session's identifier, from the list.") var id: String

    func run() throws {
        let answer = try control.client().post("/v1/sessions/revoke", ["id": id], for: ControlEnded.self)
        for session in answer.ended { Console.print("ended \(session.id) of \(Words.printable(session.user))") }
    }
}

/// `postern sessions revoke-user`
struct RevokeUser: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke-user",
        abstract: "End all the sessions of a user. Answers once that is on the disk."
    )

    @OptionGroup var control: ControlOptions
    @Argument(help: "The user's name.") var user: String

    func run() throws {
        let answer = try control.client().post("/v1/sessions/revoke-user", ["user": user], for: ControlEnded.self)
        Console.print("ended \(Words.count(answer.ended.count, "session")) of \(Words.printable(user))")
    }
}

/// A list, as it is printed.
enum Listing {
    static func print<Answer: Decodable>(
        _ answer: [UInt8],
        asJSON: Bool,
        _ type: Answer.Type,
        _ text: (Listings, Answer) -> String
    ) throws(CommandError) {
        if asJSON { return Console.print(String(decoding: answer, as: UTF8.self)) }
        let value = try ControlClient.read(type, answer)
        Console.print(text(Listings(now: Int64(Clock.realtimeMilliseconds())), value))
    }
}
