import Bytes
import Testing

@testable import Access

private func need(_ table: PermissionTable, _ method: String, _ path: String, webSocket: Bool = false) -> String {
    let place = table.needed(method: bytes(method).span, isWebSocket: webSocket, path: bytes(path).span).exact
    return place < 0 ? "-" : table.permissions[place].name
}

private func scopes(_ table: PermissionTable, _ names: String...) -> String {
    let set = names.reduce(into: PermissionSet()) { set, name in
        set.insert(PermissionSet(place: table.place(named: name) ?? 63))
    }
    var buffer = ByteBuffer(capacity: 16)
    table.appendScopes(of: set, to: &buffer)
    #expect(buffer.readable.array == table.scopes(of: set))
    return buffer.readable.string
}

@Suite struct PermissionTableTests {
    @Test(arguments: [
        ("GET", "/", "read"), ("HEAD", "/x", "read"), ("OPTIONS", "/", "read"), ("POST", "/", "write"),
        ("PUT", "/", "write"), ("PATCH", "/", "write"), ("DELETE", "/", "write"), ("get", "/", "-"),
        ("TRACE", "/", "-"), ("CONNECT", "/", "-"), ("", "/", "-"), ("WEBSOCKET", "/", "-"),
        ("POST", "/tools/invoke", "execute-actions"), ("GET", "/tools/invoke", "execute-actions"),
        ("PURGE", "/tools/invoke", "execute-actions"), ("POST", "/tools/invoke/x", "write"),
        ("POST", "/tools/invok", "write"), ("POST", "/Tools/invoke", "write"), ("GET", "", "read"),
    ])
    func `what the standard table asks for`(method: String, path: String, name: String) {
        #expect(need(.standard, method, path) == name)
    }

    /// As a server reads paths to which letter case and slashes at the end are nothing.
    @Test(arguments: [
        ("/tools/invoke", "execute-actions"), ("/tools/invoke/", "execute-actions"),
        ("/tools/invoke///", "execute-actions"), ("/Tools/INVOKE", "execute-actions"), ("/tools/invok", "write"),
        ("/tools/invoke/x", "write"), ("/tools/invokes", "write"), ("/x/tools/invoke", "write"), ("/", "write"),
        ("", "write"), ("/ORDERS/1", "orders"), ("/orders", "orders"), ("/orders//", "orders"), ("/ordersx", "write"),
        ("/order", "write"), ("/Orders/Big", "big"), ("/orders/big/", "big"), ("/orders/bigger", "orders"),
    ])
    func `what it asks for, read loosely`(path: String, name: String) throws {
        let table = try PermissionTable(
            PermissionTable.standard.permissions + [
                Permission("orders", paths: ["/orders/"]), Permission("big", paths: ["/orders/big"]),
            ]
        )
        let place = table.needed(
            method: Array("POST".utf8).span,
            isWebSocket: false,
            path: Array(path.utf8).span
        ).loose
        #expect(table.permissions[place].name == name)
    }

    @Test func `every path is within the root's prefix, read loosely`() throws {
        let table = try PermissionTable([Permission("all", paths: ["/"])])
        for path in ["", "/", "/x", "//"] {
            let place = table.needed(
                method: Array("GET".utf8).span,
                isWebSocket: false,
                path: Array(path.utf8).span
            ).loose
            #expect(place == 0)
        }
    }

    @Test func `an upgrade is no GET`() throws {
        #expect(need(.standard, "GET", "/", webSocket: true) == "write")
        #expect(need(.standard, "GET", "/tools/invoke", webSocket: true) == "execute-actions")
        let table = try PermissionTable([Permission("read", methods: ["GET"])])
        #expect(need(table, "GET", "/", webSocket: true) == "-")
    }

    @Test func `methods of more than eight letters`() throws {
        let table = try PermissionTable([
            Permission("versions", methods: ["VERSION-CONTROL", "CHECKOUTS", "CHECKOUT"]),
            Permission("sockets", methods: [PermissionTable.webSocketMethod]),
        ])
        #expect(need(table, "VERSION-CONTROL", "/") == "versions")
        #expect(need(table, "CHECKOUT", "/") == "versions")
        #expect(need(table, "CHECKOUTS", "/") == "versions")
        #expect(need(table, "VERSION-CONTROLS", "/") == "-")
        #expect(need(table, "CHECKOUTX", "/") == "-")
        #expect(need(table, "WEBSOCKET", "/") == "-")
        #expect(need(table, "VERSION-CONTROL", "/", webSocket: true) == "sockets")
    }

    @Test func `the longest path decides, then the methods, then the author's order`() throws {
        let table = try PermissionTable([
            Permission("tools", paths: ["/tools/", "/t"]),
            Permission("deploy", methods: ["POST"], paths: ["/tools/deploy/"]),
            Permission("undeploy", methods: ["DELETE"], paths: ["/tools/deploy/"]),
            Permission("one", paths: ["/tools/deploy/one"]),
            Permission("same", paths: ["/tools/"]),
            Permission("read", methods: ["GET"]),
            Permission("also-read", methods: ["GET", "HEAD"]),
        ])
        #expect(need(table, "POST", "/tools/deploy/x") == "deploy")
        #expect(need(table, "DELETE", "/tools/deploy/x") == "undeploy")
        #expect(need(table, "GET", "/tools/deploy/x") == "tools")
        #expect(need(table, "POST", "/tools/deploy/one") == "one")
        #expect(need(table, "POST", "/tools/deploy/one/") == "deploy")
        #expect(need(table, "GET", "/tools/") == "tools")
        #expect(need(table, "GET", "/tools") == "read")
        #expect(need(table, "HEAD", "/tools") == "also-read")
        #expect(need(table, "POST", "/t") == "tools")
        #expect(need(table, "POST", "/tt") == "-")
    }

    @Test func `scopes come once each, in the table's order`() {
        #expect(scopes(.standard) == "")
        #expect(scopes(.standard, "read") == "operator.read")
        #expect(scopes(.standard, "execute-actions", "write", "read") == "operator.read,operator.write")
        #expect(scopes(.standard, "admin", "execute-actions") == "operator.write,operator.admin")
    }

    @Test func `all of them, and none`() throws {
        let names = (0..<64).map { Permission("p\($0)") }
        #expect(try PermissionTable(names).all.rawValue == .max)
        #expect(try PermissionTable([]).all.isEmpty)
        #expect(PermissionTable.standard.all.rawValue == 0b1111)
        #expect(PermissionTable.standard.all.holds(3))
        #expect(!PermissionTable.standard.all.holds(4))
        #expect(!PermissionSet(rawValue: .max).holds(-1))
        #expect(!PermissionSet(rawValue: .max).holds(64))
        #expect(PermissionSet(rawValue: .max).holds(63))
    }

    static let refused: [([Permission], PermissionTableError)] = [
        ((0..<65).map { Permission("p\($0)") }, .tooMany(count: 65)),
        ([Permission("a"), Permission("a")], .duplicate(name: "a")),
        ([Permission("")], .name("")),
        ([Permission("a b")], .name("a b")),
        ([Permission("a", methods: ["GE T"])], .method("GE T", permission: "a")),
        ([Permission("a", methods: [""])], .method("", permission: "a")),
        ([Permission("a", paths: ["x"])], .path("x", permission: "a")),
        ([Permission("a", scopes: ["x,y"])], .scope("x,y", permission: "a")),
        ([Permission("a", scopes: [""])], .scope("", permission: "a")),
        ([Permission("a", methods: (0..<65).map { "M\($0)" })], .tooManyMethods(count: 65)),
    ]

    @Test(arguments: refused)
    func `what makes no table`(permissions: [Permission], error: PermissionTableError) {
        #expect(throws: error) { try PermissionTable(permissions) }
    }
}
