internal import COpenSSL
internal import Glibc

/// What a derivation is made from (EVP_KDF-TLS13_KDF(7)). The texts lie where the parameters that named them have them.
@safe
struct DerivationInputs {
    /// Up to 255 bytes, or none at all.
    @safe
    struct Text {
        private(set) var bytes = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        private(set) var isSet = false
        var count: Int { unsafe bytes.count }

        /// False for what is longer than any such text.
        mutating func set(_ parameter: OSSL_PARAM) -> Bool {
            let count = unsafe parameter.data_size
            guard count <= 255 else { return false }
            unsafe bytes = UnsafeRawBufferPointer(
                start: parameter.data,
                count: unsafe parameter.data == nil ? 0 : count
            )
            isSet = true
            return true
        }

        /// Goes over to a copy of it, which has room for 255 bytes.
        mutating func move(to memory: UnsafeMutableRawPointer) {
            if let start = unsafe bytes.baseAddress, unsafe bytes.count > 0 {
                unsafe memmove(memory, start, bytes.count)
            }
            unsafe bytes = UnsafeRawBufferPointer(start: memory, count: bytes.count)
        }

        func equals(_ text: StaticString) -> Bool {
            guard unsafe bytes.count == text.utf8CodeUnitCount, let start = unsafe bytes.baseAddress else {
                return false
            }
            return unsafe memcmp(start, text.utf8Start, bytes.count) == 0
        }
    }

    /// Whose records a traffic secret protects.
    enum Side { case client, server }

    private var hash: RecordHash?
    private var mode: Int32 = 0
    private var key = Text()
    private var salt = Text()
    private var prefix = Text()
    private var label = Text()
    private var data = Text()

    /// What `keep` needs, in bytes.
    static let keptLength = 5 * 255

    /// Goes over to copies of all texts that are there, which others may take back after the call.
    mutating func keep(in memory: UnsafeMutableRawPointer) {
        if key.isSet { unsafe key.move(to: memory) }
        if salt.isSet { unsafe salt.move(to: memory + 255) }
        if prefix.isSet { unsafe prefix.move(to: memory + 2 * 255) }
        if label.isSet { unsafe label.move(to: memory + 3 * 255) }
        if data.isSet { unsafe data.move(to: memory + 4 * 255) }
    }

    /// The side whose secret of an established session this derives.
    var trafficSecretSide: Side? {
        guard mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY, label.count == 12 else { return nil }
        if label.equals("c ap traffic") { return .client }
        return label.equals("s ap traffic") ? .server : nil
    }

    /// Takes over what a list of parameters holds; false where something in it can't be.
    mutating func take(_ parameters: UnsafePointer<OSSL_PARAM>?) -> Bool {
        guard var parameter = unsafe parameters else { return true }
        while let name = unsafe parameter.pointee.key {
            let isTaken: Bool
            if unsafe strcmp(name, "key") == 0 {
                isTaken = unsafe key.set(parameter.pointee)
            } else if unsafe strcmp(name, "label") == 0 {
                isTaken = unsafe label.set(parameter.pointee)
            } else if unsafe strcmp(name, "data") == 0 {
                isTaken = unsafe data.set(parameter.pointee)
            } else if unsafe strcmp(name, "prefix") == 0 {
                isTaken = unsafe prefix.set(parameter.pointee)
            } else if unsafe strcmp(name, "digest") == 0 {
                isTaken = unsafe setDigest(parameter.pointee)
            } else if unsafe strcmp(name, "mode") == 0 {
                isTaken = unsafe setMode(parameter)
            } else if unsafe strcmp(name, "salt") == 0 {
                isTaken = unsafe salt.set(parameter.pointee)
            } else {
                // `properties` choose between implementations of a digest, which here there is but one of.
                isTaken = true
            }
            if !isTaken { return false }
            unsafe parameter += 1
        }
        return true
    }

    private mutating func setMode(_ parameter: UnsafePointer<OSSL_PARAM>) -> Bool {
        if unsafe parameter.pointee.data_type != UInt32(OSSL_PARAM_UTF8_STRING) {
            return unsafe OSSL_PARAM_get_int(parameter, &mode) == 1
        }
        guard let text = unsafe parameter.pointee.data?.assumingMemoryBound(to: CChar.self) else { return false }
        if unsafe strcmp(text, "EXTRACT_ONLY") == 0 {
            mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY
        } else if unsafe strcmp(text, "EXPAND_ONLY") == 0 {
            mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY
        } else {
            return false
        }
        return true
    }

    private mutating func setDigest(_ parameter: OSSL_PARAM) -> Bool {
        guard let name = unsafe parameter.data?.assumingMemoryBound(to: CChar.self) else { return false }
        if unsafe strcasecmp(name, "SHA2-256") == 0 || strcasecmp(name, "SHA256") == 0 {
            hash = .sha256
        } else if unsafe strcasecmp(name, "SHA2-384") == 0 || strcasecmp(name, "SHA384") == 0 {
            hash = .sha384
        } else {
            return false
        }
        return true
    }

    /// Fills `output`; false for what RFC 8446, 7.1, doesn't have. What a secret needs anew each time stays in `memo`.
    func derive(into output: UnsafeMutableBufferPointer<UInt8>, _ memo: inout ScheduleMemo) -> Bool {
        guard let hash, prefix.count + label.count <= 255, key.count <= hash.blockLength, salt.count <= hash.blockLength
        else { return false }
        switch mode {
        case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
            return unsafe extract(hash, into: output, &memo)
        case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
            guard key.isSet else { return false }
            let secret = unsafe Span<UInt8>(_unsafeBytes: key.bytes)
            return memo.withSchedule(hash, secret) { unsafe expand($0, data.bytes, into: output) }
        default:
            return false
        }
    }

    private func expand(
        _ schedule: borrowing KeySchedule,
        _ data: UnsafeRawBufferPointer,
        into output: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        unsafe schedule.expand(prefix.bytes, label.bytes, data, into: output)
    }

    /// HKDF-Extract with what the secret before this one derives to as its salt.
    private func extract(
        _ hash: RecordHash,
        into output: UnsafeMutableBufferPointer<UInt8>,
        _ memo: inout ScheduleMemo
    ) -> Bool {
        guard output.count == hash.length else { return false }
        let first = FirstSecret.of(hash)
        if !salt.isSet {
            unsafe authenticate(first.beforeAll, hash, into: output)
            return true
        }
        let before = unsafe Span<UInt8>(_unsafeBytes: salt.bytes)
        if prefix.equals("tls13 "), label.equals("derived"), first.equals(before) {
            unsafe authenticate(first.following, hash, into: output)
            return true
        }
        var seed = Derived(repeating: 0)
        var span = seed.mutableSpan
        let isDone = unsafe span.withUnsafeMutableBufferPointer { space in
            let space = unsafe UnsafeMutableBufferPointer(rebasing: space[0..<hash.length])
            return memo.withSchedule(hash, before) { schedule in
                unsafe first.emptyDigest.span.extracting(0..<hash.length).withUnsafeBytes { digest in
                    unsafe expand(schedule, digest, into: space)
                }
            }
        }
        guard isDone else { return false }
        var schedule = KeySchedule(hash, secret: seed.span.extracting(0..<hash.length))
        unsafe authenticate(schedule, hash, into: output)
        schedule.wipe()
        wipe(&seed)
        return true
    }

    private func authenticate(
        _ schedule: borrowing KeySchedule,
        _ hash: RecordHash,
        into output: UnsafeMutableBufferPointer<UInt8>
    ) {
        let zeros = Derived(repeating: 0)
        var secret =
            key.isSet
            ? schedule.authenticate(unsafe Span(_unsafeBytes: key.bytes))
            : schedule.authenticate(zeros.span.extracting(0..<hash.length))
        for index in output.indices { unsafe output[index] = secret[index] }
        wipe(&secret)
    }
}
