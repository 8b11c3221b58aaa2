// A lock around a value, in place of the standard library's. That one knows its owner by the number of
// a thread, which it remembers for as long as the thread lives; in a child made by fork() the number is
// the parent's, and the first thread that has to wait for such an owner ends the process.

// Public for the sake of inlining: it stands in every put.
public import CPlatform

/// A value that one thread at a time may use.
@safe
public struct ForkSafeMutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  // SAFETY: the value is used under the lock only; both lie in memory that lives as long as self.
  @usableFromInline let word: UnsafeMutablePointer<UInt32>
  @usableFromInline let value: UnsafeMutablePointer<Value>

  /// Puts a lock around `value`.
  public init(_ value: consuming sending Value) {
    unsafe word = .allocate(capacity: 2)
    unsafe word.initialize(repeating: 0, count: 2)
    unsafe self.value = .allocate(capacity: 1)
    unsafe self.value.initialize(to: value)
  }

  deinit {
    unsafe value.deinitialize(count: 1)
    unsafe value.deallocate()
    unsafe word.deallocate()
  }

  /// Waits a little as long as others wait for the lock, for who gives it back and takes it again at once.
  public borrowing func letOthersIn() { unsafe cp_lock_let_in(word) }

  /// Runs `body` with the value, alone.
  ///
  /// - Parameters:
  ///   - patiently: for a background thread: who takes the lock again and again need not wake it in between.
  ///   - body: gets the value; must not ask for the same lock.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws.
  @inlinable @inline(__always)
  public borrowing func withLock<Result: ~Copyable, Failure: Error>(
    patiently: Bool = false,
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe cp_lock(word, patiently)
    defer { unsafe cp_unlock_word(word) }
    return unsafe try body(&value.pointee)
  }
}
