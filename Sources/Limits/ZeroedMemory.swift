import Glibc

/// Zeroed memory for `count` values of a trivial type, resident only where it is written. Ends the process when there is none.
func zeroedMemory<Value: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<Value> {
    precondition(MemoryLayout<Value>.alignment <= 16)
    guard let memory = unsafe calloc(count, MemoryLayout<Value>.stride) else { fatalError("out of memory") }
    return unsafe memory.bindMemory(to: Value.self, capacity: count)
}

func freeMemory<Value: BitwiseCopyable>(_ memory: UnsafeMutablePointer<Value>) {
    unsafe free(memory)
}
