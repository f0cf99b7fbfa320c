import EventLoop
import Glibc
import Testing

@Suite struct FileTests {
    static func write(_ text: String, to path: String) {
        let descriptor = unsafe open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    @Test func changesAreSeenOnce() throws {
        let path = "/tmp/postern-test-\(getpid())-\(UInt32.random(in: 0 ... .max)).txt"
        defer { _ = unsafe unlink(path) }
        var watcher = FileWatcher(path: path)
        #expect(watcher.stamp == nil)
        let change1 = watcher.hasChanged()
        #expect(!change1)
        Self.write("one", to: path)
        let change2 = watcher.hasChanged()
        #expect(change2)
        let change3 = watcher.hasChanged()
        #expect(!change3)
        #expect(watcher.stamp?.size == 3)
        // As editors and `postern user` do: a new file over the old one, of the same size.
        Self.write("two", to: path + ".new")
        #expect(unsafe rename(path + ".new", path) == 0)
        let change4 = watcher.hasChanged()
        #expect(change4)
        #expect(unsafe unlink(path) == 0)
        let change5 = watcher.hasChanged()
        #expect(change5)
        let change6 = watcher.hasChanged()
        #expect(!change6)
    }

    @Test func descriptorLimit() throws {
        let (soft, hard) = try DescriptorLimit.current()
        #expect(soft > 0 && soft <= hard)
        #expect(try DescriptorLimit.raiseToMaximum() == hard)
        #expect(try DescriptorLimit.current().soft == hard)
        try DescriptorLimit.set(soft)
    }

    @Test func ownedDescriptorsClose() throws {
        let pair = try Sockets.pair()
        let raw = pair.first.raw
        var released: Int32 = -1
        do {
            let copy = OwnedDescriptor(adopting: dup(raw))
            released = copy.raw
        }
        #expect(fcntl(released, F_GETFD) == -1 || released != raw)
        let kept = OwnedDescriptor(adopting: dup(raw)).release()
        #expect(fcntl(kept, F_GETFD) != -1)
        close(kept)
    }
}
