// The seam below a staged segment: what stands in for its file where the medium is a simulated disk.

/// Takes the writes of a segment whose file is not one of the kernel's.
package protocol SegmentDevice: AnyObject, Sendable {
  /// Corresponds to `pwrite` of all bytes.
  func write(_ bytes: RawSpan, at offset: Int) throws(MediumError)
  /// Corresponds to `fdatasync`.
  func synchronizeData() throws(MediumError)
}
