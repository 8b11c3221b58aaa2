import CFlush
import CFlushTestSupport
import Testing

@Suite("The hash")
struct HashTests {
  /// Hashes of the bytes 0, 1, 2 and so on with seed 42, by length.
  static let vectors: [(length: Int, hash: UInt64)] = [
    (0, 0x360E_684E_8B43_F0D8),
    (1, 0x9F1E_4DA6_DF63_536F),
    (3, 0x8A69_1094_FA64_4FCD),
    (4, 0x4F56_DA1C_A532_0034),
    (7, 0xA912_D693_C324_6ACE),
    (8, 0x704E_0E51_A125_76E1),
    (15, 0xC727_1BD4_61EC_1876),
    (16, 0x65BA_E5BC_1965_DA25),
    (17, 0x3548_1BE1_1D63_63A3),
    (32, 0x3CF1_3488_5528_623C),
    (64, 0xD6F6_0259_4C0B_C9B9),
    (65, 0x5184_0F2D_FA32_58C0),
    (100, 0x103E_7F0D_817C_35B5),
    (200, 0x2CF7_223E_652E_F86F),
  ]

  @Test("It stays what it was", arguments: vectors)
  func stability(vector: (length: Int, hash: UInt64)) {
    let bytes = (0..<vector.length).map { UInt8($0) }
    #expect(unsafe fl_hash64(bytes, bytes.count, 42) == vector.hash)
    #expect(unsafe fl_hash64_key(bytes, bytes.count, 42) == vector.hash, "in line")
  }

  @Test(
    "Every input bit flips every output bit half of the time",
    arguments: [1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 32, 33, 64, 65, 96, 100, 200]
  )
  func avalanche(length: Int) {
    #expect(unsafe message(cft_check_hash_avalanche(length)) == nil)
  }

  @Test(
    "Sequential keys neither collide nor crowd",
    arguments: [4, 8, 12, 16, 20, 40, 70, 130]
  )
  func collisions(length: Int) {
    #expect(unsafe message(cft_check_hash_collisions(length, 300_000)) == nil)
  }
}
