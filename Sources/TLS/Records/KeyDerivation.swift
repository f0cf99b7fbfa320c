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
        unsafe OSSL_PROVIDER_add_builtin(nil, "postern", beginProvider) == 1
            && OSSL_PROVIDER_load(nil, "default") != nil && OSSL_PROVIDER_load(nil, "postern") != nil
    }()

    private static let sessionKey: pthread_key_t = {
        var key = pthread_key_t()
        precondition(unsafe pthread_key_create(&key, nil) == 0, "no key for a thread's memory is left")
        return key
    }()

    /// The session that shakes hands on this thread, while it does.
    static var session: UnsafeMutablePointer<Transport>? {
        get { unsafe pthread_getspecific(sessionKey)?.assumingMemoryBound(to: Transport.self) }
        set { _ = unsafe pthread_setspecific(sessionKey, newValue) }
    }

    fileprivate static let tables = ProviderTables()
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

private func newDerivation(_: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    let inputs = UnsafeMutablePointer<DerivationInputs>.allocate(capacity: 1)
    unsafe inputs.initialize(to: DerivationInputs())
    return UnsafeMutableRawPointer(inputs)
}

private func freeDerivation(context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe OPENSSL_cleanse(context, MemoryLayout<DerivationInputs>.size)
    unsafe context.deallocate()
}

private func resetDerivation(context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe OPENSSL_cleanse(context, MemoryLayout<DerivationInputs>.size)
    unsafe context.assumingMemoryBound(to: DerivationInputs.self).initialize(to: DerivationInputs())
}

private func setParameters(context: UnsafeMutableRawPointer?, parameters: UnsafePointer<OSSL_PARAM>?) -> Int32 {
    guard let context = unsafe context else { return 0 }
    return unsafe context.assumingMemoryBound(to: DerivationInputs.self).pointee.take(parameters) ? 1 : 0
}

private func derive(
    context: UnsafeMutableRawPointer?,
    output: UnsafeMutablePointer<UInt8>?,
    count: Int,
    parameters: UnsafePointer<OSSL_PARAM>?
) -> Int32 {
    guard let context = unsafe context, let output = unsafe output else { return 0 }
    let inputs = unsafe context.assumingMemoryBound(to: DerivationInputs.self)
    guard unsafe inputs.pointee.take(parameters) else { return 0 }
    let isDone = unsafe inputs.pointee.derive(into: UnsafeMutableBufferPointer(start: output, count: count))
    guard isDone else { return 0 }
    if let session = unsafe KeyDerivation.session, let side = unsafe inputs.pointee.trafficSecretSide {
        unsafe session.pointee.secrets.take(UnsafeBufferPointer(start: output, count: count).span, of: side)
    }
    return 1
}
