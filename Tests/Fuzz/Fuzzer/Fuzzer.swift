import Glibc

/// Set once by `LLVMFuzzerInitialize`, before any input.
nonisolated(unsafe) private var target = FuzzTarget.requestHead

/// Takes `--target=NAME` from the command line; libFuzzer itself passes over what starts with two hyphens.
@c(LLVMFuzzerInitialize)
public func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    for index in unsafe 0..<Int(count.pointee) {
        guard let argument = unsafe arguments.pointee[index] else { continue }
        let text = unsafe String(cString: argument)
        if text == "--list" {
            for target in FuzzTarget.allCases { print(target.rawValue) }
            exit(0)
        }
        guard text.hasPrefix("--target=") else { continue }
        guard let named = FuzzTarget(rawValue: String(text.dropFirst("--target=".count))) else {
            print("no such target: \(text)")
            exit(2)
        }
        unsafe target = named
    }
    return 0
}

/// Feeds one input to the target; stops the process when something doesn't hold, which libFuzzer takes for a crash.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    do {
        try unsafe target.check(Array(UnsafeBufferPointer(start: data, count: size)))
    } catch {
        fatalError("\(unsafe target.rawValue): \(error)")
    }
    return 0
}
