import CFlush
import CFlushTestSupport
import Testing

@Suite("Copies, on every core that this CPU has")
struct CopyTests {
  static let flushing: [cft_copy] = [CFT_COPY_FLUSHED, CFT_COPY_CACHED]
  static let composed: [cft_copy] = [CFT_COPY_GATHERED, CFT_COPY_UNSAFE, CFT_FILL]

  @Test("A short copy is exact at every alignment", arguments: CoreName.all, flushing)
  func shortCopies(name: CoreName, copy: cft_copy) throws {
    let core = try name.core
    #expect(unsafe message(cft_check_short_copies(core.pointer, copy)) == nil)
  }

  @Test("A gathered, guarded or filling one is too", arguments: CoreName.perCopy, composed)
  func composedCopies(name: CoreName, copy: cft_copy) throws {
    let core = try name.core
    #expect(unsafe message(cft_check_short_copies(core.pointer, copy)) == nil)
  }

  @Test("A long copy is exact", arguments: CoreName.perCopy, flushing + composed)
  func longCopies(name: CoreName, copy: cft_copy) throws {
    let core = try name.core
    #expect(unsafe message(cft_check_long_copies(core.pointer, copy)) == nil)
  }

  @Test("Any list of slices is gathered in order", arguments: CoreName.perCopy)
  func gathering(name: CoreName) throws {
    let core = try name.core
    #expect(
      unsafe message(cft_check_gathering(core.pointer, seed, 1500)) == nil,
      "seed \(seed)"
    )
  }

  @Test("A piece of a page ends where the page ends", arguments: CoreName.perCopy)
  func pageBounds(name: CoreName) throws {
    let core = try name.core
    #expect(unsafe message(cft_check_page_bounds(core.pointer)) == nil)
  }

  @Test("A length beyond 32 bits is not cut short")
  func hugeCopy() throws {
    let core = try #require(Core.selected(FL_POLICY_STRICT))
    #expect(unsafe message(cft_check_huge_copy(core.pointer)) == nil)
  }
}
