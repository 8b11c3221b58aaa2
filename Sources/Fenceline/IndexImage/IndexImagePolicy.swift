// When an index image is worth its bytes. Numbers in, a decision out.
//
// An image costs what it is long; what it saves is reading the journal that was written before it. All
// images together take up to half of what was ever written to the journal, and no more. Small stores have
// none: they are read before an image would be.

internal import JournalFormat

/// When to write an index image, and when to do without.
struct IndexImagePolicy {
  /// Bytes of records below which a store has no image.
  let smallestJournal: Int

  /// What there is to know.
  struct Situation {
    /// Bytes that were ever written to the journal.
    var writtenBytes: Int
    /// The same when the image that is there was made; 0 where there is none.
    var imagedBytes: Int
    /// Bytes of all images that were ever written.
    var imageBytes: Int
    /// Bytes of the image that is there; 0 where there is none.
    var length: Int
    /// Keys, and buckets of the table.
    var keyCount: Int
    var bucketCount: Int
    /// Bytes of records in all segments.
    var recordBytes: Int

    /// Bytes of a word in an image of now.
    var wordLength: Int
    /// Segments that it has room to name.
    var segmentCount: Int
    /// Changes that wait for a file.
    var changeCount = 0
    /// Changes behind the image that is there, those that wait included; nil where they are not known.
    var changesBehind: Int?

    /// Bytes of the changes that are written when an image begins and ends, and some more.
    var changesLength: Int {
      2 * IndexChangesField.headerEnd + 2 * segmentCount * IndexImageSegmentField.size
        + changeCount * IndexChangeField.usualBytes
    }

    /// Bytes of an image of now, rather more than fewer: pages are not quite full.
    var nextLength: Int {
      let pageSize = IndexImagePageField.size
      let pageCount = (keyCount * wordLength + bucketCount) / (pageSize - 196) + 2
      let tables =
        IndexImageField.headerEnd + segmentCount * IndexImageSegmentField.size
        + pageCount * IndexImageRowField.size
      return (tables / pageSize + 1 + pageCount) * pageSize
    }
  }

  /// When the question is asked.
  enum Moment {
    /// Somebody is writing, so another image will be due soon.
    case busy
    /// Nobody is: this one may have to do for a while.
    case idle
    /// The store is being closed: this one may have to do for long.
    case closing
  }

  /// Whether an image should be written now.
  func isDue(_ situation: Situation, _ moment: Moment) -> Bool {
    let length = situation.nextLength
    let since = situation.writtenBytes - situation.imagedBytes
    // While more is written, something has to be left for when that ends; of pauses there may be many, and
    // the one image that every opening reads is that of the close.
    let budget =
      switch moment {
      case .busy: situation.writtenBytes * 9 / 20
      case .idle: situation.writtenBytes * 8 / 20
      case .closing: situation.writtenBytes / 2
      }
    guard situation.recordBytes >= smallestJournal,
      situation.imageBytes + length + situation.changesLength <= budget
    else { return false }
    // An opening makes a change in a few times the time that it takes for a word of the image. Compactions
    // make changes, too, and write no journal.
    if let changesBehind = situation.changesBehind {
      let share = moment == .busy ? 3 : 8
      if changesBehind >= max(1, situation.keyCount / share) { return true }
      if moment == .busy { return false }
    }
    return since >= max(smallestJournal, moment == .busy ? length * 11 / 5 : length / 4)
  }

  /// Whether changes are worth a file.
  ///
  /// - Parameters:
  ///   - count: changes that wait for one.
  ///   - fewest: as many as are worth it.
  ///   - segmentCount: segments that the file has to name, which should take less than the changes.
  ///   - writtenBytes: bytes that were ever written to the journal.
  ///   - imageBytes: bytes of all images and changes that were ever written.
  /// - Returns: whether they should be written now.
  static func areChangesDue(
    _ count: Int,
    fewest: Int,
    segmentCount: Int,
    writtenBytes: Int,
    imageBytes: Int
  ) -> Bool {
    let rows = segmentCount * IndexImageSegmentField.size
    let length = count * IndexChangeField.usualBytes
    return count >= fewest && length >= 2 * rows
      && imageBytes + length + rows <= writtenBytes * 9 / 20
  }

  /// Whether the image that is there takes more than it is worth.
  func isObsolete(_ situation: Situation) -> Bool {
    situation.length > 0
      && (situation.recordBytes < smallestJournal
        || situation.length > 2 * situation.nextLength + (1 << 20))
  }
}
