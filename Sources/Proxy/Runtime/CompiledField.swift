import Bytes

/// A field that a rule sets, made ready for the request path.
struct CompiledField: BitwiseCopyable, Sendable {
    /// `Name: `
    private let prefix: Frozen<UInt8>
    /// `Name: value` and the line's end, where the value is constant and not empty.
    private let line: Frozen<UInt8>
    private let value: CompiledTemplate

    init(name: [UInt8], value: Template, arena: Arena) {
        let prefix = name + Array(": ".utf8)
        let compiled = CompiledTemplate(value, arena: arena)
        self.prefix = arena.freeze(prefix)
        self.value = compiled
        if let constant = value.constant, !constant.isEmpty {
            line = arena.freeze(prefix + constant + Array("\r\n".utf8))
        } else {
            line = Frozen()
        }
    }

    /// Appends the field's line, or nothing when its value is empty, or is `unwanted`.
    @inline(__always)
    func append(of request: RequestContext, unless unwanted: StaticString? = nil, to output: inout ByteBuffer) {
        if unwanted == nil, !line.isEmpty {
            output.append(line)
            return
        }
        let start = output.writeIndex
        output.append(prefix)
        let valueStart = output.writeIndex
        FieldValue.append(value, of: request, to: &output)
        if output.writeIndex == valueStart {
            output.truncate(to: start)
        } else if let unwanted, output.written.extracting(valueStart..<output.writeIndex).equalsIgnoringCase(unwanted) {
            output.truncate(to: start)
        } else {
            output.append("\r\n")
        }
    }
}
