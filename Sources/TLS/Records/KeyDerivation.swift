internal import COpenSSL
internal import Glibc

/// TLS 1.3's key derivation as a provider of OpenSSL (provider(7)), for contexts that ask for `properties`.
///
/// OpenSSL has each of its two dozen derivations in a handshake go through look-ups that cost several times what they find;
/// here they are the digest and little else. And here pass the two secrets that protect an established session: a server's
/// session that shakes hands gets to know them, without a detour over text.
///
/// Any other use of OpenSSL is untouched: its own provider serves whoever doesn't ask for this one.
enum KeyDerivation {
    /// What a context asks for so as to have this derivation where it can.
    static let properties = "?provider=postern"

    /// Whether OpenSSL has taken it. Asked before the first context is made.
    static let isAvailable: Bool = {
        // The default provider is loaded by itself only as long as no other one is.
        guard unsafe OSSL_PROVIDER_add_builtin(nil, "postern", beginProvider) == 1 else { return false }
        return unsafe defaultProvider != nil && ownProvider != nil
    }()

    // Kept for as long as the process: nobody unloads them.
    private nonisolated(unsafe) static let defaultProvider = unsafe OSSL_PROVIDER_load(nil, "default")
    private nonisolated(unsafe) static let ownProvider = unsafe OSSL_PROVIDER_load(nil, "postern")

    private static let threadKey: pthread_key_t = {
        var key = pthread_key_t()
        let code = unsafe pthread_key_create(&key) { memory in
            guard let thread = unsafe memory?.assumingMemoryBound(to: DerivingThread.self) else { return }
            unsafe thread.deinitialize(count: 1)
            unsafe thread.deallocate()
        }
        precondition(code == 0, "no key for a thread's memory is left")
        return key
    }()

    /// This thread's own.
    fileprivate static var thread: UnsafeMutablePointer<DerivingThread> {
        if let memory = unsafe pthread_getspecific(threadKey) {
            return unsafe memory.assumingMemoryBound(to: DerivingThread.self)
        }
        let made = UnsafeMutablePointer<DerivingThread>.allocate(capacity: 1)
        unsafe made.initialize(to: DerivingThread())
        _ = unsafe pthread_setspecific(threadKey, made)
        return unsafe made
    }

    /// The session that shakes hands on this thread, while it does.
    static var session: UnsafeMutablePointer<Transport>? { unsafe thread.pointee.session }

    /// Runs one step of the handshake of `session`, which is told of its secrets.
    static func whileDeriving(for session: UnsafeMutablePointer<Transport>, _ step: () -> Int32) -> Int32 {
        let thread = unsafe thread
        unsafe thread.pointee.session = session
        unsafe thread.pointee.memo.open()
        defer {
            unsafe thread.pointee.session = nil
            unsafe thread.pointee.memo.close()
        }
        return step()
    }

    fileprivate static let tables = ProviderTables()
}

/// What a thread has while it derives.
@safe
private struct DerivingThread: ~Copyable {
    var session: UnsafeMutablePointer<Transport>?
    var memo = ScheduleMemo()
}

/// What OpenSSL asks a provider for, at addresses that stay.
@safe
private struct ProviderTables: @unchecked Sendable {
    let provider: UnsafeMutablePointer<OSSL_DISPATCH>
    let algorithms: UnsafeMutablePointer<OSSL_ALGORITHM>

    init() {
        let derivation = unsafe Self.table([
            (OSSL_FUNC_KDF_NEWCTX, unsafeBitCast(newDerivation as NewDerivation, to: Untyped.self)),
            (OSSL_FUNC_KDF_FREECTX, unsafeBitCast(freeDerivation as DropDerivation, to: Untyped.self)),
            (OSSL_FUNC_KDF_RESET, unsafeBitCast(resetDerivation as DropDerivation, to: Untyped.self)),
            (OSSL_FUNC_KDF_DERIVE, unsafeBitCast(derive as Derive, to: Untyped.self)),
            (OSSL_FUNC_KDF_SET_CTX_PARAMS, unsafeBitCast(setParameters as SetParameters, to: Untyped.self)),
        ])
        unsafe provider = Self.table([
            (OSSL_FUNC_PROVIDER_QUERY_OPERATION, unsafeBitCast(queryOperation as QueryOperation, to: Untyped.self))
        ])
        unsafe algorithms = UnsafeMutablePointer<OSSL_ALGORITHM>.allocate(capacity: 2)
        unsafe algorithms.initialize(repeating: OSSL_ALGORITHM(), count: 2)
        unsafe algorithms[0].algorithm_names = UnsafePointer(strdup("TLS13-KDF"))
        unsafe algorithms[0].property_definition = UnsafePointer(strdup("provider=postern"))
        unsafe algorithms[0].implementation = UnsafePointer(derivation)
    }

    private typealias Untyped = @convention(c) () -> Void

    private static func table(_ entries: [(Int32, Untyped)]) -> UnsafeMutablePointer<OSSL_DISPATCH> {
        let table = UnsafeMutablePointer<OSSL_DISPATCH>.allocate(capacity: entries.count + 1)
        for (index, entry) in entries.enumerated() {
            unsafe (table + index).initialize(to: OSSL_DISPATCH(function_id: entry.0, function: entry.1))
        }
        unsafe (table + entries.count).initialize(to: OSSL_DISPATCH())
        return unsafe table
    }
}

private func beginProvider(
    _: OpaquePointer?,
    _: UnsafePointer<OSSL_DISPATCH>?,
    dispatch: UnsafeMutablePointer<UnsafePointer<OSSL_DISPATCH>?>?,
    context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> Int32 {
    unsafe dispatch?.pointee = UnsafePointer(KeyDerivation.tables.provider)
    // A provider's context must not be nil.
    unsafe context?.pointee = UnsafeMutableRawPointer(KeyDerivation.tables.provider)
    return 1
}

private typealias QueryOperation =
    @convention(c) (UnsafeMutableRawPointer?, Int32, UnsafeMutablePointer<Int32>?) -> UnsafePointer<OSSL_ALGORITHM>?

private func queryOperation(_: UnsafeMutableRawPointer?, operation: Int32, mayNotKeep: UnsafeMutablePointer<Int32>?)
    -> UnsafePointer<OSSL_ALGORITHM>?
{
    unsafe mayNotKeep?.pointee = 0
    return unsafe operation == OSSL_OP_KDF ? UnsafePointer(KeyDerivation.tables.algorithms) : nil
}

// MARK: One derivation

private typealias NewDerivation = @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
private typealias DropDerivation = @convention(c) (UnsafeMutableRawPointer?) -> Void
private typealias SetParameters = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<OSSL_PARAM>?) -> Int32
private typealias Derive =
    @convention(c) (
        UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int, UnsafePointer<OSSL_PARAM>?
    ) -> Int32

/// OpenSSL hands all over with the call that derives, so that nothing of it is kept; others may set it before.
@safe
private struct Derivation: ~Copyable {
    var inputs = DerivationInputs()
    /// Where texts lie that were set before.
    private var kept: UnsafeMutableRawPointer?

    deinit { reset() }

    private func reset() {
        guard let kept = unsafe kept else { return }
        unsafe OPENSSL_cleanse(kept, DerivationInputs.keptLength)
        unsafe kept.deallocate()
    }

    /// Sets what holds for later calls.
    mutating func set(_ parameters: UnsafePointer<OSSL_PARAM>?) -> Bool {
        guard unsafe inputs.take(parameters) else {
            // Nothing may stay that points to what is not its own.
            inputs = DerivationInputs()
            return false
        }
        let memory = unsafe kept ?? .allocate(byteCount: DerivationInputs.keptLength, alignment: 1)
        unsafe kept = memory
        unsafe inputs.keep(in: memory)
        return true
    }
}

private func newDerivation(_: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    let derivation = UnsafeMutablePointer<Derivation>.allocate(capacity: 1)
    unsafe derivation.initialize(to: Derivation())
    return UnsafeMutableRawPointer(derivation)
}

private func freeDerivation(context: UnsafeMutableRawPointer?) {
    guard let derivation = unsafe context?.assumingMemoryBound(to: Derivation.self) else { return }
    unsafe derivation.deinitialize(count: 1)
    unsafe derivation.deallocate()
}

private func resetDerivation(context: UnsafeMutableRawPointer?) {
    unsafe context?.assumingMemoryBound(to: Derivation.self).pointee = Derivation()
}

private func setParameters(context: UnsafeMutableRawPointer?, parameters: UnsafePointer<OSSL_PARAM>?) -> Int32 {
    guard let context = unsafe context else { return 0 }
    return unsafe context.assumingMemoryBound(to: Derivation.self).pointee.set(parameters) ? 1 : 0
}

private func derive(
    context: UnsafeMutableRawPointer?,
    output: UnsafeMutablePointer<UInt8>?,
    count: Int,
    parameters: UnsafePointer<OSSL_PARAM>?
) -> Int32 {
    guard let context = unsafe context, let output = unsafe output else { return 0 }
    var inputs = unsafe context.assumingMemoryBound(to: Derivation.self).pointee.inputs
    guard unsafe inputs.take(parameters) else { return 0 }
    let thread = unsafe KeyDerivation.thread
    let space = unsafe UnsafeMutableBufferPointer(start: output, count: count)
    guard unsafe inputs.derive(into: space, &thread.pointee.memo) else { return 0 }
    if let session = unsafe thread.pointee.session, let side = inputs.trafficSecretSide {
        unsafe session.pointee.secrets.take(UnsafeBufferPointer(space).span, of: side)
    }
    return 1
}
