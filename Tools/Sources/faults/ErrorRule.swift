// Which errors a fault may come out as: typed, with the file and the operation; never one that says
// something else than the truth.

internal import Fenceline
internal import IndexExport
internal import SystemPackage

struct ErrorRule {
  private let fault: FaultCase?

  init(_ fault: FaultCase?) { self.fault = fault }

  /// What is wrong with an error, or nil.
  ///
  /// - Parameters:
  ///   - error: what was thrown.
  ///   - isFirst: it is the first one of its life, so it has to name the cause.
  /// - Returns: the finding.
  func finding(_ error: any Error, isFirst: Bool) -> String? {
    guard let fault else { return "an error without a fault: \(error)" }
    // SQLite does not repeat a sync that a signal has interrupted: the update takes itself back.
    if fault.error.isToBeRetried, case IndexExportError.sqlite = error { return nil }
    if fault.error.isToBeRetried { return "\(fault.error.rawValue) came out as \(error)" }
    switch error {
    case let error as StoreError: return finding(error, isFirst, fault)
    case IndexExportError.store(let error): return finding(error, isFirst, fault)
    case let error as IndexExportError: return finding(error)
    default: return "not a typed error: \(type(of: error)): \(error)"
    }
  }

  private func finding(_ error: StoreError, _ isFirst: Bool, _ fault: FaultCase) -> String? {
    switch error {
    case .system(let operation, let path, let cause):
      if operation.isEmpty || path.isEmpty { return "no operation or no file: \(error)" }
      // libpmem says "invalid argument" where a call of its own failed.
      if operation == "pmem_map_file", cause == .invalidArgument { return nil }
      let wanted = Errno(rawValue: fault.error.number)
      return cause == wanted || fault.error == .nothing ? nil : "another cause: \(error)"
    case .full(let path):
      if path.isEmpty { return "no file: \(error)" }
      return [.noSpace, .quota].contains(fault.error) ? nil : "not full: \(error)"
    case .mediaError(let file, _):
      return file.isEmpty || fault.error != .io ? "a media error: \(error)" : nil
    case .poisoned: return isFirst ? "poisoned without a cause" : nil
    default: return "says something else: \(error)"
    }
  }

  private func finding(_ error: IndexExportError) -> String? {
    switch error {
    case .system(let operation, let path, _):
      operation.isEmpty || path.isEmpty ? "no operation or no file: \(error)" : nil
    case .sqlite(_, _, let path): path.isEmpty ? "no file: \(error)" : nil
    default: "says something else: \(error)"
    }
  }
}
