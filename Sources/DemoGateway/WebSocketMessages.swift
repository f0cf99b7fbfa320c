/// The JSON of the connect handshake.
enum WebSocketMessages {
    struct Event<Payload: Encodable>: Encodable {
        let type = "event"
        let event: String
        let payload: Payload
        var seq: Int?
    }

    struct Challenge: Encodable {
        let nonce: String
        let ts: Int
    }

    struct Tick: Encodable {
        let ts: Int
    }

    /// A client's first message.
    struct Connect: Decodable {
        struct Parameters: Decodable {
            struct Auth: Decodable {
                let token: String?
                let password: String?
            }

            struct Device: Decodable {
                let id: String
                let nonce: String?
            }

            let minProtocol: Int
            let maxProtocol: Int
            let role: String?
            let scopes: [String]?
            let auth: Auth?
            let device: Device?
        }

        let type: String
        let id: String
        let method: String
        let params: Parameters
    }

    struct Hello: Encodable {
        struct Server: Encodable {
            let version = "demo"
            let connId: String
        }

        struct Features: Encodable {
            let methods: [String] = []
            let events = ["tick"]
        }

        struct Snapshot: Encodable {}

        struct Auth: Encodable {
            let role: String
            let scopes: [String]
        }

        struct Policy: Encodable {
            let maxPayload: Int
            let maxBufferedBytes: Int
            let tickIntervalMs: UInt64
        }

        let type = "hello-ok"
        let `protocol` = 4
        let server: Server
        let features = Features()
        let snapshot = Snapshot()
        let auth: Auth
        let policy: Policy
    }

    struct Failure: Encodable {
        struct Details: Encodable {
            let code: String
            let reason: String
            var requestId: String?
        }

        let code: String
        let message: String
        var details: Details?
    }

    struct Answer<Payload: Encodable>: Encodable {
        let type = "res"
        let id: String
        let ok: Bool
        var payload: Payload?
        var error: Failure?
    }
}
