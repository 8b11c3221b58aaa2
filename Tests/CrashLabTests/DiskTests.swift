// The simulated disk and the persistent cache: traces made by hand, and what they may leave.

import CrashLab
import Testing

@Suite("What a crash can leave on a disk, and where caches are persistent")
struct DiskTests {
  typealias Script = SimulatorTests.Script

  private func disk(_ edit: (inout Script) -> Void) -> Set<[UInt8]> {
    var script = Script()
    script.trace = Trace(
      initialFiles: [.init(name: "f", contents: Array(repeating: 0, count: 1024))]
    )
    edit(&script)
    return script.images(at: [0, 8, 512], .disk)
  }

  @Test("A sector holds any prefix of what was written to it, and sectors are independent")
  func sectors() {
    let images = disk {
      $0.store(1, at: 0, count: 16)
      $0.store(2, at: 512)
    }
    #expect(
      images == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 2], [1, 0, 2], [1, 1, 2]]
    )
  }

  @Test("A sync makes all of a file certain, a fence nothing")
  func sync() {
    #expect(
      disk {
        $0.store(1, at: 0)
        $0.flush()
        $0.fence()
      } == [[0, 0, 0], [1, 0, 0]]
    )
    #expect(
      disk {
        $0.store(1, at: 0)
        $0.trace.append(.synchronizeFile(file: 0, succeeded: true))
      } == [[1, 0, 0]]
    )
  }

  @Test("What a failed sync lost, no later one brings back; writing it again does")
  func failedSync() {
    let lost: (inout Script) -> Void = {
      $0.store(1, at: 0)
      $0.trace.append(.synchronizeFile(file: 0, succeeded: false))
      $0.trace.append(.synchronizeFile(file: 0, succeeded: true))
    }
    #expect(disk(lost) == [[0, 0, 0], [1, 0, 0]])
    #expect(
      disk {
        lost(&$0)
        $0.store(1, at: 0)
        $0.trace.append(.synchronizeFile(file: 0, succeeded: true))
      } == [[1, 0, 0]]
    )
    #expect(
      disk {
        lost(&$0)
        $0.trace.append(.eviction)
      } == [[0, 0, 0]]
    )
  }

  @Test("Of what was lost, a later sync covers only what was written again")
  func partlyWrittenAgain() {
    var script = Script()
    script.store(10, at: 0, count: 8)
    script.trace.append(.synchronizeFile(file: 0, succeeded: false))
    script.store(11, at: 0, count: 4)
    script.trace.append(.synchronizeFile(file: 0, succeeded: true))
    #expect(script.images(at: [0, 4], .disk) == [[11, 0], [11, 10]])
  }

  @Test("A new file may lose its length until it is synced, and keeps it from then on")
  func length() {
    var trace = Trace()
    let file = trace.appendCreation(of: "a", contents: Array(repeating: 9, count: 512))
    trace.append(.synchronizeDirectory)
    trace.append(.synchronizeName)
    func lengths() -> Set<Int> {
      Set(
        (CrashImages.all(of: trace, model: CrashModel(.disk)).last ?? []).map {
          $0["a"]?.count ?? -1
        }
      )
    }
    #expect(lengths() == [0, 512])
    trace.append(.synchronizeFile(file: file, succeeded: true))
    #expect(lengths() == [512])
  }

  @Test("Where caches are persistent, stores are lost from the last one backwards")
  func storeBuffer() {
    var script = Script()
    script.store(1, at: 0)
    script.store(2, at: 64)
    script.store(3, at: 8)
    let all: Set<[UInt8]> = [[0, 0, 0], [1, 0, 0], [1, 0, 2], [1, 3, 2]]
    #expect(script.images(at: [0, 8, 64], .cachesArePersistent) == all)
    script.store(4, at: 72, thread: 2)
    let behind: Set<[UInt8]> = [[1, 3, 2, 0], [1, 3, 2, 4]]
    #expect(script.images(at: [0, 8, 64, 72], .cachesArePersistent) == behind)
    // Before the other thread's store all of that was looked at.
    let moments = CrashImages.all(of: script.trace, model: CrashModel(.cachesArePersistent))
    #expect(moments.map(\.count) == [4, 2])
    script.fence(thread: 2)
    #expect(script.images(at: [72], .cachesArePersistent) == [[4]])
  }
}
