// fenceline_get, fenceline_read, fenceline_read_many and fenceline_scan.

public import CFenceline
internal import Fenceline

/// Copies a value; see fenceline.h.
@c @implementation
public func fenceline_get(
  _ store: OpaquePointer?,
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
  guard let handle = unsafe handle(store) else { return nullStore() }
  if let fault = unsafe keyFault(key, key_length) { return fault }
  if unsafe buffer == nil, capacity != 0 { return invalidArgument("the buffer is a null pointer") }
  let capacity = positive(capacity)
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      let length = unsafe try store.copyValue(
        forKey: UnsafeRawBufferPointer(start: key, count: key_length).bytes,
        to: UnsafeMutableRawBufferPointer(start: buffer, count: capacity)
      )
      guard let length else { return .notFound }
      unsafe value_length.pointee = length
      return length <= capacity ? .done : bufferTooSmall(capacity, needed: length)
    } catch {
      return failure(error)
    }
  }
}

/// Shows a value in place; see fenceline.h.
@c @implementation
public func fenceline_read(
  _ store: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ visitor: fenceline_value_visitor?,
  _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  if let fault = unsafe keyFault(key, key_length) { return fault }
  guard let visitor = unsafe visitor else { return invalidArgument("there is no visitor") }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
      let isFound = try store.visitValue(forKey: key) { (value) in
        unsafe value.withUnsafeBytes { unsafe visitor(context, $0.baseAddress, $0.count) }
      }
      return isFound ? .done : .notFound
    } catch {
      return failure(error)
    }
  }
}

/// Shows entries in order; see fenceline.h.
@c @implementation
public func fenceline_scan(
  _ store: OpaquePointer?,
  _ from: UnsafeRawPointer?,
  _ from_length: Int,
  _ to: UnsafeRawPointer?,
  _ to_length: Int,
  _ direction: CInt,
  _ limit: Int,
  _ visitor: fenceline_entry_visitor?,
  _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  return unsafe scan(from, from_length, to, to_length, direction, visitor, context) {
    (start, end, order, body) throws(StoreError) in
    let store = unsafe handle.takeUnretainedValue()
    try store.visitEntries(from: start, to: end, order: order, limit: positive(limit), body)
  }
}

/// Checks what describes a range and who is shown it, then lets `visit` walk.
func scan(
  _ from: UnsafeRawPointer?,
  _ from_length: Int,
  _ to: UnsafeRawPointer?,
  _ to_length: Int,
  _ direction: CInt,
  _ visitor: fenceline_entry_visitor?,
  _ context: UnsafeMutableRawPointer?,
  _ visit: (
    _ start: [UInt8], _ end: [UInt8]?, IterationOrder, (RawSpan, RawSpan) -> IterationStep
  ) throws(StoreError) -> Void
) -> CInt {
  if let fault = unsafe keyFault(from, from_length) ?? keyFault(to, to_length) { return fault }
  guard direction == FENCELINE_ASCENDING || direction == FENCELINE_DESCENDING else {
    return invalidArgument("there is no such direction")
  }
  guard let visitor = unsafe visitor else { return invalidArgument("there is no visitor") }
  let start = unsafe Array(UnsafeRawBufferPointer(start: from, count: from_length))
  let end = unsafe to.map { (to) in
    unsafe Array(UnsafeRawBufferPointer(start: to, count: to_length))
  }
  let show = { (key: RawSpan, value: RawSpan) -> IterationStep in
    unsafe key.withUnsafeBytes { (key) in
      unsafe value.withUnsafeBytes { (value) in
        let answer = unsafe visitor(
          context,
          key.baseAddress,
          key.count,
          value.baseAddress,
          value.count
        )
        return answer == 0 ? .next : .stop
      }
    }
  }
  do throws(StoreError) {
    try visit(start, end, direction == FENCELINE_ASCENDING ? .ascending : .descending, show)
    return .done
  } catch {
    return failure(error)
  }
}

/// Shows the values of several keys; see fenceline.h.
@c @implementation
public func fenceline_read_many(
  _ store: OpaquePointer?,
  _ keys: UnsafePointer<fenceline_key>?,
  _ count: Int,
  _ visitor: fenceline_values_visitor?,
  _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  guard let visitor = unsafe visitor else { return invalidArgument("there is no visitor") }
  guard count >= 0 else { return invalidArgument("there are more keys than memory holds") }
  guard let keys = unsafe keys else {
    return count == 0 ? .done : invalidArgument("the keys are a null pointer")
  }
  for number in 0..<count {
    if let fault = unsafe keyFault(keys[number].key, keys[number].key_length) { return fault }
  }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      unsafe try store.visitValues(forKeys: count) { (number) in
        unsafe UnsafeRawBufferPointer(start: keys[number].key, count: keys[number].key_length)
      } _: { (number, value) in
        guard let value else { return unsafe visitor(context, number, nil, 0) }
        unsafe value.withUnsafeBytes { unsafe visitor(context, number, $0.baseAddress, $0.count) }
      }
      return .done
    } catch {
      return failure(error)
    }
  }
}
