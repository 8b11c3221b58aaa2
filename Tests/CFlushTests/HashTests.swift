import CFlush
import CFlushTestSupport
import Testing

@Suite("The hash")
struct HashTests {
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
