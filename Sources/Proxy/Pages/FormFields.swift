import Bytes

/// The fields of a form that a browser sent (`application/x-www-form-urlencoded`), taken apart into memory that is wiped.
///
/// At most 8 KiB. Of a name that comes twice the first counts.
struct FormFields: ~Copyable {
    /// Bytes of a form at the most.
    static let limit = 8192

    private var decoded = ByteBuffer()
    private var names: [Range<Int>] = []
    private var values: [Range<Int>] = []

    /// Nil when an escape is broken, or there are more than 16 fields.
    init?(_ form: borrowing Span<UInt8>) {
        decoded = ByteBuffer(capacity: max(form.count, 16))
        var start = 0
        while start < form.count {
            let end = form.firstIndex(of: UInt8(ascii: "&"), in: start..<form.count) ?? form.count
            let equals = form.firstIndex(of: ASCII.equals, in: start..<end) ?? end
            guard names.count < 16, let name = decode(form, start..<equals),
                let value = decode(form, min(equals + 1, end)..<end)
            else { return nil }
            names.append(name)
            values.append(value)
            start = end + 1
        }
    }

    deinit {
        unsafe decoded.withReadable { unsafe wipeMemory(UnsafeMutableRawBufferPointer(mutating: $0)) }
    }

    /// Runs `body` with the field's value; with nothing where the form has none of that name.
    func withValue<Result>(_ name: StaticString, _ body: (borrowing Span<UInt8>) -> Result) -> Result {
        let bytes = decoded.written
        for index in names.indices where bytes.extracting(names[index]).equals(name) {
            return body(bytes.extracting(values[index]))
        }
        return body(bytes.extracting(0..<0))
    }

    private mutating func decode(_ form: borrowing Span<UInt8>, _ range: Range<Int>) -> Range<Int>? {
        let start = decoded.writeIndex
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = form[index]
            index += 1
            switch byte {
            case UInt8(ascii: "+"): decoded.append(ASCII.space)
            case ASCII.percent:
                guard index + 1 < range.upperBound, let high = ASCII.hexValue(form[index]),
                    let low = ASCII.hexValue(form[index + 1])
                else { return nil }
                decoded.append(high << 4 | low)
                index += 2
            default: decoded.append(byte)
            }
        }
        return start..<decoded.writeIndex
    }
}

/// Where a login leads: a path on this very host, as the request line has it.
enum ReturnTarget {
    /// Bytes at the most; a longer one leads to `/`.
    private static let limit = 2048

    /// Whether a browser that is sent there stays on this host: `//host` and `/\host` lead elsewhere, and so does what a
    /// browser makes of control characters, which it drops.
    static func isLocal(_ target: borrowing Span<UInt8>) -> Bool {
        guard target.count > 0, target.count <= limit, target[0] == ASCII.slash else { return false }
        if target.count > 1, target[1] == ASCII.slash || target[1] == ASCII.backslash { return false }
        for index in 0..<target.count where target[index] <= 0x20 || target[index] >= 0x7F { return false }
        return true
    }

    /// Appends the target, or `/` where it isn't one to be sent to. Our own pages are none.
    static func append(_ target: borrowing Span<UInt8>, to output: inout ByteBuffer) {
        let own: StaticString = "/.postern/"
        let isOwn =
            target.count >= own.utf8CodeUnitCount && target.extracting(0..<own.utf8CodeUnitCount).equals(own)
        if isLocal(target), !isOwn { output.append(target) } else { output.append(ASCII.slash) }
    }
}
