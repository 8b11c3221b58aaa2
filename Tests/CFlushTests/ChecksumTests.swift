import CFlush
import CFlushTestSupport
import Testing

@Suite("CRC32C")
struct ChecksumTests {
  static let implementations = ["software", "sse42", "clmul", "vpclmul", "vpclmul512", "arm"]
    .filter { (name: String) in unsafe cft_has_crc(name) }

  @Test("The check value of the standard comes out")
  func checkValue() {
    #expect(unsafe fl_crc32c(0, "123456789", 9) == 0xE306_9283)
    #expect(fl_crc32c(0, nil, 0) == 0)
  }

  @Test("Every implementation agrees with the definition", arguments: implementations)
  func agreement(name: String) {
    #expect(unsafe message(cft_check_crc(name, seed)) == nil, "seed \(seed)")
  }

  @Test("A checksum can be continued at any byte", arguments: implementations)
  func chaining(name: String) {
    #expect(unsafe message(cft_check_crc_chaining(name, seed)) == nil, "seed \(seed)")
  }

  @Test("The chosen implementation is one that exists")
  func chosenName() throws {
    let name = try #require(checksumName)
    #expect(Self.implementations.contains(name))
  }

  @Test("Of an integer it is that of its bytes, in line too")
  func integers() {
    // The first use of any checksum may come in line.
    for value: UInt64 in [0, 1, 0x0123_4567_89ab_cdef, .max] {
      for crc: UInt32 in [0, 1, 0xdead_beef, .max] {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        #expect(unsafe fl_crc32c_uint64(crc, value) == fl_crc32c(crc, bytes, 8))
        let half = UInt32(truncatingIfNeeded: value)
        #expect(unsafe fl_crc32c_uint32(crc, half) == fl_crc32c(crc, bytes, 4))
        let quarter = UInt16(truncatingIfNeeded: value)
        #expect(unsafe fl_crc32c_uint16(crc, quarter) == fl_crc32c(crc, bytes, 2))
      }
    }
  }

  @Test(
    "Of a frame with a body it is that of its parts, and a wrong frame is told",
    arguments: 0..<4
  )
  func framed(skew: Int) {
    let place: UInt64 = 4096
    for count in 0...300 {
      let bytes = (0..<skew + count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      let first = UInt64(count) &* 0x9e37_79b9_7f4a_7c15
      let start = fl_crc32c_uint64(UInt32(count), place)
      var check = fl_crc32c_uint64(start, first)
      let low = first.byteSwapped & 0xffff_ffff_ffff
      check = fl_crc32c_uint32(check, UInt32(truncatingIfNeeded: low))
      check = fl_crc32c_uint16(check, UInt16(truncatingIfNeeded: low >> 32))
      let second = low | UInt64((check ^ check >> 16) & 0xffff) << 48
      unsafe bytes.withUnsafeBytes { (bytes) in
        let body = unsafe bytes.baseAddress.map { unsafe $0 + skew }
        let whole = unsafe fl_crc32c_uint64(
          fl_crc32c_uint64(fl_crc32c(start, body, count), first),
          second
        )
        let framed = unsafe fl_crc32c_framed(UInt32(count), place, first, second, body, count)
        #expect(framed == FL_FRAME_HOLDS | UInt64(whole))
        let called = unsafe fl_crc32c_framed_called(
          UInt32(count),
          place,
          first,
          second,
          body,
          count
        )
        #expect(called == framed)
        for bit in [0, 31, 32, 47, 48, 63] {
          let damaged = second ^ 1 << UInt64(bit)
          #expect(unsafe fl_crc32c_framed(UInt32(count), place, first, damaged, body, count) == 0)
        }
        #expect(unsafe fl_crc32c_framed(UInt32(count), place + 8, first, second, body, count) == 0)
      }
    }
  }
}
