// What the threads of a writer need and the standard library has not: threads, and a lock that many may
// hold or one alone.

import Glibc

/// A thread that runs once.
struct WorkerThread {
  private let thread: pthread_t

  /// Starts `body` on a thread of its own.
  init(_ body: @escaping @Sendable () -> Void) {
    let work = Work(body)
    var thread: pthread_t = 0
    let status = unsafe pthread_create(
      &thread,
      nil,
      { argument in
        // SAFETY: the argument is the work, retained for this thread alone.
        let work = unsafe Unmanaged<Work>.fromOpaque(argument.unsafelyUnwrapped)
          .takeRetainedValue()
        work.run()
        return nil
      },
      Unmanaged.passRetained(work).toOpaque()
    )
    precondition(status == 0, "no thread to be had")
    self.thread = thread
  }

  func join() { pthread_join(thread, nil) }
}

/// What a thread does.
private final class Work: Sendable {
  private let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  func run() { body() }
}

/// A lock that is shared by many, or held by one alone.
@safe final class SharedLock: @unchecked Sendable {
  // SAFETY: allocated once, so its address never changes; freed when nobody can hold it any more.
  private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)

  init() { unsafe pthread_rwlock_init(lock, nil) }

  deinit {
    unsafe pthread_rwlock_destroy(lock)
    unsafe lock.deallocate()
  }

  /// Beside others that share it.
  func shared<R>(_ body: () throws -> R) rethrows -> R {
    unsafe pthread_rwlock_rdlock(lock)
    defer { unlock() }
    return try body()
  }

  /// Beside nobody.
  func alone<R>(_ body: () throws -> R) rethrows -> R {
    unsafe pthread_rwlock_wrlock(lock)
    defer { unlock() }
    return try body()
  }

  private func unlock() { unsafe pthread_rwlock_unlock(lock) }
}
