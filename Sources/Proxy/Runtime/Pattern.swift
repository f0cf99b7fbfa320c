import CPCRE2

/// A regular expression (PCRE2), compiled once. Matching is bounded in work and memory: an expression that backtracks without
/// end fails to match.
@safe
package final class Pattern: @unchecked Sendable {
    /// Why an expression can't be compiled.
    package struct Flaw: Error, Sendable {
        /// PCRE2's words.
        package let reason: String
        /// Bytes from the expression's start.
        package let offset: Int
    }

    /// Groups that a match remembers, the whole match among them.
    package static let groupLimit = 10

    /// The numbers of named groups.
    package let groupNames: [String: Int]
    private let code: OpaquePointer
    private let context: OpaquePointer

    package init(_ expression: String, ignoresCase: Bool) throws(Flaw) {
        var failure: Int32 = 0
        var offset = 0
        let bytes = Array(expression.utf8)
        let options = ignoresCase ? UInt32(bitPattern: Int32(PCRE2_CASELESS)) : 0
        let compiled = unsafe pcre2_compile_8(bytes, bytes.count, options, &failure, &offset, nil)
        guard let compiled = unsafe compiled else {
            var text = [UInt8](repeating: 0, count: 256)
            _ = unsafe pcre2_get_error_message_8(failure, &text, text.count)
            throw Flaw(reason: String(decoding: text.prefix { $0 != 0 }, as: UTF8.self), offset: offset)
        }
        // Where memory may not be made executable there is no just-in-time code: matching is slower and the same.
        _ = unsafe pcre2_jit_compile_8(compiled, UInt32(PCRE2_JIT_COMPLETE))
        unsafe code = compiled
        unsafe context = pcre2_match_context_create_8(nil)!
        unsafe pcre2_set_match_limit_8(context, 100_000)
        unsafe pcre2_set_depth_limit_8(context, 1000)
        unsafe pcre2_set_heap_limit_8(context, 256)
        groupNames = unsafe Self.names(compiled)
    }

    deinit {
        unsafe pcre2_match_context_free_8(context)
        unsafe pcre2_code_free_8(code)
    }

    /// Looks for the pattern in `subject`. On success `captures` holds the groups' ranges.
    func matches(_ subject: borrowing Span<UInt8>, _ captures: inout Captures) -> Bool {
        guard let data = unsafe pcre2_match_data_create_8(UInt32(Self.groupLimit), nil) else { return false }
        defer { unsafe pcre2_match_data_free_8(data) }
        let count = unsafe subject.withUnsafeBufferPointer { bytes in
            unsafe pcre2_match_8(code, bytes.baseAddress, bytes.count, 0, 0, data, context)
        }
        guard count >= 0 else { return false }
        let vector = unsafe pcre2_get_ovector_pointer_8(data)!
        let groups = count == 0 ? Self.groupLimit : Int(count)
        captures = Captures()
        for group in 0..<groups {
            let start = unsafe vector[2 * group]
            let end = unsafe vector[2 * group + 1]
            if start <= end, end <= subject.count { captures.set(group, start..<end) }
        }
        return true
    }

    /// Reads the name table: each entry has the group's number in two bytes, then the name and a NUL.
    private static func names(_ code: OpaquePointer) -> [String: Int] {
        var count: UInt32 = 0
        var size: UInt32 = 0
        var table: UnsafePointer<UInt8>?
        unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMECOUNT), &count)
        unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &size)
        unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMETABLE), &table)
        guard let table = unsafe table else { return [:] }
        var names: [String: Int] = [:]
        for index in 0..<Int(count) {
            let entry = unsafe UnsafeBufferPointer(start: table + index * Int(size), count: Int(size))
            let number = unsafe Int(entry[0]) << 8 | Int(entry[1])
            let name = unsafe entry.dropFirst(2).prefix { $0 != 0 }
            names[String(decoding: unsafe Array(name), as: UTF8.self)] = number
        }
        return names
    }
}

/// Where the groups of the last match stand in its subject.
struct Captures {
    private var ranges = InlineArray<10, Range<Int>>(repeating: 0..<0)

    mutating func set(_ group: Int, _ range: Range<Int>) { ranges[group] = range }

    /// The group's range; empty for one that took no part.
    subscript(group: Int) -> Range<Int> { group >= 0 && group < 10 ? ranges[group] : 0..<0 }
}
