/// A device that was let in for a user. Times in milliseconds since 1970, UTC.
package struct DeviceRecord: Sendable, Equatable {
    package var id: DeviceID
    package var user: [UInt8]
    /// What the client called itself.
    package var agent: String
    package var approvedAt: Int64
    /// Who let it in.
    package var approvedBy: String
    /// The last use that was noted.
    package var usedAt: Int64
    /// Where it was seen last.
    package var address: String

    package init(
        id: DeviceID,
        user: [UInt8],
        agent: String,
        approvedAt: Int64,
        approvedBy: String,
        usedAt: Int64,
        address: String
    ) {
        self.id = id
        self.user = user
        self.agent = agent
        self.approvedAt = approvedAt
        self.approvedBy = approvedBy
        self.usedAt = usedAt
        self.address = address
    }
}

/// A device that waits for a decision. Times in milliseconds since 1970, UTC.
package struct PendingDevice: Sendable, Equatable {
    /// By which it is approved or rejected: `ABCD-2345`.
    package var code: String
    package var id: DeviceID
    package var user: [UInt8]
    package var agent: String
    package var address: String
    package var since: Int64
    /// When the request expires.
    package var until: Int64
}

/// What a device is to a user.
package enum DeviceState: Sendable, Equatable {
    case approved
    /// It waits by this code, until then: milliseconds since 1970.
    case pending(code: String, until: Int64)
    case unknown
}

/// What became of a request to let a device in.
package enum DeviceRequest: Sendable, Equatable {
    /// It had been approved before.
    case known
    /// It is approved from now on, because the policy approves by itself.
    case approved(DeviceRecord)
    case pending(PendingDevice)
    /// As many devices are approved as the table holds.
    case full
}

/// What became of an approval.
package enum DeviceApproval: Sendable, Equatable {
    case approved(DeviceRecord)
    /// Nothing waits by that code.
    case unknownCode
    /// As many devices are approved as the table holds.
    case full
}
