import Proxy

/// What the lists say, as text for people.
struct Listings {
    let words: Words

    /// Characters of what a browser calls itself.
    private static let agentWidth = 48
    /// Digits of a device's identifier: enough to remove it by.
    private static let deviceWidth = 12

    init(now: Int64) { words = Words(now: now) }

    func text(_ answer: ControlSessions) -> String {
        if answer.total == 0 { return "no sessions\n" }
        var table = TextTable(["ID", "USER", "FROM", "DEVICE", "BEGAN", "USED", "ENDS", "BROWSER"])
        for row in answer.sessions {
            table.add([
                row.id, row.user, row.address, String(row.device.prefix(Self.deviceWidth)), Words.local(row.createdAt),
                words.distance(to: row.usedAt),
                words.distance(to: row.idleUntil < row.expiresAt ? row.idleUntil : row.expiresAt),
                Words.short(row.agent, Self.agentWidth),
            ])
        }
        let hidden = answer.total - answer.sessions.count
        return table.text + (hidden > 0 ? "and \(hidden) more: --limit shows them, --user only one user's\n" : "")
    }

    func text(_ answer: ControlDevices) -> String {
        var text = ""
        if !answer.pending.isEmpty {
            var table = TextTable(["CODE", "USER", "FROM", "WAITS SINCE", "UNTIL", "BROWSER"])
            for row in answer.pending {
                table.add([
                    row.code, row.user, row.address, words.distance(to: row.since), words.distance(to: row.until),
                    Words.short(row.agent, Self.agentWidth),
                ])
            }
            text += "waiting:\n" + table.text
        }
        if !answer.approved.isEmpty {
            var table = TextTable(["ID", "USER", "APPROVED", "BY", "USED", "FROM", "BROWSER"])
            for row in answer.approved {
                table.add([
                    String(row.id.prefix(Self.deviceWidth)), row.user, Words.local(row.approvedAt), row.approvedBy,
                    words.distance(to: row.usedAt), row.address, Words.short(row.agent, Self.agentWidth),
                ])
            }
            text += (text.isEmpty ? "" : "\n") + "approved:\n" + table.text
        }
        return text.isEmpty ? "no devices\n" : text
    }

    func text(_ answer: ControlKeyUses) -> String {
        if answer.uses.isEmpty { return "no key was used yet\n" }
        var table = TextTable(["ID", "USED", "LAST", "REQUESTS"])
        for row in answer.uses {
            let last = Words.local(row.usedAt, withSeconds: true)
            table.add([row.id, words.distance(to: row.usedAt), last, "\(row.requests)"])
        }
        return table.text
    }

    func text(_ answer: ControlLocks) -> String {
        if answer.locked.isEmpty { return "nobody is locked out\n" }
        var table = TextTable(["WHAT", "WHO", "FAILURES", "UNTIL"])
        for row in answer.locked {
            table.add([row.kind.rawValue, row.subject, "\(row.failures)", words.distance(to: row.until)])
        }
        return table.text
    }

    /// The newest last, as in a log.
    func text(_ answer: ControlAudit) -> String {
        if answer.entries.isEmpty { return "nothing was decided yet\n" }
        var table = TextTable(["TIME", "WHAT", "WHO", "ABOUT", "FROM", "DETAIL"])
        for row in answer.entries.reversed() {
            table.add([
                Words.local(row.time, withSeconds: true), row.event, row.actor, row.subject, row.address, row.detail,
            ])
        }
        return table.text
    }
}
