import EventLoop
import Testing

@Suite struct TokenTests {
    @Test(arguments: [
        (UInt8(0), UInt32(0), UInt32(0)), (255, 0xFF_FFFF, .max), (1, 0, .max), (0, 0xFF_FFFF, 0), (7, 12345, 67890),
    ])
    func partsComeBack(kind: UInt8, slot: UInt32, generation: UInt32) {
        let token = Token(kind: kind, slot: slot, generation: generation)
        #expect(token.kind == kind)
        #expect(token.slot == slot)
        #expect(token.generation == generation)
        #expect(Token(bits: token.bits) == token)
    }

    @Test func layout() {
        #expect(Token(kind: 0xAB, slot: 0x12_3456, generation: 0x789A_BCDE).bits == 0xAB12_3456_789A_BCDE)
    }
}
