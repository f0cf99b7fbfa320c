import CNGHTTP2
import Glibc

/// The codec's memory on one event loop: blocks that it gives back are kept by size and handed out again.
///
/// A stream takes and gives back a handful of small blocks. Never shared between threads; stays at one address while any
/// session lives.
@safe
struct HTTP2Memory: ~Copyable {
    /// Before each block, so that it is aligned as `malloc` aligns: which list it belongs to, and its size.
    private struct Header {
        /// `listCount` for a block of its own.
        var list: Int
        var size: Int
    }

    private static let headerSize = 16
    /// Sizes of blocks differ by this many bytes.
    private static let step = 64
    private static let listCount = 16

    /// The first spare block of each size; its first bytes lead to the next.
    private var lists = unsafe InlineArray<16, UnsafeMutableRawPointer?>(repeating: nil)
    /// Bytes of blocks that are kept, at the most.
    private let limit: Int
    /// Bytes of blocks that are kept.
    private(set) var spareBytes = 0

    /// - Parameter limit: bytes of blocks that are kept when nothing needs them; with zero each one is freed at once.
    init(limit: Int) { self.limit = limit }

    deinit {
        for list in 0..<Self.listCount {
            var next = unsafe lists[list]
            while let block = unsafe next {
                unsafe next = block.load(as: UnsafeMutableRawPointer?.self)
                unsafe Glibc.free(block - Self.headerSize)
            }
        }
    }

    /// A block of `count` bytes; nil when there is no memory.
    @inline(__always)
    mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        let list = (max(count, 1) &- 1) / Self.step
        if list < Self.listCount, let block = unsafe lists[list] {
            unsafe lists[list] = block.load(as: UnsafeMutableRawPointer?.self)
            spareBytes &-= (list &+ 1) &* Self.step
            return unsafe block
        }
        return unsafe Self.make(count, min(list, Self.listCount))
    }

    @inline(never)
    private static func make(_ count: Int, _ list: Int) -> UnsafeMutableRawPointer? {
        let size = list < listCount ? (list + 1) * step : count
        guard size <= Int.max - headerSize, let place = unsafe malloc(size + headerSize) else { return nil }
        unsafe place.storeBytes(of: Header(list: list, size: size), as: Header.self)
        return unsafe place + headerSize
    }

    /// Takes a block back.
    @inline(__always)
    mutating func free(_ block: UnsafeMutableRawPointer) {
        let header = unsafe (block - Self.headerSize).load(as: Header.self)
        if header.list < Self.listCount, spareBytes &+ header.size <= limit {
            unsafe block.storeBytes(of: lists[header.list], as: UnsafeMutableRawPointer?.self)
            unsafe lists[header.list] = block
            spareBytes &+= header.size
        } else {
            unsafe Glibc.free(block - Self.headerSize)
        }
    }

    /// A block of `count` bytes that begins with what `block` holds, which is gone; nil, and `block` stays, without memory.
    mutating func resize(_ block: UnsafeMutableRawPointer, _ count: Int) -> UnsafeMutableRawPointer? {
        let size = unsafe (block - Self.headerSize).load(as: Header.self).size
        if count <= size { return unsafe block }
        guard let fresh = unsafe allocate(count) else { return nil }
        unsafe fresh.copyMemory(from: block, byteCount: size)
        unsafe free(block)
        return unsafe fresh
    }

    // MARK: What the codec calls

    /// The table for `nghttp2_session_server_new3`, which copies it. `memory` outlives the session.
    static func table(_ memory: UnsafeMutablePointer<HTTP2Memory>) -> nghttp2_mem {
        unsafe nghttp2_mem(
            mem_user_data: memory,
            malloc: { count, context in
                unsafe context!.assumingMemoryBound(to: HTTP2Memory.self).pointee.allocate(count)
            },
            free: { block, context in
                guard let block = unsafe block else { return }
                unsafe context!.assumingMemoryBound(to: HTTP2Memory.self).pointee.free(block)
            },
            calloc: { count, size, context in
                let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
                guard !overflow else { return nil }
                guard let block = unsafe context!.assumingMemoryBound(to: HTTP2Memory.self).pointee.allocate(bytes)
                else { return nil }
                unsafe memset(block, 0, bytes)
                return unsafe block
            },
            realloc: { block, count, context in
                let memory = unsafe context!.assumingMemoryBound(to: HTTP2Memory.self)
                guard let block = unsafe block else { return unsafe memory.pointee.allocate(count) }
                return unsafe memory.pointee.resize(block, count)
            }
        )
    }
}
