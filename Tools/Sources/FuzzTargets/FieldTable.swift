// Where numbers stand in the files of a store that lead somewhere: a fuzzer that finds them by chance takes
// hours. Taken from the format's own table.

internal import JournalFormat

/// The fields of one structure.
enum FieldTable {
  struct Field: Sendable {
    let offset: Int
    let size: Int
    /// Bytes to the same field of the next row; 0 where there is one only.
    var stride = 0
  }

  static let segment =
    fields(FormatLayout.segmentHeader, at: 0)
    + fields(FormatLayout.closeMark, at: SegmentField.closeMark)
  static let record = fields(FormatLayout.recordHeader, at: 0)
  static let image =
    fields(FormatLayout.indexImage, at: 0)
    + fields(
      FormatLayout.indexImageSegment,
      at: IndexImageField.headerEnd,
      stride: IndexImageSegmentField.size
    )
    + fields(
      FormatLayout.indexImageRow,
      at: IndexImageField.headerEnd + 2 * IndexImageSegmentField.size,
      stride: IndexImageRowField.size
    )
    + [Field(offset: IndexImagePageField.size + IndexImagePageField.bucketCount, size: 2)]
    + [Field(offset: IndexImagePageField.size + IndexImagePageField.wordCount, size: 2)]
    + [Field(offset: IndexImagePageField.size + IndexImagePageField.counts, size: 1, stride: 61)]
    + [
      Field(offset: IndexImagePageField.size + IndexImagePageField.counts + 256, size: 4, stride: 4)
    ]
  static let changes =
    fields(FormatLayout.indexChanges, at: 0)
    + fields(
      FormatLayout.indexImageSegment,
      at: IndexChangesField.headerEnd,
      stride: IndexImageSegmentField.size
    )

  private static func fields(_ table: FormatTable, at start: Int, stride: Int = 0) -> [Field] {
    table.fields.compactMap { (field) in
      guard let offset = field.offset, let size = field.size, size <= 8 else { return nil }
      return Field(offset: start + offset, size: size, stride: stride)
    }
  }
}
