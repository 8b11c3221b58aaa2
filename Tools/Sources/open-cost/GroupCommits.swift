// Durable puts of one thread, beside those of eight tasks that share their fences or flushes.

import Dispatch
import Fenceline
import SystemPackage

/// Puts into a new store, each of which returns when it is durable.
struct GroupCommits {
  private let store: Store
  private let value: [UInt8]
  private let nanoseconds: UInt64

  /// Opens a store that is not there yet.
  init(at path: FilePath, valueLength: Int, seconds: Int) throws {
    store = try Store.open(at: path)
    value = [UInt8](repeating: 7, count: valueLength)
    nanoseconds = UInt64(seconds) * 1_000_000_000
  }

  func close() throws { try store.close() }

  /// Microseconds a put, of one thread.
  func single() throws -> Double {
    var key = Keys.empty
    var count = 0
    let start = Stamp.now()
    while Stamp.now() - start < nanoseconds {
      Keys.fill(&key, count)
      try store.put(key, value, durability: .durable)
      count += 1
    }
    return Double(Stamp.now() - start) / 1e3 / Double(max(1, count))
  }

  /// Microseconds a put, of several tasks together.
  func grouped(tasks: Int) throws -> Double {
    let (store, value, nanoseconds) = (store, value, nanoseconds)
    let isDone = DispatchSemaphore(value: 0)
    let result = Outcome()
    let start = Stamp.now()
    Task {
      result.value = await withTaskGroup(of: Result<Int, any Error>.self) { (group) in
        for number in 0..<tasks {
          group.addTask {
            var key = Keys.empty
            var count = 0
            do {
              while Stamp.now() - start < nanoseconds {
                Keys.fill(&key, (number + 1) << 32 + count)
                _ = try await store.groupPut(key, value)
                count += 1
              }
              return .success(count)
            } catch {
              return .failure(error)
            }
          }
        }
        return await group.reduce(into: .success(0)) { (sum, count) in
          sum = Result { try sum.get() + count.get() }
        }
      }
      isDone.signal()
    }
    isDone.wait()
    return Double(Stamp.now() - start) / 1e3 / Double(max(1, try result.value.get()))
  }

  /// What the tasks leave for the thread that waits for them.
  private final class Outcome: @unchecked Sendable {
    // SAFETY: written before the semaphore is signalled, read behind it.
    var value: Result<Int, any Error> = .success(0)
  }
}
