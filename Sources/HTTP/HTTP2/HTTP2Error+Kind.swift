extension HTTP2Error {
    /// Why a connection ends, as one of few: what is counted.
    package enum Kind: UInt8, Sendable, CaseIterable {
        // Held to a bound.
        case resets, idleFrames, headerBlock, continuations, unreadAnswers, settingsEntries, otherAbuse
        // Against the protocol.
        case preface, flowControl, compression, frameSize, closedStream, violation
        // Ours.
        case failure
    }

    /// The one that this is.
    package var kind: Kind {
        if self == .rapidReset { return .resets }
        if self == .idleFrames { return .idleFrames }
        if self == .blockTooLarge { return .headerBlock }
        if self == .continuations { return .continuations }
        if self == .floodedAcks { return .unreadAnswers }
        if self == .settingsEntries { return .settingsEntries }
        if self == .badPreface { return .preface }
        return switch code {
        case HTTP2Code.enhanceYourCalm: .otherAbuse
        case HTTP2Code.flowControlError: .flowControl
        case HTTP2Code.compressionError: .compression
        case HTTP2Code.frameSizeError: .frameSize
        case HTTP2Code.streamClosed: .closedStream
        case HTTP2Code.internalError: .failure
        default: .violation
        }
    }
}
