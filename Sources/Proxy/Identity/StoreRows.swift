import Access
import Store

/// What is kept of a session or device, and back.
extension SessionRow {
    init(_ record: SessionRecord) {
        self.init(
            digest: record.digest,
            user: record.user,
            realm: record.realm,
            stamp: record.stamp,
            device: record.device == .none ? "" : record.device.hexadecimal,
            createdAt: record.createdAt,
            expiresAt: record.expiresAt,
            idle: record.idle,
            usedAt: record.usedAt,
            address: record.address,
            agent: record.agent
        )
    }

    var record: SessionRecord {
        SessionRecord(
            digest: digest,
            user: user,
            realm: realm,
            stamp: stamp,
            device: DeviceID(hexadecimal: device) ?? .none,
            createdAt: createdAt,
            expiresAt: expiresAt,
            idle: idle,
            usedAt: usedAt,
            address: address,
            agent: agent
        )
    }
}

extension DeviceRow {
    init(_ record: DeviceRecord) {
        self.init(
            id: record.id.hexadecimal,
            user: record.user,
            agent: record.agent,
            approvedAt: record.approvedAt,
            approvedBy: record.approvedBy,
            usedAt: record.usedAt,
            address: record.address
        )
    }

    /// Nil when the identifier is none.
    var record: DeviceRecord? {
        guard let id = DeviceID(hexadecimal: id) else { return nil }
        return DeviceRecord(
            id: id,
            user: user,
            agent: agent,
            approvedAt: approvedAt,
            approvedBy: approvedBy,
            usedAt: usedAt,
            address: address
        )
    }
}
