import Bytes

/// Memory for what is made once when a configuration loads and read until the last request under it has ended.
///
/// Values in it have stable addresses and count no references, so that the request path reads them like constants.
@safe
final class Arena: @unchecked Sendable {
    private var blocks: [UnsafeMutableRawBufferPointer] = unsafe []
    private var cleanups: [() -> Void] = []

    deinit {
        for cleanup in cleanups { cleanup() }
        unsafe blocks.forEach { unsafe $0.deallocate() }
    }

    /// A constant array of trivial values.
    func freeze<Element: BitwiseCopyable>(_ elements: some Collection<Element>) -> Frozen<Element> {
        guard !elements.isEmpty else { return Frozen() }
        let block = UnsafeMutableRawBufferPointer.allocate(
            byteCount: elements.count * MemoryLayout<Element>.stride,
            alignment: MemoryLayout<Element>.alignment
        )
        unsafe blocks.append(block)
        let typed = unsafe block.bindMemory(to: Element.self)
        _ = unsafe typed.initialize(from: elements)
        return unsafe Frozen(start: UnsafePointer(typed.baseAddress!), count: elements.count)
    }

    /// A constant array that is overwritten when the arena goes.
    func freezeSecret(_ bytes: [UInt8]) -> Frozen<UInt8> {
        let frozen = freeze(bytes)
        if let block = unsafe blocks.last, !bytes.isEmpty {
            cleanups.append { unsafe wipeMemory(block) }
        }
        return frozen
    }

    /// A single value with a stable address.
    func place<Value: ~Copyable>(_ value: consuming Value) -> Ref<Value> {
        let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        unsafe pointer.initialize(to: value)
        cleanups.append {
            unsafe pointer.deinitialize(count: 1)
            unsafe pointer.deallocate()
        }
        return unsafe Ref(unsafe: pointer)
    }
}

/// A constant array in an arena. Reading one counts no references; its arena must outlive it.
@safe
struct Frozen<Element: BitwiseCopyable>: @unchecked Sendable, BitwiseCopyable {
    private let start: UnsafePointer<Element>?
    let count: Int

    init() {
        unsafe start = nil
        count = 0
    }

    init(start: UnsafePointer<Element>, count: Int) {
        unsafe self.start = unsafe start
        self.count = count
    }

    var isEmpty: Bool { count == 0 }

    /// The element at `index`, below `count`. Where one of its parts is asked for, only that is read.
    subscript(index: Int) -> Element {
        @_transparent unsafeAddress {
            precondition(index >= 0 && index < count)
            return unsafe start.unsafelyUnwrapped + index
        }
    }

    /// Runs `body` with the elements as a span.
    func withSpan<Result>(_ body: (borrowing Span<Element>) -> Result) -> Result {
        unsafe body(UnsafeBufferPointer(start: start, count: count).span)
    }
}

extension ByteBuffer {
    mutating func append(_ bytes: Frozen<UInt8>) {
        bytes.withSpan { append($0) }
    }
}
