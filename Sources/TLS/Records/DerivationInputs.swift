internal import COpenSSL
internal import Glibc

/// What a derivation is made from (EVP_KDF-TLS13_KDF(7)): a plain value, which its owner wipes.
struct DerivationInputs: BitwiseCopyable {
    /// Up to 255 bytes, or none at all.
    struct Text: BitwiseCopyable {
        private var bytes = InlineArray<256, UInt8>(repeating: 0)
        private(set) var count = 0
        private(set) var isSet = false

        /// False for what is longer than any such text.
        mutating func set(_ start: UnsafeMutableRawPointer?, _ count: Int) -> Bool {
            guard count <= 255 else { return false }
            if count > 0, let start = unsafe start {
                var span = bytes.mutableSpan
                unsafe span.withUnsafeMutableBytes { unsafe $0.baseAddress!.copyMemory(from: start, byteCount: count) }
            }
            self.count = count
            isSet = true
            return true
        }

        /// Runs `body` with the text.
        func withSpan<Result: ~Copyable>(_ body: (borrowing Span<UInt8>) -> Result) -> Result {
            body(bytes.span.extracting(0..<count))
        }

        /// Puts another text before this one; false for what gets too long.
        mutating func insert(_ other: Text) -> Bool {
            guard count + other.count <= 255 else { return false }
            var joined = other
            for index in 0..<count { joined.bytes[other.count + index] = bytes[index] }
            joined.count += count
            self = joined
            return true
        }

        func equals(_ text: StaticString) -> Bool {
            guard count == text.utf8CodeUnitCount else { return false }
            for index in 0..<count where unsafe bytes[index] != text.utf8Start[index] { return false }
            return true
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
            let (start, count) = unsafe (parameter.pointee.data, parameter.pointee.data_size)
            let isTaken: Bool
            if unsafe strcmp(name, "mode") == 0 {
                isTaken = unsafe setMode(parameter)
            } else if unsafe strcmp(name, "digest") == 0 {
                isTaken = unsafe setDigest(start, count)
            } else if unsafe strcmp(name, "key") == 0 {
                isTaken = unsafe key.set(start, count)
            } else if unsafe strcmp(name, "salt") == 0 {
                isTaken = unsafe salt.set(start, count)
            } else if unsafe strcmp(name, "prefix") == 0 {
                isTaken = unsafe prefix.set(start, count)
            } else if unsafe strcmp(name, "label") == 0 {
                isTaken = unsafe label.set(start, count)
            } else if unsafe strcmp(name, "data") == 0 {
                isTaken = unsafe data.set(start, count)
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

    private mutating func setDigest(_ start: UnsafeMutableRawPointer?, _ count: Int) -> Bool {
        guard let name = unsafe start?.assumingMemoryBound(to: CChar.self) else { return false }
        if unsafe strcasecmp(name, "SHA2-256") == 0 || strcasecmp(name, "SHA256") == 0 {
            hash = .sha256
        } else if unsafe strcasecmp(name, "SHA2-384") == 0 || strcasecmp(name, "SHA384") == 0 {
            hash = .sha384
        } else {
            return false
        }
        return true
    }

    /// Fills `output`; false for what RFC 8446, 7.1, doesn't have.
    func derive(into output: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        guard let hash, prefix.count + label.count <= 255, key.count <= hash.blockLength, salt.count <= hash.blockLength
        else { return false }
        switch mode {
        case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
            return unsafe extract(hash, into: output)
        case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
            guard key.isSet else { return false }
            var schedule = key.withSpan { KeySchedule(hash, secret: $0) }
            let isDone = data.withSpan { unsafe expand(schedule, $0, into: output) }
            schedule.wipe()
            return isDone
        default:
            return false
        }
    }

    private func expand(
        _ schedule: borrowing KeySchedule,
        _ data: borrowing Span<UInt8>,
        into output: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        var text = label
        guard text.insert(prefix) else { return false }
        return text.withSpan { unsafe schedule.expand($0, data, into: output) }
    }

    /// HKDF-Extract with what the secret before this one derives to as its salt.
    private func extract(_ hash: RecordHash, into output: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        guard output.count == hash.length else { return false }
        let zeros = Derived(repeating: 0)
        var seed = zeros
        if salt.isSet {
            var before = salt.withSpan { KeySchedule(hash, secret: $0) }
            let empty = KeySchedule.digest(hash, of: Span())
            var span = seed.mutableSpan
            let isDone = unsafe span.withUnsafeMutableBufferPointer { space in
                let space = unsafe UnsafeMutableBufferPointer(rebasing: space[0..<hash.length])
                return unsafe expand(before, empty.span.extracting(0..<hash.length), into: space)
            }
            before.wipe()
            guard isDone else { return false }
        }
        var schedule = KeySchedule(hash, secret: seed.span.extracting(0..<hash.length))
        var secret =
            key.isSet
            ? key.withSpan { schedule.authenticate($0) }
            : schedule.authenticate(zeros.span.extracting(0..<hash.length))
        for index in output.indices { unsafe output[index] = secret[index] }
        wipe(&seed)
        wipe(&secret)
        schedule.wipe()
        return true
    }
}
