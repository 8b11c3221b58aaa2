// fenceline_put_until and fenceline_expiry, and the same of namespaces.

internal import CFenceline
internal import Fenceline

/// Writes an entry that ends; see fenceline.h.
@c @implementation
public func fenceline_put_until(
  _ store: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ value: UnsafeRawPointer?,
  _ value_length: Int,
  _ expires: UInt64,
  _ durable: CInt
) -> CInt {
  guard let handle = unsafe handle(store) else { return nullStore() }
  if let fault = unsafe keyFault(key, key_length) { return fault }
  if let fault = unsafe valueFault(value, value_length) { return fault }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      unsafe try store.put(
        UnsafeRawBufferPointer(start: key, count: key_length).bytes,
        UnsafeRawBufferPointer(start: value, count: value_length).bytes,
        expiry: Expiry(millisecondsSince1970: expires),
        durability: durable == 0 ? .buffered : .durable
      )
      return .done
    } catch {
      return failure(error)
    }
  }
}

/// Says when an entry ends; see fenceline.h.
@c @implementation
public func fenceline_expiry(
  _ store: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ expires: UnsafeMutablePointer<UInt64>?
) -> CInt {
  guard let expires = unsafe expires else { return nullPlace() }
  unsafe expires.pointee = 0
  guard let handle = unsafe handle(store) else { return nullStore() }
  if let fault = unsafe keyFault(key, key_length) { return fault }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
      return unsafe try show(try store.expiry(of: key), in: expires) { () throws(StoreError) in
        try store.contains(key)
      }
    } catch {
      return failure(error)
    }
  }
}

/// Writes an entry of a namespace that ends; see fenceline.h.
@c @implementation
public func fenceline_namespace_put_until(
  _ space: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ value: UnsafeRawPointer?,
  _ value_length: Int,
  _ expires: UInt64,
  _ durable: CInt
) -> CInt {
  if let fault = unsafe keyFault(key, key_length) ?? valueFault(value, value_length) {
    return fault
  }
  return unsafe withNamespace(space) { (space) throws(StoreError) in
    unsafe try space.put(
      UnsafeRawBufferPointer(start: key, count: key_length).bytes,
      UnsafeRawBufferPointer(start: value, count: value_length).bytes,
      expiry: Expiry(millisecondsSince1970: expires),
      durability: durable == 0 ? .buffered : .durable
    )
    return .done
  }
}

/// Says when an entry of a namespace ends; see fenceline.h.
@c @implementation
public func fenceline_namespace_expiry(
  _ space: OpaquePointer?,
  _ key: UnsafeRawPointer?,
  _ key_length: Int,
  _ expires: UnsafeMutablePointer<UInt64>?
) -> CInt {
  guard let expires = unsafe expires else { return nullPlace() }
  unsafe expires.pointee = 0
  if let fault = unsafe keyFault(key, key_length) { return fault }
  return unsafe withNamespace(space) { (space) throws(StoreError) in
    let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
    return unsafe try show(try space.expiry(of: key), in: expires) { () throws(StoreError) in
      try space.contains(key)
    }
  }
}

/// Hands out an expiry; where there is none, whether there is a value all the same.
private func show(
  _ expiry: Expiry?,
  in place: UnsafeMutablePointer<UInt64>,
  _ isThere: () throws(StoreError) -> Bool
) throws(StoreError) -> CInt {
  guard let expiry else { return try isThere() ? .done : .notFound }
  unsafe place.pointee = expiry.millisecondsSince1970
  return .done
}

private func nullPlace() -> CInt {
  invalidArgument("there is no place for the expiry: a null pointer")
}
