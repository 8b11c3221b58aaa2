// The fenceline_namespace_... functions, but for those that stand beside what they resemble.

public import CFenceline
internal import Fenceline

// MARK: Namespaces

/// Creates a namespace; see fenceline.h.
@c @implementation
public func fenceline_namespace_create(
  _ store: OpaquePointer?,
  _ name: UnsafePointer<CChar>?,
  _ space: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
  unsafe space?.pointee = nil
  return unsafe withStore(store, name) { (store, name) throws(StoreError) in
    let created = try store.createNamespace(name)
    if let space = unsafe space { unsafe space.pointee = retained(created) }
    return .done
  }
}

/// Finds a namespace; see fenceline.h.
@c @implementation
public func fenceline_namespace_open(
  _ store: OpaquePointer?,
  _ name: UnsafePointer<CChar>?,
  _ creates: CInt,
  _ space: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
  guard let space = unsafe space else { return nullPlace() }
  unsafe space.pointee = nil
  return unsafe withStore(store, name) { (store, name) throws(StoreError) in
    unsafe space.pointee = retained(try store.namespace(name, creatingIfMissing: creates != 0))
    return .done
  }
}

/// Finds a namespace in a snapshot; see fenceline.h.
@c @implementation
public func fenceline_namespace_open_in(
  _ snapshot: OpaquePointer?,
  _ name: UnsafePointer<CChar>?,
  _ space: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
  guard let space = unsafe space else { return nullPlace() }
  unsafe space.pointee = nil
  guard let handle = unsafe snapshotHandle(snapshot) else { return nullSnapshot() }
  guard let name = unsafe text(name) else { return noName() }
  return unsafe handle._withUnsafeGuaranteedRef { (snapshot) in
    do throws(StoreError) {
      unsafe space.pointee = retained(try snapshot.namespace(name))
      return .done
    } catch {
      return failure(error)
    }
  }
}

/// Frees a namespace's handle; see fenceline.h.
@c @implementation
public func fenceline_namespace_close(_ space: OpaquePointer?) {
  unsafe namespaceHandle(space)?.release()
}

/// Drops a namespace; see fenceline.h.
@c @implementation
public func fenceline_namespace_drop(
  _ store: OpaquePointer?,
  _ name: UnsafePointer<CChar>?
) -> CInt {
  unsafe withStore(store, name) { (store, name) throws(StoreError) in
    try store.dropNamespace(name)
    return .done
  }
}

/// Shows the names of all namespaces; see fenceline.h.
@c @implementation
public func fenceline_namespace_list(
  _ store: OpaquePointer?,
  _ visitor: fenceline_name_visitor?,
  _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  guard let visitor = unsafe visitor else { return invalidArgument("there is no visitor") }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      for name in try store.namespaces() {
        unsafe name.utf8CString.withUnsafeBufferPointer { unsafe visitor(context, $0.baseAddress) }
      }
      return .done
    } catch {
      return failure(error)
    }
  }
}

// MARK: Keys

/// Counts keys; see fenceline.h.
@c @implementation
public func fenceline_namespace_count(
  _ space: OpaquePointer?,
  _ count: UnsafeMutablePointer<UInt64>?
) -> CInt {
  guard let count = unsafe count else {
    return invalidArgument("there is no place for the count: a null pointer")
  }
  unsafe count.pointee = 0
  return unsafe withNamespace(space) { (space) throws(StoreError) in
    unsafe count.pointee = UInt64(try space.count)
    return .done
  }
}

/// Writes an entry; see fenceline.h.
@c @implementation
public func fenceline_namespace_put(
  _ space: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ value: UnsafeRawPointer?,
  _ value_length: Int
) -> CInt {
  if let fault = unsafe keyFault(key, key_length) ?? valueFault(value, value_length) {
    return fault
  }
  return unsafe withNamespace(space) { (space) throws(StoreError) in
    unsafe try space.put(
      UnsafeRawBufferPointer(start: key, count: key_length).bytes,
      UnsafeRawBufferPointer(start: value, count: value_length).bytes
    )
    return .done
  }
}

/// Copies a value; see fenceline.h.
@c @implementation
public func fenceline_namespace_get(
  _ space: OpaquePointer?,
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
  let result = unsafe withValue(in: space, key, key_length) { (value) in
    unsafe value_length.pointee = value.byteCount
    guard value.byteCount <= capacity else { return }
    unsafe value.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(start: buffer, count: capacity).copyMemory(from: $0)
    }
  }
  guard result == .done else {
    unsafe value_length.pointee = 0
    return result
  }
  let length = unsafe value_length.pointee
  return length <= capacity ? .done : bufferTooSmall(capacity, needed: length)
}

/// Shows a value in place; see fenceline.h.
@c @implementation
public func fenceline_namespace_read(
  _ space: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ visitor: fenceline_value_visitor?,
  _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let visitor = unsafe visitor else { return invalidArgument("there is no visitor") }
  return unsafe withValue(in: space, key, key_length) { (value) in
    unsafe value.withUnsafeBytes { unsafe visitor(context, $0.baseAddress, $0.count) }
  }
}

/// Removes an entry; see fenceline.h.
@c @implementation
public func fenceline_namespace_delete(
  _ space: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int
) -> CInt {
  if let fault = unsafe keyFault(key, key_length) { return fault }
  return unsafe withNamespace(space) { (space) throws(StoreError) in
    let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
    return try space.delete(key) ? .done : .notFound
  }
}

/// Swaps a value; see fenceline.h.
@c @implementation
public func fenceline_namespace_compare_and_swap(
  _ space: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ expected: UnsafeRawPointer?,
  _ expected_length: Int,
  _ value: UnsafeRawPointer?,
  _ value_length: Int,
  _ durable: CInt
) -> CInt {
  if let fault = unsafe keyFault(key, key_length) { return fault }
  if let fault = unsafe valueFault(expected, expected_length) ?? valueFault(value, value_length) {
    return fault
  }
  return unsafe withNamespace(space) { (space) throws(StoreError) in
    let isSwapped = try space.compareAndSwap(
      unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes,
      expected: unsafe expected == nil
        ? nil : UnsafeRawBufferPointer(start: expected, count: expected_length).bytes,
      new: unsafe value == nil
        ? nil : UnsafeRawBufferPointer(start: value, count: value_length).bytes,
      durability: durable == 0 ? .buffered : .durable
    )
    return isSwapped ? .done : .different
  }
}

/// Shows entries in order; see fenceline.h.
@c @implementation
public func fenceline_namespace_scan(
  _ space: OpaquePointer?,
  _ from: UnsafeRawPointer?,
  _ from_length: Int,
  _ to: UnsafeRawPointer?,
  _ to_length: Int,
  _ direction: CInt,
  _ limit: Int,
  _ visitor: fenceline_entry_visitor?,
  _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let handle = unsafe namespaceHandle(space) else { return nullNamespace() }
  return unsafe scan(from, from_length, to, to_length, direction, visitor, context) {
    (start, end, order, body) throws(StoreError) in
    let space = unsafe handle.takeUnretainedValue()
    try space.forEach(from: start, to: end, order: order, limit: positive(limit)) {
      (key, value, _) in body(key, value)
    }
  }
}

// MARK: Handles

/// The namespace behind a handle, not retained: it may not be closed during a call on it.
func namespaceHandle(_ space: OpaquePointer?) -> Unmanaged<Namespace>? {
  guard let space = unsafe space else { return nil }
  return unsafe Unmanaged<Namespace>.fromOpaque(UnsafeRawPointer(space))
}

private func retained(_ namespace: Namespace) -> OpaquePointer {
  unsafe OpaquePointer(Unmanaged.passRetained(namespace).toOpaque())
}

private func nullNamespace() -> CInt { invalidArgument("the namespace is a null pointer") }

private func nullPlace() -> CInt {
  invalidArgument("there is no place for the namespace: a null pointer")
}

private func noName() -> CInt { invalidArgument("the name is a null pointer or no UTF-8") }

/// A name, if it is one.
private func text(_ name: UnsafePointer<CChar>?) -> String? {
  guard let name = unsafe name else { return nil }
  return unsafe String(validatingCString: name)
}

private func withStore(
  _ store: OpaquePointer?,
  _ name: UnsafePointer<CChar>?,
  _ body: (Store, String) throws(StoreError) -> CInt
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  guard let name = unsafe text(name) else { return noName() }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) { return try body(store, name) } catch { return failure(error) }
  }
}

/// Hands the namespace behind a handle to `body`.
func withNamespace(
  _ space: OpaquePointer?,
  _ body: (Namespace) throws(StoreError) -> CInt
) -> CInt {
  guard let handle = unsafe namespaceHandle(space) else { return nullNamespace() }
  return unsafe handle._withUnsafeGuaranteedRef { (space) in
    do throws(StoreError) { return try body(space) } catch { return failure(error) }
  }
}

/// Hands the value of a key to `body`.
private func withValue(
  in space: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ body: (RawSpan) -> Void
) -> CInt {
  if let fault = unsafe keyFault(key, key_length) { return fault }
  return unsafe withNamespace(space) { (space) throws(StoreError) in
    let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
    return try space.withValue(forKey: key, body) != nil ? .done : .notFound
  }
}
