import ConfigSyntax
import Testing

/// Feeds the inputs that are kept, by hand or because they once broke something, to the fuzzer's checks.
struct ReplayTests {
    private static let directory = #filePath.dropLast("/Replay/ReplayTests.swift".count)

    /// One input that is kept.
    struct Input: CustomTestStringConvertible, Sendable {
        let target: FuzzTarget
        let path: String
        var testDescription: String { "\(target.rawValue)/\(path.split(separator: "/").last ?? "")" }
    }

    static let inputs: [Input] = FuzzTarget.allCases.flatMap { target in
        ["corpus", "found"].flatMap { folder in
            SystemFileLoader().paths(matching: "\(directory)/\(folder)/\(target.rawValue)/*")
                .map { Input(target: target, path: $0) }
        }
    }

    @Test("Inputs that are kept", arguments: inputs)
    func replay(input: Input) throws {
        try input.target.check(SystemFileLoader().read(input.path, limit: 1 << 20))
    }

    @Test("Every target has inputs to start from", arguments: FuzzTarget.allCases)
    func isSeeded(target: FuzzTarget) {
        #expect(Self.inputs.contains { $0.target == target })
    }
}
