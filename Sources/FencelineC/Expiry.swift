// fenceline_put_until and fenceline_expiry.

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
  guard let expires = unsafe expires else {
    return invalidArgument("there is no place for the expiry: a null pointer")
  }
  unsafe expires.pointee = 0
  guard let handle = unsafe handle(store) else { return nullStore() }
  if let fault = unsafe keyFault(key, key_length) { return fault }
  return unsafe handle._withUnsafeGuaranteedRef { (store) in
    do throws(StoreError) {
      let key = unsafe UnsafeRawBufferPointer(start: key, count: key_length).bytes
      if let expiry = try store.expiry(of: key) {
        unsafe expires.pointee = expiry.millisecondsSince1970
        return .done
      }
      return try store.contains(key) ? .done : .notFound
    } catch {
      return failure(error)
    }
  }
}
