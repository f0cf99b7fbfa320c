import Bytes
import HTTP

/// The path normaliser says what a plain one says, and its readings keep their bounds.
enum PathCheck {
    static func check(_ input: [UInt8]) throws(Broken) {
        let input = Prefixed(input)
        let path = input.rest
        let merges = input.option & 1 == 0
        var output = ByteBuffer([1, 2, 3])
        let result: NormalizedPath
        do {
            result = try PathNormalizer.normalize(path.span, mergeSlashes: merges, into: &output)
        } catch {
            try hold(output.written.array == [1, 2, 3], "a refused path changed the output")
            if let plain = PathModel.normalize(path, merges: merges), plain.first == 0x2F {
                try hold(!isClean(path, plain), "\(error) for a path that nothing is wrong with")
            }
            return
        }
        let normal: [UInt8]
        if result.isPlain {
            try hold(result.facts.isEmpty && output.writeIndex == 3, "a plain path with output")
            normal = path
        } else {
            try hold(result.range.lowerBound == 3 && result.range.upperBound == output.writeIndex, "\(result.range)")
            normal = Array(output.written.extracting(result.range).array)
        }
        try hold(normal.count <= path.count && normal.first == 0x2F, "the normal form's length or start")
        try hold(!normal.contains(0), "a NUL in the normal form")
        try hold(String(validating: normal, as: UTF8.self) != nil, "the normal form isn't UTF-8")
        let plain = PathModel.normalize(path, merges: merges)
        try hold(plain == normal, "normal form \(text(normal)), plainly \(plain.map(text) ?? "refused")")
        try checkReadings(path, result, normal)
    }

    private static func checkReadings(
        _ path: [UInt8],
        _ result: NormalizedPath,
        _ normal: [UInt8]
    ) throws(Broken) {
        var readings = PathReadings(facts: result.facts)
        var output = ByteBuffer()
        var found: Set<[UInt8]> = []
        var count = 0
        while readings.next(path.span, into: &output) {
            count += 1
            try hold(count <= 41, "more than 41 readings")
            let reading = output.readable.array
            try hold(reading.count <= path.count && reading.first == 0x2F, "the reading \(text(reading))")
            found.insert(reading)
        }
        // A path of no facts has no other reading than itself.
        try hold((count == 0) == result.facts.isEmpty, "\(count) readings for \(result.facts)")
        if result.facts.isEmpty { return try hold(normal == path, "a changed path without a fact") }
        try hold(found.contains(path), "the path as it came is no reading")
        try hold(found.contains(normal), "the normal form is no reading: \(text(normal)) of \(found.map(text))")
    }

    /// Whether neither the path nor what it decodes to holds anything that is to be refused.
    private static func isClean(_ path: [UInt8], _ plain: [UInt8]) -> Bool {
        path.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x23 }
            && PathModel.decode(path)?.contains(0) == false
            && PathModel.decode(path).flatMap { String(validating: $0, as: UTF8.self) } != nil
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }
}

/// Nginx's reading of a path by splitting and joining.
enum PathModel {
    /// nil for a path that isn't absolute, holds a broken escape, or leads above the root.
    static func normalize(_ path: [UInt8], merges: Bool) -> [UInt8]? {
        guard path.first == 0x2F, let decoded = decode(path) else { return nil }
        var segments = decoded.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false).map { Array($0) }
        let last = segments.removeLast()
        var kept: [[UInt8]] = []
        for segment in segments + [last] {
            switch segment {
            case [0x2E]: break
            case [0x2E, 0x2E]: if kept.popLast() == nil { return nil }
            case []: if !merges { kept.append(segment) }
            default: kept.append(segment)
            }
        }
        let isOpen = [[], [0x2E], [0x2E, 0x2E]].contains(last)
        // An empty last segment is the slash at the end, not a segment between slashes.
        if last.isEmpty, !merges { kept.removeLast() }
        var result: [UInt8] = []
        for segment in kept { result += [0x2F] + segment }
        if isOpen { result.append(0x2F) }
        return result
    }

    /// Every escape decoded once; nil if one is broken.
    static func decode(_ path: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var index = 0
        while index < path.count {
            if path[index] == 0x25 {
                guard index + 2 < path.count, let high = digit(path[index + 1]), let low = digit(path[index + 2]) else {
                    return nil
                }
                result.append(UInt8(high * 16 + low))
                index += 3
            } else {
                result.append(path[index])
                index += 1
            }
        }
        return result
    }

    private static func digit(_ byte: UInt8) -> Int? {
        byte < 0x80 ? Character(UnicodeScalar(byte)).hexDigitValue : nil
    }
}
