import CFlush
import CFlushTestSupport
import Glibc
import Testing

@Suite("Copies from sources that fault")
struct GuardedCopyTests {
  static let faults: [cft_fault] = [
    CFT_FAULT_PROTECTED_PAGE, CFT_FAULT_TRUNCATED_FILE,
  ]
  static let guards: [cft_guard] = [CFT_GUARD_DRAM, CFT_GUARD_FLUSHCACHE, CFT_GUARD_PIPE]

  @Test("The bytes that are missing are counted exactly", arguments: faults, guards)
  func exactCount(fault: cft_fault, guarded: cft_guard) throws {
    let core = try #require(Core.selected(FL_POLICY_STRICT))
    #expect(unsafe message(cft_check_guard(core.pointer, fault, guarded)) == nil)
  }

  @Test("A null source is a fault like any other")
  func nullSource() {
    var byte: UInt8 = 7
    let missing = unsafe withUnsafeMutablePointer(to: &byte) { unsafe fl_copy_guarded($0, nil, 1) }
    #expect(missing == 1 && byte == 7)
  }

  @Test("A filter that refuses the system call changes nothing")
  func refusedSystemCall() async {
    for error in [EPERM, ENOSYS] {
      await #expect(processExitsWith: .success) { [error = error as Int32] in
        try #require(cft_refuse_process_vm_readv(error))
        let core = try #require(Core.selected(FL_POLICY_STRICT))
        for fault in GuardedCopyTests.faults {
          #expect(unsafe message(cft_check_guard(core.pointer, fault, CFT_GUARD_DRAM)) == nil)
          #expect(unsafe message(cft_check_guard(core.pointer, fault, CFT_GUARD_FLUSHCACHE)) == nil)
        }
      }
    }
  }
}
