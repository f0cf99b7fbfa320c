import Bytes
import EventLoop
import HTTP

/// The end of a loop that is told to stop: nothing is waited for, but each client is told what its socket takes at once.
extension Worker {
    /// Ends everything at once.
    mutating func closeAll() {
        closeSockets()
        for slot in 0..<UInt32(clients.slotCount) {
            let client = clients[slot]
            if client.value.state == .free || client.value.isStream { continue }
            sayGoodbye(client)
            abort(client)
        }
        releaseLeaving()
    }

    /// Tells the client in its protocol's words that the connection ends.
    private mutating func sayGoodbye(_ client: Ref<ClientConnection>) {
        switch client.value.state {
        case .tunneling:
            closeWebSocket(client)
            client.value.transport.endWriting()
        case .multiplexing:
            endSession(client)
            client.value.transport.endWriting()
        case .free, .introducing, .handshaking, .reading, .exchanging, .lingering: break
        }
    }

    /// Sends the frame that closes a WebSocket, for an endpoint that goes away with code 1001 (RFC 6455, sections 5.5.1 and
    /// 7.4.1), unless it would come in the midst of another.
    mutating func closeWebSocket(_ client: Ref<ClientConnection>, code: UInt16 = 1001) {
        guard let upstream = client.value.tunnel, upstream.value.frames.isAtBoundary, upstream.value.input.isEmpty,
            writeOut(client)
        else { return }
        prepareOutput(client)
        client.value.output.append([0x88, 0x02, UInt8(code >> 8), UInt8(truncatingIfNeeded: code)])
        _ = writeOut(client)
    }

    /// Sends GOAWAY with the last stream that was taken, behind what streams still say.
    private mutating func endSession(_ client: Ref<ClientConnection>) {
        var next = client.value.firstStream
        while let stream = next {
            next = stream.value.nextStream
            if stream.value.state == .tunneling {
                closeWebSocket(stream)
                stream.value.transport.endWriting()
            }
        }
        // The first asks for no more streams, the second takes none.
        client.value.session?.shutdown()
        if client.value.session?.takesStreams ?? false { client.value.session?.shutdown() }
        guard writeOut(client) else { return }
        prepareOutput(client)
        try? client.value.session?.send(into: &client.value.output, limit: 65536)
        _ = writeOut(client)
    }

    /// Writes what waits, as far as it is taken at once; true when it all was.
    private func writeOut(_ client: Ref<ClientConnection>) -> Bool {
        while !client.value.output.isEmpty {
            guard case .bytes = client.value.transport.write(from: &client.value.output) else { return false }
        }
        return true
    }
}
