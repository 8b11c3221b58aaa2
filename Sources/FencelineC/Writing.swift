// fenceline_put, fenceline_delete, fenceline_write, fenceline_sync and fenceline_compact.

public import CFenceline
internal import Fenceline

/// Writes an entry; see fenceline.h.
@c @implementation
public func fenceline_put(
  _ store: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ value: UnsafeRawPointer?,
  _ value_length: Int
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  if let fault = unsafe keyFault(key, key_length) { return fault }
  if let fault = unsafe valueFault(value, value_length) { return fault }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      unsafe try store.put(
        UnsafeRawBufferPointer(start: key, count: key_length).bytes,
        UnsafeRawBufferPointer(start: value, count: value_length).bytes
      )
      return .done
    } catch {
      return failure(error)
    }
  }
}

/// Removes an entry; see fenceline.h.
@c @implementation
public func fenceline_delete(
  _ store: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  if let fault = unsafe keyFault(key, key_length) { return fault }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
      return try store.delete(key) ? .done : .notFound
    } catch {
      return failure(error)
    }
  }
}

/// Gives space back; see fenceline.h.
@c @implementation
public func fenceline_compact(_ store: OpaquePointer?) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      try store.compact()
      return .done
    } catch {
      return failure(error)
    }
  }
}

/// Makes everything durable; see fenceline.h.
@c @implementation
public func fenceline_sync(_ store: OpaquePointer?) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      try store.sync()
      return .done
    } catch {
      return failure(error)
    }
  }
}

/// Commits operations together; see fenceline.h.
@c @implementation
public func fenceline_write(
  _ store: OpaquePointer?,
  _ operations: UnsafePointer<fenceline_operation>?,
  _ count: Int,
  _ durable: CInt
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  guard count >= 0 else { return invalidArgument("there can't be so many operations") }
  if unsafe operations == nil, count != 0 {
    return invalidArgument("the operations are a null pointer")
  }
  let operations = unsafe UnsafeBufferPointer(start: operations, count: count)
  for index in 0..<count {
    if let fault = unsafe operations[index].fault { return fault }
  }
  let durability = durable == 0 ? Durability.buffered : .durable
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      if count == 1 {
        // One record needs no list of what belongs together.
        unsafe try operations[0].apply(to: store, durability)
      } else {
        try store.commit(durability: durability) { (transaction) throws(StoreError) in
          transaction.reserve(operationCount: count)
          for index in 0..<count {
            unsafe try operations[index].apply(to: &transaction)
          }
        }
      }
      return .done
    } catch {
      return failure(error)
    }
  }
}

/// Commits operations in several namespaces together; see fenceline.h.
@c @implementation
public func fenceline_namespace_write(
  _ store: OpaquePointer?,
  _ operations: UnsafePointer<fenceline_namespace_operation>?,
  _ count: Int,
  _ durable: CInt
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  guard count >= 0 else { return invalidArgument("there can't be so many operations") }
  if unsafe operations == nil, count != 0 {
    return invalidArgument("the operations are a null pointer")
  }
  let operations = unsafe UnsafeBufferPointer(start: operations, count: count)
  for index in 0..<count {
    if let fault = unsafe operations[index].operation.fault { return fault }
  }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    for index in 0..<count {
      let space = unsafe namespaceHandle(operations[index].space)?.takeUnretainedValue()
      guard space?.store === store || space == nil else {
        return invalidArgument("a namespace is one of another store")
      }
    }
    do throws(StoreError) {
      let durability = durable == 0 ? Durability.buffered : .durable
      try store.commit(durability: durability) { (transaction) throws(StoreError) in
        for index in 0..<count {
          let space = unsafe namespaceHandle(operations[index].space)?.takeUnretainedValue()
          let expiry = unsafe Expiry(operations[index].expires)
          unsafe try operations[index].operation.apply(to: &transaction, in: space, expiry)
        }
      }
      return .done
    } catch {
      return failure(error)
    }
  }
}

extension fenceline_operation {
  /// What is wrong with it, if anything.
  fileprivate var fault: CInt? {
    @inline(__always)
    get {
      if let fault = unsafe keyFault(key, key_length) { return fault }
      return unsafe valueFault(value, value_length)
    }
  }

  @inline(__always)
  private var isDelete: Bool { unsafe value == nil }

  /// Commits it on its own.
  @inline(__always)
  fileprivate func apply(to store: Store, _ durability: Durability) throws(StoreError) {
    let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
    if unsafe isDelete {
      try store.delete(key, durability: durability)
    } else {
      let value = unsafe UnsafeRawBufferPointer(start: value, count: value_length).bytes
      try store.put(key, value, durability: durability)
    }
  }

  /// Adds it to a transaction.
  @inline(__always)
  fileprivate func apply(
    to transaction: inout Transaction,
    in namespace: Namespace? = nil,
    _ expiry: Expiry? = nil
  ) throws(StoreError) {
    let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
    if unsafe isDelete {
      try transaction.delete(key, in: namespace)
      return
    }
    let value = unsafe UnsafeRawBufferPointer(start: value, count: value_length).bytes
    if namespace == nil, expiry == nil {
      // SAFETY: the caller's bytes stay where they are during the call, which the commit is part of.
      unsafe try transaction.put(borrowing: key, value)
    } else {
      try transaction.put(key, value, expiry: expiry, in: namespace)
    }
  }
}

extension Expiry {
  /// What a C program means by a number of milliseconds; nil for 0.
  fileprivate init?(_ milliseconds: UInt64) {
    guard milliseconds > 0 else { return nil }
    self.init(millisecondsSince1970: milliseconds)
  }
}
