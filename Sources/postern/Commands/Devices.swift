import ArgumentParser
import Proxy

/// `postern devices`
struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let devices in, turn them away, and show them.",
        discussion: "A device that waits shows its code to the person in front of it.",
        subcommands: [
            ListDevices.self, ApproveDevice.self, RejectDevice.self, RemoveDevice.self, ClearDevices.self,
        ]
    )
}

/// `postern devices list`
struct ListDevices: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the devices that wait and those that were let in."
    )

    @OptionGroup var control: ControlOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let answer = try control.client().get("/v1/devices")
        try Listing.print(answer, asJSON: json, ControlDevices.self) { $0.text($1) }
    }
}

/// `postern devices approve`
struct ApproveDevice: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Let a device in. Answers once that is on the disk."
    )

    @OptionGroup var control: ControlOptions
    @Argument(help: "The code that the device shows.") var code: String

    func run() throws {
        let answer = try control.client().post("/v1/devices/approve", ["code": code], for: ControlApproved.self)
        let device = answer.approved
        Console.print("approved a device of \(Words.printable(device.user)): \(Words.printable(device.agent))")
        Console.print("to take that back: postern devices remove \(device.id.prefix(12))")
    }
}

/// `postern devices reject`
struct RejectDevice: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reject",
        abstract: "Turn a device away that waits."
    )

    @OptionGroup var control: ControlOptions
    @Argument(help: "The code that the device shows.") var code: String

    func run() throws {
        let answer = try control.client().post("/v1/devices/reject", ["code": code], for: ControlRejected.self)
        for device in answer.rejected {
            Console.print("rejected \(device.code), a device of \(Words.printable(device.user))")
        }
    }
}

/// `postern devices remove`
struct RemoveDevice: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take a device's approval back, and end its sessions. Answers once that is on the disk."
    )

    @OptionGroup var control: ControlOptions
    @Argument(help: "The device's identifier, or its first 8 digits or more.") var id: String

    func run() throws {
        let answer = try control.client().post("/v1/devices/remove", ["id": id], for: ControlRemoved.self)
        let device = answer.removed
        Console.print(
            "removed \(device.id.prefix(12)), a device of \(Words.printable(device.user)), "
                + "and ended \(Words.count(answer.ended.count, "session"))"
        )
    }
}

/// `postern devices clear`
struct ClearDevices: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "clear", abstract: "Turn all devices away that wait.")

    @OptionGroup var control: ControlOptions

    func run() throws {
        let answer = try control.client().post("/v1/devices/clear", for: ControlRejected.self)
        Console.print("rejected \(Words.count(answer.rejected.count, "device"))")
    }
}
