/// What can be asked for at the control socket: the one list of paths.
enum ControlRoute: String, CaseIterable {
    case status = "/v1/status"
    case sessions = "/v1/sessions"
    case revokeSession = "/v1/sessions/revoke"
    case revokeUser = "/v1/sessions/revoke-user"
    case devices = "/v1/devices"
    case approve = "/v1/devices/approve"
    case reject = "/v1/devices/reject"
    case remove = "/v1/devices/remove"
    case clear = "/v1/devices/clear"
    case keyUses = "/v1/keys/uses"
    case locked = "/v1/locked"
    case unlock = "/v1/locked/clear"
    case audit = "/v1/audit"

    /// The one method it takes.
    var method: String {
        switch self {
        case .status, .sessions, .devices, .keyUses, .locked, .audit: "GET"
        case .revokeSession, .revokeUser, .approve, .reject, .remove, .clear, .unlock: "POST"
        }
    }
}

/// A request at the control socket, read whole.
struct ControlRequest {
    var method: String
    var path: String
    /// What follows the first `?`.
    var query = ""
    var body: [UInt8] = []
    var caller: ControlCaller
}

/// What is answered: a status and JSON.
struct ControlReply: Equatable {
    var status: Int
    var body: [UInt8]
    /// The method that the path takes, when it isn't the one that came.
    var allow: String?

    static func refusal(_ status: Int, _ sentence: String, allow: String? = nil) -> ControlReply {
        ControlReply(status: status, body: ControlJSON.encode(ControlError(error: sentence)), allow: allow)
    }
}

extension ControlActions {
    /// Carries a request out, and answers once that is done.
    func answer(_ request: ControlRequest) -> ControlReply {
        guard let route = ControlRoute(rawValue: request.path) else {
            return .refusal(404, "there is no \(request.path); see /v1/status")
        }
        guard request.method == route.method else {
            return .refusal(405, "\(request.path) takes \(route.method)", allow: route.method)
        }
        do {
            return ControlReply(status: 200, body: try carryOut(route, request))
        } catch let error as ControlFailure {
            return switch error {
            case .notFound(let sentence): .refusal(404, sentence)
            case .unavailable(let sentence): .refusal(503, sentence)
            }
        } catch {
            return .refusal(400, "\(error)")
        }
    }

    private func carryOut(_ route: ControlRoute, _ request: ControlRequest) throws -> [UInt8] {
        let caller = request.caller
        switch route {
        case .status: return ControlJSON.encode(try status((), caller))
        case .sessions:
            let filter = try ControlQuery(request.query).sessionFilter()
            return ControlJSON.encode(try sessions(filter, caller))
        case .revokeSession:
            let id = try ControlBody(request.body).id()
            return ControlJSON.encode(try revokeSession(id, caller))
        case .revokeUser:
            let user = try ControlBody(request.body).user()
            return ControlJSON.encode(try revokeUser(user, caller))
        case .devices: return ControlJSON.encode(try devices((), caller))
        case .approve:
            let code = try ControlBody(request.body).code()
            return ControlJSON.encode(try approve(code, caller))
        case .reject:
            let code = try ControlBody(request.body).code()
            return ControlJSON.encode(try reject(code, caller))
        case .remove:
            let id = try ControlBody(request.body).id()
            return ControlJSON.encode(try remove(id, caller))
        case .clear: return ControlJSON.encode(try clear((), caller))
        case .keyUses: return ControlJSON.encode(try keyUses((), caller))
        case .locked: return ControlJSON.encode(try locked((), caller))
        case .unlock:
            // No body: all are meant.
            let subject = request.body.isEmpty ? nil : try ControlBody(request.body).subject()
            return ControlJSON.encode(try unlock(subject, caller))
        case .audit:
            let limit = try ControlQuery(request.query).auditLimit()
            return ControlJSON.encode(try audit(limit, caller))
        }
    }
}
