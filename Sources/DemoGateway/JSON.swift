import FoundationEssentials

/// JSON by Codable values.
enum JSON {
    /// The value as JSON; an empty object if it can't be written, which happens for no type of this target.
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return Array("{}".utf8) }
        return Array(data)
    }

    static func text(_ value: some Encodable) -> String { String(decoding: encode(value), as: UTF8.self) }

    /// The value that `bytes` stand for, or nil.
    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
        try? JSONDecoder().decode(type, from: Data(bytes))
    }
}
