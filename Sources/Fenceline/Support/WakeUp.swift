// Lets one thread sleep until another one wakes it, or for a while.

internal import Glibc
internal import Synchronization

/// A wake-up call for one thread; a call that comes early is not lost.
@safe
final class WakeUp: @unchecked Sendable {
  // SAFETY: used by the functions of the C library alone, and initialised once.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let isSet = Atomic<Bool>(false)

  init() {
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    unsafe _ = pthread_mutex_init(mutex, nil)
    unsafe _ = pthread_cond_init(condition, nil)
  }

  deinit {
    unsafe _ = pthread_cond_destroy(condition)
    unsafe _ = pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  func set() {
    unsafe _ = pthread_mutex_lock(mutex)
    isSet.store(true, ordering: .relaxed)
    unsafe _ = pthread_cond_signal(condition)
    unsafe _ = pthread_mutex_unlock(mutex)
  }

  /// Returns behind the next `set`, or behind one since the last return, or when the time is over.
  func wait(milliseconds: Int?) {
    var deadline = timespec()
    unsafe _ = clock_gettime(CLOCK_REALTIME, &deadline)
    let nanoseconds = deadline.tv_nsec + (milliseconds ?? 0) * 1_000_000
    deadline.tv_sec += nanoseconds / 1_000_000_000
    deadline.tv_nsec = nanoseconds % 1_000_000_000
    unsafe _ = pthread_mutex_lock(mutex)
    while !isSet.exchange(false, ordering: .relaxed) {
      let status =
        if milliseconds == nil {
          unsafe pthread_cond_wait(condition, mutex)
        } else {
          unsafe pthread_cond_timedwait(condition, mutex, &deadline)
        }
      if status != 0 { break }
    }
    unsafe _ = pthread_mutex_unlock(mutex)
  }
}
