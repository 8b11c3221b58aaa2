// The wall clock: for people, who read it in headers, and for values that expire.

internal import Glibc

/// What segments are dated by.
package struct Clock: Sendable {
  /// Shown instead of the time, where the same input has to give the same bytes.
  package var fixedTime: UInt64?

  /// Milliseconds that only grow; some of them are left out.
  ///
  /// The corresponding C function is `clock_gettime` with `CLOCK_MONOTONIC_COARSE`.
  static func coarseMilliseconds() -> UInt64 {
    var time = timespec()
    unsafe _ = clock_gettime(6 /* CLOCK_MONOTONIC_COARSE */, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }

  /// Milliseconds since 1970; some of them are left out.
  ///
  /// The corresponding C function is `clock_gettime` with `CLOCK_REALTIME_COARSE`.
  func coarseMillisecondsSince1970() -> UInt64 {
    if let fixedTime { return fixedTime / 1_000_000 }
    var time = timespec()
    unsafe _ = clock_gettime(5 /* CLOCK_REALTIME_COARSE */, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }

  /// Milliseconds since 1970.
  static func wallMilliseconds() -> UInt64 { Clock().nanosecondsSince1970() / 1_000_000 }

  /// Nanoseconds since 1970.
  ///
  /// The corresponding C function is `clock_gettime`.
  func nanosecondsSince1970() -> UInt64 {
    if let fixedTime { return fixedTime }
    var time = timespec()
    unsafe _ = clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
