// Threads of a workload: what one of them stores and flushes is completed by no other one's fence.

internal import Glibc

/// Runs work on threads of its own.
enum OtherThread {
  /// Runs `body` on a new thread and waits for it.
  static func run(_ body: @escaping () throws -> Void) throws {
    let box = ThreadBox(body)
    var thread: pthread_t = 0
    let status = unsafe pthread_create(
      &thread,
      nil,
      { argument in
        // SAFETY: the argument is the box, which the waiting caller holds.
        let box = unsafe Unmanaged<ThreadBox>.fromOpaque(argument.unsafelyUnwrapped)
          .takeUnretainedValue()
        box.run()
        return nil
      },
      Unmanaged.passUnretained(box).toOpaque()
    )
    precondition(status == 0, "no thread to be had")
    pthread_join(thread, nil)
    try box.result?.get()
  }

  private final class ThreadBox {
    private let body: () throws -> Void
    private(set) var result: Result<Void, any Error>?

    init(_ body: @escaping () throws -> Void) { self.body = body }

    func run() { result = Result { try body() } }
  }
}

extension Workload {
  /// Runs `body` on a thread of its own and waits for it.
  package func onNewThread(_ body: @escaping () throws -> Void) throws {
    try OtherThread.run(body)
  }
}
