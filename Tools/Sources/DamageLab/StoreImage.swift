// A sample store that can be damaged and mended again, on one of two media.

internal import Fenceline
internal import SystemPackage

/// The files of a sample store, and the ways to open them.
protocol StoreImage: AnyObject {
  var path: FilePath { get }
  /// Whether a segment is there at all.
  var hasSegments: Bool { get }

  /// Changes the files.
  func apply(_ edits: [Edit]) throws
  /// What is not as `apply` left it, or nil.
  func difference() throws -> String?
  /// Says that a writer was let in.
  func noteWriting()
  /// Makes everything as it was before `apply`.
  func restore() throws

  func openReadOnly() throws(StoreError) -> Store
  func openForWriting() throws(StoreError) -> Store
  func verify() throws(StoreError) -> VerificationReport
  /// Saves what can be saved into a new store on a file system.
  func salvage(to output: FilePath) throws(StoreError) -> SalvageReport
}
