import CFlush
import CFlushTestSupport
import Testing

@Suite("Appending a record")
struct AppendTests {
  static let modes: [fl_append_mode] = [FL_APPEND_CACHED, FL_APPEND_FLUSHED]

  @Test(
    "A short record and its checksum are what a composition by hand gives",
    arguments: CoreName.perCopy,
    modes
  )
  func shortAppends(name: CoreName, mode: fl_append_mode) throws {
    let core = try name.core
    #expect(unsafe message(cft_check_short_appends(core.pointer, mode)) == nil)
  }

  @Test("So are records of any size", arguments: CoreName.perCopy, modes)
  func randomAppends(name: CoreName, mode: fl_append_mode) throws {
    let core = try name.core
    #expect(
      unsafe message(cft_check_random_appends(core.pointer, mode, seed, 60)) == nil,
      "seed \(seed)"
    )
  }
}
