// A few worker threads. The library's calls are synchronous, so they bring their own threads instead
// of blocking a cooperative pool.

internal import Glibc
internal import PersistentMemory
internal import Synchronization

enum Parallel {
  /// Processors that this process may use.
  static let processorCount = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  /// Among how many threads a table's buckets are shared.
  ///
  /// A power of two, so that the low bits of a hash tell the share and those of the bucket the same one.
  static let shares: Int = 1 << (Int.bitWidth - 1 - min(processorCount, 8).leadingZeroBitCount)

  /// Runs `body` with every number below `count` on up to `processorCount` threads and returns the
  /// results in order.
  static func map<R: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> R) -> [R] {
    let threads = min(count, processorCount)
    guard threads > 1 else { return (0..<count).map(body) }
    let work = Work(count: count, body: body)
    // The caller is one of the workers.
    let workers = (1..<threads).map { _ in Worker { work.run() } }
    work.run()
    for worker in workers { worker.join() }
    return work.results()
  }

  private final class Work<R: Sendable>: Sendable {
    private let next = Atomic<Int>(0)
    private let output: ForkSafeMutex<[R?]>
    private let count: Int
    private let body: @Sendable (Int) -> R

    init(count: Int, body: @escaping @Sendable (Int) -> R) {
      self.count = count
      self.body = body
      output = ForkSafeMutex(Array(repeating: nil, count: count))
    }

    func run() {
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        let result = body(index)
        output.withLock { $0[index] = result }
      }
    }

    func results() -> [R] { output.withLock { $0.compactMap(\.self) } }
  }
}

/// What a thread of its own finds out.
final class Later<R: Sendable>: Sendable {
  private final class Result: Sendable {
    let value = ForkSafeMutex<R?>(nil)
  }

  private let result = Result()
  private let worker: Worker

  init(_ body: @escaping @Sendable () -> R) {
    let result = result
    worker = Worker {
      let value = body()
      result.value.withLock { $0 = value }
    }
  }

  /// Waits for it; nil the second time.
  func take() -> R? {
    worker.join()
    return result.value.withLock { $0.take() }
  }
}

/// One thread of the C library.
///
/// Where none can be had, the work runs in `join`. One that is never joined ends on its own.
final class Worker: Sendable {
  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private enum State: Sendable {
    case running(pthread_t)
    case waiting(Box)
    case joined
  }

  private let state: ForkSafeMutex<State>

  init(_ body: @escaping @Sendable () -> Void) {
    let box = Box(body)
    var thread: pthread_t = 0
    let argument = unsafe Unmanaged.passRetained(box)
    let status = unsafe pthread_create(
      &thread,
      nil,
      { argument in
        // SAFETY: the argument is the retained box that `init` passed.
        let box = unsafe Unmanaged<Box>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
        box.body()
        return nil
      },
      argument.toOpaque()
    )
    if status != 0 { unsafe argument.release() }
    state = ForkSafeMutex(status == 0 ? .running(thread) : .waiting(box))
  }

  /// Whether the work has a thread of its own.
  var hasThread: Bool {
    if case .running = state.withLock({ $0 }) { return true }
    return false
  }

  deinit {
    if case .running(let thread) = state.withLock({ $0 }) { _ = pthread_detach(thread) }
  }

  /// Returns when the work is done.
  func join() {
    state.withLock { (state) in
      switch state {
      case .running(let thread): _ = pthread_join(thread, nil)
      case .waiting(let box): box.body()
      case .joined: break
      }
      state = .joined
    }
  }
}
