// The SIGBUS handler acts inside our mappings only, and passes on what is not ours.

import CPlatform
import Foundation
import Testing

struct GuardTests {
  @Test func `A fault inside a registered range becomes zeros and is counted where it happened`()
    throws
  {
    #expect(cp_guard_install())
    let path = "/dev/shm/fenceline-guard-\(UUID().uuidString)"
    let descriptor = unsafe open(path, O_RDWR | O_CREAT, 0o600)
    defer {
      close(descriptor)
      unsafe _ = unlink(path)
    }
    #expect(ftruncate(descriptor, 16384) == 0)
    let address = unsafe try #require(mmap(nil, 16384, PROT_READ, MAP_SHARED, descriptor, 0))
    defer { unsafe _ = munmap(address, 16384) }
    let slot = unsafe cp_guard_add(address, 16384)
    defer { cp_guard_remove(slot) }
    #expect(slot >= 0)
    #expect(cp_guard_first_fault(slot, 0, 16384) == -1)
    #expect(ftruncate(descriptor, 4096) == 0)
    let before = cp_guard_fault_count()
    #expect(unsafe address.load(fromByteOffset: 8200, as: UInt8.self) == 0)
    #expect(cp_guard_fault_count() == before + 1)
    #expect(cp_guard_first_fault(slot, 0, 16384) == 8192)
    // A second page is another fault, and the first does not stand for it.
    #expect(unsafe address.load(fromByteOffset: 12_300, as: UInt8.self) == 0)
    #expect(cp_guard_first_fault(slot, 12_288, 16384) == 12_288)
    #expect(cp_guard_first_fault(slot, 12_287, 12_288) == 8192)
    #expect(cp_guard_first_fault(slot, 0, 8192) == -1)
  }

  /// The tests themselves once had more than 4,096, and those of others lost their guard.
  @Test func `Tens of thousands of ranges are guarded at a time, and places are taken again`()
    throws
  {
    let count = 40_000
    let start = unsafe try #require(mmap(nil, count, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    defer { unsafe _ = munmap(start, count) }
    func add(_ numbers: [Int]) -> [Int32] { numbers.map { unsafe cp_guard_add(start + $0, 1) } }
    var slots = add(Array(0..<count))
    defer { for slot in slots { cp_guard_remove(slot) } }
    #expect(slots.allSatisfy { $0 >= 0 } && Set(slots).count == count)
    let freed = stride(from: 0, to: count, by: 3).map { $0 }
    for number in freed { cp_guard_remove(slots[number]) }
    let again = add(freed)
    for (number, slot) in zip(freed, again) { slots[number] = slot }
    #expect(slots.allSatisfy { (0..<65_536).contains($0) } && Set(slots).count == count)
  }

  @Test func `A fault outside every registered range still ends the process`() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1)
      _ = cp_guard_install()
      let descriptor = unsafe open("/dev/shm", O_TMPFILE_VALUE | O_RDWR, 0o600)
      ftruncate(descriptor, 8192)
      let address = unsafe mmap(nil, 8192, PROT_READ, MAP_SHARED, descriptor, 0)
      ftruncate(descriptor, 0)
      // Printed, or an optimised build would not load it.
      print(unsafe address?.load(fromByteOffset: 4096, as: UInt8.self) ?? 0)
    }
  }

  @Test func `A fault outside every registered range goes to the handler that was there before`()
    async
  {
    await #expect(processExitsWith: .exitCode(42)) {
      var action = sigaction()
      unsafe action.__sigaction_handler.sa_sigaction = { (_, _, _) in _exit(42) }
      action.sa_flags = SA_SIGINFO
      unsafe _ = sigaction(SIGBUS, &action, nil)
      _ = cp_guard_install()
      let descriptor = unsafe open("/dev/shm", O_TMPFILE_VALUE | O_RDWR, 0o600)
      ftruncate(descriptor, 8192)
      let address = unsafe mmap(nil, 8192, PROT_READ, MAP_SHARED, descriptor, 0)
      ftruncate(descriptor, 0)
      print(unsafe address?.load(fromByteOffset: 4096, as: UInt8.self) ?? 0)
    }
  }

  /// Nothing faults again behind a signal that somebody sent, so the first one was lost.
  @Test func `A signal that somebody sends ends the process at once`() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1)
      _ = cp_guard_install()
      kill(getpid(), SIGBUS)
      // Any thread may get it, a moment later.
      sleep(20)
      _exit(0)
    }
  }
}

/// `O_TMPFILE`, which the C library shows only to GNU programs.
private let O_TMPFILE_VALUE: Int32 = 0o20200000
