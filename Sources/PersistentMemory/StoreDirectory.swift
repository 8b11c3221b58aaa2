// The seam between a store and the world: a directory of segment files. The engine sees this and
// SegmentFile, nothing else; tests put a simulated one in its place.

package import SystemPackage

/// What a store needs of the directory that it lives in. Every function is cold: called at open,
/// rotation and close.
package protocol StoreDirectory: AnyObject, Sendable {
  /// Where it is, for messages.
  var path: FilePath { get }
  /// What probing found.
  var medium: MediumDescription { get }

  /// Names of everything in the directory, in no particular order.
  func names() throws(MediumError) -> [String]

  /// Maps an existing segment.
  ///
  /// - Parameter writable: for appending; otherwise nothing is ever changed.
  func openSegment(named name: String, writable: Bool) throws(MediumError) -> SegmentFile

  /// Creates a segment of `length` zero bytes whose blocks are allocated, mapped for appending.
  ///
  /// - Durability: neither name nor contents are durable until `synchronize()` and `persist`.
  func createSegment(named name: String, length: Int) throws(MediumError) -> SegmentFile

  /// Removes a segment's name.
  func removeSegment(named name: String) throws(MediumError)

  /// Makes creations and removals durable. Corresponds to `fsync` on the directory.
  func synchronize() throws(MediumError)
}
