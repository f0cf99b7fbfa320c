import Crypto
import Glibc
import Testing

@testable import Access

private func mode(_ path: String) -> mode_t? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
}

private func key(_ id: String) -> NewAPIKey { NewAPIKey(id: id, name: id, permissions: ["read"], createdAt: 0) }

@Suite struct APIKeyFileEditorTests {
    @Test func `a new file is private, an old one keeps its mode`() throws {
        let path = "/tmp/postern-keys-" + Random.hexToken(bytes: 8)
        defer { unsafe unlink(path) }
        let editor = APIKeyFileEditor(path: path)
        #expect(throws: APIKeyFileError.system(operation: "open", path: path, code: ENOENT)) {
            try editor.edit { document throws(APIKeyFileError) in try document.remove("a") }
        }
        let secret = APIKeyText.make()
        try editor.edit(creating: true) { document throws(APIKeyFileError) in try document.add(key("a"), secret: secret)
        }
        #expect(mode(path) == 0o600)
        unsafe chmod(path, 0o640)
        try editor.edit { document throws(APIKeyFileError) in try document.add(key("b"), secret: APIKeyText.make()) }
        #expect(mode(path) == 0o640)
        let table = try APIKeyFile.load(path: path).table
        let found = table.find(bytes(secret).span)
        #expect(found.map { table.id(of: $0) } == bytes("a"))
        #expect(try editor.read().ids == ["a", "b"])
    }

    @Test func `a refused change and a broken file stay`() throws {
        let path = "/tmp/postern-keys-" + Random.hexToken(bytes: 8)
        defer { unsafe unlink(path) }
        let file = try FileSystem.open(path, O_WRONLY | O_CREAT, mode: 0o600)
        try FileSystem.write(bytes("{\"keys\": ["), to: file, path)
        let editor = APIKeyFileEditor(path: path)
        #expect(throws: APIKeyFileError.self) {
            try editor.edit(creating: true) { document throws(APIKeyFileError) in
                try document.add(key("a"), secret: APIKeyText.make())
            }
        }
        #expect(try FileSystem.read(path, limit: 100) == bytes("{\"keys\": ["))
    }
}
