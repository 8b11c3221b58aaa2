import CFlush
import CFlushTestSupport
import Testing

@Suite("What the recording core reports")
struct RecordingTests {
  static let kinds: [cft_copy] = [
    CFT_COPY_FLUSHED, CFT_COPY_CACHED, CFT_COPY_GATHERED, CFT_COPY_UNSAFE, CFT_FILL,
  ]

  @Test(
    "A copy stores each line in one way and flushes it as its policy says",
    arguments: Policy.allCases,
    kinds
  )
  func copies(policy: Policy, copy: cft_copy) {
    #expect(unsafe message(cft_check_recorded_copies(policy.value, copy)) == nil)
  }

  @Test("A gathered copy stores and flushes each line once", arguments: Policy.allCases)
  func gathering(policy: Policy) {
    #expect(
      unsafe message(cft_check_recorded_gathering(policy.value, seed, 1000)) == nil,
      "seed \(seed)"
    )
  }

  @Test("A flushed append stores and flushes each line once", arguments: Policy.allCases)
  func flushedAppends(policy: Policy) {
    #expect(
      unsafe message(cft_check_recorded_appends(policy.value, FL_APPEND_FLUSHED, seed, 1000))
        == nil,
      "seed \(seed)"
    )
  }

  @Test("A cached append flushes nothing", arguments: Policy.allCases)
  func cachedAppends(policy: Policy) {
    #expect(
      unsafe message(cft_check_recorded_appends(policy.value, FL_APPEND_CACHED, seed, 1000)) == nil,
      "seed \(seed)"
    )
  }

  @Test("A flush touches exactly the lines of its range", arguments: Policy.allCases)
  func flushAndFence(policy: Policy) {
    #expect(unsafe message(cft_check_recorded_flush_and_fence(policy.value)) == nil)
  }

  @Test("Without a recorder there is no recording core")
  func noRecorder() {
    #expect(unsafe Core(fl_core_recording(FL_POLICY_STRICT, nil, nil)) == nil)
  }

  @Test("A thread keeps its number")
  func threadNumbers() {
    let here = fl_thread_id()
    #expect(here != 0 && here == fl_thread_id())
  }
}
