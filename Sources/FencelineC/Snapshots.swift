// fenceline_compare_and_swap, and the fenceline_snapshot_... functions.

public import CFenceline
internal import Fenceline

/// Swaps a value; see fenceline.h.
@c @implementation
public func fenceline_compare_and_swap(
  _ store: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ expected: UnsafeRawPointer?,
  _ expected_length: Int,
  _ value: UnsafeRawPointer?,
  _ value_length: Int,
  _ durable: CInt
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  if let fault = unsafe keyFault(key, key_length) { return fault }
  if let fault = unsafe valueFault(expected, expected_length) ?? valueFault(value, value_length) {
    return fault
  }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      let isSwapped = try store.compareAndSwap(
        unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes,
        expected: unsafe expected == nil
          ? nil : UnsafeRawBufferPointer(start: expected, count: expected_length).bytes,
        new: unsafe value == nil
          ? nil : UnsafeRawBufferPointer(start: value, count: value_length).bytes,
        durability: durable == 0 ? .buffered : .durable
      )
      return isSwapped ? .done : .different
    } catch {
      return failure(error)
    }
  }
}

/// Begins a snapshot; see fenceline.h.
@c @implementation
public func fenceline_snapshot_begin(
  _ store: OpaquePointer?,
  _ snapshot: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
  guard let snapshot = unsafe snapshot else {
    return invalidArgument("there is no place for the snapshot: a null pointer")
  }
  unsafe snapshot.pointee = nil
  guard let handle = unsafe handle(store) else { return nullStore() }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      let begun = try store.snapshot()
      unsafe snapshot.pointee = OpaquePointer(Unmanaged.passRetained(begun).toOpaque())
      return .done
    } catch {
      return failure(error)
    }
  }
}

/// Ends a snapshot; see fenceline.h.
@c @implementation
public func fenceline_snapshot_end(_ snapshot: OpaquePointer?) {
  unsafe snapshotHandle(snapshot)?.release()
}

/// The number of a snapshot's newest transaction; see fenceline.h.
@c @implementation
public func fenceline_snapshot_sequence(_ snapshot: OpaquePointer?) -> UInt64 {
  unsafe snapshotHandle(snapshot)?._withUnsafeGuaranteedRef { $0.sequence } ?? 0
}

/// Copies a value; see fenceline.h.
@c @implementation
public func fenceline_snapshot_get(
  _ snapshot: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ buffer: UnsafeMutableRawPointer?,
  _ capacity: Int,
  _ value_length: UnsafeMutablePointer<Int>?
) -> CInt {
  guard let value_length = unsafe value_length else {
    return invalidArgument("there is no place for the value's length: a null pointer")
  }
  unsafe value_length.pointee = 0
  if unsafe buffer == nil, capacity != 0 { return invalidArgument("the buffer is a null pointer") }
  let capacity = positive(capacity)
  let result = unsafe withValue(of: snapshot, key, key_length) { (value) in
    unsafe value_length.pointee = value.byteCount
    guard value.byteCount <= capacity else { return }
    unsafe value.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(start: buffer, count: capacity).copyMemory(from: $0)
    }
  }
  guard result == .done else { return result }
  let length = unsafe value_length.pointee
  return length <= capacity ? .done : bufferTooSmall(capacity, needed: length)
}

/// Shows a value in place; see fenceline.h.
@c @implementation
public func fenceline_snapshot_read(
  _ snapshot: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ visitor: fenceline_value_visitor?,
  _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let visitor = unsafe visitor else { return invalidArgument("there is no visitor") }
  return unsafe withValue(of: snapshot, key, key_length) { (value) in
    unsafe value.withUnsafeBytes { unsafe visitor(context, $0.baseAddress, $0.count) }
  }
}

/// Shows entries in order; see fenceline.h.
@c @implementation
public func fenceline_snapshot_scan(
  _ snapshot: OpaquePointer?,
  _ from: UnsafeRawPointer?,
  _ from_length: Int,
  _ to: UnsafeRawPointer?,
  _ to_length: Int,
  _ direction: CInt,
  _ limit: Int,
  _ visitor: fenceline_entry_visitor?,
  _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let handle = unsafe snapshotHandle(snapshot) else { return nullSnapshot() }
  return unsafe scan(from, from_length, to, to_length, direction, visitor, context) {
    (start, end, order, body) throws(StoreError) in
    let snapshot = unsafe handle.takeUnretainedValue()
    try snapshot.forEach(from: start, to: end, order: order, limit: positive(limit)) {
      (key, value, _) in body(key, value)
    }
  }
}

/// The snapshot behind a handle, not retained: it may not be ended during a call on it.
func snapshotHandle(_ snapshot: OpaquePointer?) -> Unmanaged<Snapshot>? {
  guard let snapshot = unsafe snapshot else { return nil }
  return unsafe Unmanaged<Snapshot>.fromOpaque(UnsafeRawPointer(snapshot))
}

func nullSnapshot() -> CInt { invalidArgument("the snapshot is a null pointer") }

/// Hands the value that a key had to `body`.
private func withValue(
  of snapshot: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ body: (RawSpan) -> Void
) -> CInt {
  guard let handle = unsafe snapshotHandle(snapshot) else { return nullSnapshot() }
  if let fault = unsafe keyFault(key, key_length) { return fault }
  return unsafe handle._withUnsafeGuaranteedRef { (snapshot) in
    do throws(StoreError) {
      let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
      return try snapshot.withValue(forKey: key, body) != nil ? .done : .notFound
    } catch {
      return failure(error)
    }
  }
}
