import CFlush
import Testing

@Suite("The probe")
struct ProbeTests {
  #if arch(x86_64)
  @Test("Its times are plausible")
  func times() {
    let result = fl_probe()
    #expect(result.resident_store_ns > 0 && result.absent_store_ns > 0)
    #expect(result.resident_reload_ns < 1_000_000 && result.cached_reload_ns < 1_000_000)
    // A line that no cache holds can't come back as fast as one that the nearest cache holds.
    if result.evicts_resident_line {
      #expect(result.resident_reload_ns > result.cached_reload_ns)
    }
  }
  #endif

  @Test("What it reports of the automatic policy is what happens")
  func automaticPolicy() throws {
    let core = try #require(Core.selected(FL_POLICY_AUTO))
    let expected = fl_probe().trusted_by_auto ? FL_POLICY_TRUSTING : FL_POLICY_STRICT
    #expect(core.policy == expected)
  }
}
