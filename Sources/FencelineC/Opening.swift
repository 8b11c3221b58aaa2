// fenceline_open, fenceline_close, and the structure of options.

public import CFenceline
internal import Fenceline
internal import SystemPackage

/// Opens a store; see fenceline.h.
@c @implementation
public func fenceline_open(
  _ path: UnsafePointer<CChar>?,
  _ options: UnsafePointer<fenceline_options>?,
  _ store: UnsafeMutablePointer<OpaquePointer?>?
) -> CInt {
  guard let store = unsafe store else {
    return invalidArgument("there is no place for the store: a null pointer")
  }
  unsafe store.pointee = nil
  guard let path = unsafe path else { return invalidArgument("the path is a null pointer") }
  var given = fenceline_options()
  if let options = unsafe options, let fault = unsafe read(options, into: &given) { return fault }
  guard let survival = Survival(rawValue: Int(given.required_survival)) else {
    return invalidArgument("required_survival is none of FENCELINE_SURVIVES_...")
  }
  var choices = StoreOptions()
  choices.createsIfMissing = given.must_exist == 0
  choices.requiredSurvival = survival
  choices.handlesMemoryErrors = given.leaves_sigbus == 0
  let place = unsafe FilePath(platformString: path)
  do throws(StoreError) {
    let opened =
      given.read_only == 0
      ? try Store.open(at: place, options: choices)
      : try Store.openReadOnly(at: place, options: choices)
    unsafe store.pointee = OpaquePointer(Unmanaged.passRetained(opened).toOpaque())
    return .done
  } catch {
    return failure(error)
  }
}

/// Closes a store; see fenceline.h.
@c @implementation
public func fenceline_close(_ store: OpaquePointer?) -> CInt {
  guard let handle = unsafe handle(store) else { return .done }
  let store = unsafe handle.takeRetainedValue()
  do throws(StoreError) {
    try store.close()
    return .done
  } catch .forked {
    // A child's copy is only freed; what it stands for is the parent's.
    return .done
  } catch {
    return failure(error)
  }
}

/// Reads the options that a program of any version passes.
///
/// - Returns: what is wrong with them, if anything.
private func read(
  _ options: UnsafePointer<fenceline_options>,
  into known: inout fenceline_options
) -> CInt? {
  let size = unsafe UnsafeRawPointer(options).load(as: Int.self)
  guard isStructureSize(size) else {
    return invalidArgument("the options' size is not that of a fenceline_options")
  }
  let bytes = unsafe UnsafeRawBufferPointer(start: options, count: size)
  let knownSize = min(size, MemoryLayout<fenceline_options>.size)
  unsafe withUnsafeMutableBytes(of: &known) {
    unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<knownSize]))
  }
  for index in knownSize..<size where unsafe bytes[index] != 0 {
    return invalidArgument("the options set a field that this version does not know")
  }
  return nil
}

/// Whether a structure of some version can have this size.
///
/// All of them start with the size, consist of fields of 4 or 8 bytes and are far smaller than the
/// bound, which keeps a forgotten size from being taken for a length.
func isStructureSize(_ size: Int) -> Bool {
  (MemoryLayout<Int>.size...4096).contains(size) && size.isMultiple(of: 4)
}
