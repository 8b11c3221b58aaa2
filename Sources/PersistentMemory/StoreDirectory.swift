// The seam between a store and the world: a directory of segment files. The engine sees this and
// SegmentFile, nothing else; tests put a simulated one in its place.

package import SystemPackage

/// What a store needs of the directory that it lives in.
///
/// Every function is cold: called at open, rotation and close.
package protocol StoreDirectory: AnyObject, Sendable {
  /// Where it is, for messages.
  var path: FilePath { get }
  /// What probing found.
  var medium: MediumDescription { get }

  /// Names of everything in the directory, in no particular order.
  func names() throws(MediumError) -> [String]

  /// Maps an existing segment.
  ///
  /// - Parameters:
  ///   - name: as `names()` gives it.
  ///   - writable: for appending; otherwise nothing is ever changed.
  /// - Returns: the segment, mapped whole.
  /// - Throws: ``MediumError`` where it is missing or can't be mapped; with `EINVAL` of "mmap" where
  ///   it is empty, with `ELOOP` where it is a link or no regular file.
  func openSegment(named name: String, writable: Bool) throws(MediumError) -> SegmentFile

  /// Creates a segment of `length` zero bytes whose blocks are allocated, mapped for appending,
  /// under a temporary name: nobody finds it before `publishSegment(named:)`.
  ///
  /// - Durability: nothing is durable until `synchronize()` and `persist`.
  func createSegment(named name: String, length: Int) throws(MediumError) -> SegmentFile

  /// Gives a created segment its name. Corresponds to `rename`.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - replacing: another file of that name goes; otherwise that is an error.
  /// - Throws: ``MediumError``, with `EEXIST` where there is one.
  /// - Durability: the name is durable after `synchronize()`.
  func publishSegment(named name: String, replacing: Bool) throws(MediumError)

  /// Makes everything durable that was written to a segment, by whatever process. Corresponds to
  /// `fdatasync`.
  ///
  /// - Throws: ``MediumError``; with `ENOENT` where there is no such segment.
  func synchronizeSegment(named name: String) throws(MediumError)

  /// Removes a segment's name.
  func removeSegment(named name: String) throws(MediumError)

  /// Keeps `length` bytes of the medium in a file that holds nothing, or gives them back where that is
  /// 0.
  ///
  /// - Throws: ``MediumError`` where the medium does not have them; what was kept before is then gone.
  func setReserve(_ length: Int) throws(MediumError)

  /// Bytes that the file system holds for the directory and everything in it.
  func allocatedBytes() throws(MediumError) -> Int

  /// Makes creations and removals durable. Corresponds to `fsync` on the directory.
  func synchronize() throws(MediumError)

  /// Makes the directory's own name durable, as far as its parent may be opened.
  ///
  /// Called once, when a store is created in it.
  func synchronizeName() throws(MediumError)

  /// Lets another handle write. Called once, when the store is closed.
  func unlock()
}

extension StoreDirectory {
  /// Gives a created segment a name that no file has.
  package func publishSegment(named name: String) throws(MediumError) {
    try publishSegment(named: name, replacing: false)
  }
}
