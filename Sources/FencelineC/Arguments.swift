// What a C program passes in: handles and byte strings, checked before anything looks at them.

internal import CFenceline
internal import Fenceline

// SAFETY: for this whole module. A pointer that is not NULL is trusted to point at as many bytes as
// the length beside it says, and a handle to be one that fenceline_open gave out and fenceline_close
// has not taken back: that is the contract of fenceline.h, and C offers no way to check it. What is
// made from them here does not outlive the call.

/// The store behind a handle, not retained: a call on a handle that is being closed is forbidden, so
/// the handle's own reference keeps the store for the whole call.
typealias Handle = Unmanaged<Store>

@inline(__always)
func handle(_ store: OpaquePointer?) -> Handle? {
  guard let store = unsafe store else { return nil }
  return unsafe Handle.fromOpaque(UnsafeRawPointer(store))
}

// As fenceline.h states them, for a C program can't ask; the store's own are a call away.
private let maximumKeyLength: UInt = 65_535
private let maximumValueLength: UInt = 4_294_967_295

/// What is wrong with a key, if anything.
///
/// Lengths of `Int.max` and more arrive as negative numbers.
@inline(__always)
func keyFault(_ key: UnsafeRawPointer?, _ length: Int) -> CInt? {
  guard UInt(bitPattern: length) <= maximumKeyLength else {
    return failure(.keyTooLong(length: positive(length)))
  }
  if unsafe key == nil, length != 0 { return invalidArgument("the key is a null pointer") }
  return nil
}

/// What is wrong with a value, if anything.
@inline(__always)
func valueFault(_ value: UnsafeRawPointer?, _ length: Int) -> CInt? {
  guard UInt(bitPattern: length) <= maximumValueLength else {
    return failure(.valueTooLong(length: positive(length)))
  }
  if unsafe value == nil, length != 0 { return invalidArgument("the value is a null pointer") }
  return nil
}

/// A C length as Swift counts: what is beyond `Int.max` becomes that.
@inline(__always)
func positive(_ length: Int) -> Int { length < 0 ? .max : length }

@inline(never)
func nullStore() -> CInt { invalidArgument("the store is a null pointer") }
