import Testing

@testable import Proxy

struct FrameBoundaryTests {
    /// A frame with a payload of so many bytes; of its head, the length as it would stand there.
    private static func frame(_ count: Int, masked: Bool = false) -> [UInt8] {
        let mask: UInt8 = masked ? 0x80 : 0
        var bytes: [UInt8] = [0x82]
        switch count {
        case ..<126: bytes.append(mask | UInt8(count))
        case ..<65536: bytes += [mask | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
        default: bytes += [mask | 127] + (0..<8).reversed().map { UInt8(count >> ($0 * 8) & 0xFF) }
        }
        if masked { bytes += [1, 2, 3, 4] }
        return bytes + [UInt8](repeating: 0x81, count: count)
    }

    @Test(arguments: [0, 1, 125, 126, 300, 65535, 65536, 70000], [false, true])
    func isWhereFramesEndAndNowhereElse(count: Int, masked: Bool) {
        let stream = Self.frame(count, masked: masked) + Self.frame(3) + Self.frame(0)
        let ends = [0, stream.count - 7, stream.count - 2, stream.count]
        for step in [1, 2, 3, 7, 4096, stream.count] {
            var boundary = FrameBoundary()
            #expect(boundary.isAtBoundary)
            var position = 0
            while position < stream.count {
                let next = min(position + step, stream.count)
                boundary.pass(stream[0..<next].span, from: position)
                position = next
                #expect(boundary.isAtBoundary == ends.contains(position), "after \(position) of \(stream.count)")
            }
        }
    }
}
