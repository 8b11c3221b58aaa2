// The wall clock, for people: nothing depends on it.

internal import Glibc

enum Clock {
  /// Nanoseconds since 1970.
  ///
  /// The corresponding C function is `clock_gettime`.
  static func nanosecondsSince1970() -> UInt64 {
    var time = timespec()
    unsafe _ = clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
