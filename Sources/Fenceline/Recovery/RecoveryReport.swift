// What an opening says of what it read.

/// What opening found.
struct RecoveryReport: Sendable {
  /// Records in accepted transactions that were read.
  var recordCount = 0
  /// The accepted end of the newest segment.
  var newestEnd = 0
  /// An unfinished write was cut off.
  var hasTornTail = false
  /// Files of changes behind an index image that took the place of records.
  var changeFileCount = 0
  /// The journal ended with a close record.
  var wasClosed = false
}
