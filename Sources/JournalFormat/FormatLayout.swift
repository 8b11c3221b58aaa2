// The whole format as a table: what the documentation prints and the layout test compares. Offsets
// and sizes come from the constants that the code uses; only the words stand here alone.

/// One field of the format.
package struct FormatField: Sendable {
  package let name: String
  /// Bytes from the start of its structure; nil where it depends on what precedes it.
  package let offset: Int?
  /// Bytes; nil where they vary.
  package let size: Int?
  package let meaning: String

  init(_ name: String, at offset: Int?, _ size: Int?, _ meaning: String) {
    self.name = name
    self.offset = offset
    self.size = size
    self.meaning = meaning
  }
}

/// One structure of the format.
package struct FormatTable: Sendable {
  package let title: String
  package let fields: [FormatField]

  /// The table in Markdown, as the format page holds it.
  package var markdown: String {
    let rows = fields.map { field in
      let offset = field.offset.map(String.init) ?? "-"
      let size = field.size.map(String.init) ?? "-"
      return "| \(offset) | \(size) | `\(field.name)` | \(field.meaning) |"
    }
    return (["| offset | size | field | meaning |", "|---|---|---|---|"] + rows)
      .joined(separator: "\n")
  }
}

/// Every structure of format 1, in the order of the format page.
package enum FormatLayout {
  package static let tables = [
    segmentHeader, closeMark, recordHeader, optionalFields, flags, kinds, pad, closeDigest,
    segmentDigest, compactedDigest, indexImage, indexImageSegment, indexImageRow, indexImagePage,
    indexChanges, indexChange, backupManifest, backupSegment, backupPart,
  ]

  package static let segmentHeader = FormatTable(
    title: "Segment header",
    fields: [
      FormatField("magic", at: SegmentField.magic, 8, "\"FENCELNE\" in ASCII"),
      FormatField("formatVersion", at: SegmentField.formatVersion, 4, "1"),
      FormatField(
        "requiredFeatures",
        at: SegmentField.requiredFeatures,
        4,
        "features that a reader must know; 0, or 1 or 3 in a compacted segment, and 4 more where records may expire"
      ),
      FormatField("storeID", at: SegmentField.storeID, 16, "random, the same in every segment"),
      FormatField(
        "segmentID",
        at: SegmentField.segmentID,
        4,
        "from 1, never reused; the file's name in hexadecimal"
      ),
      FormatField(
        "predecessorID",
        at: SegmentField.predecessorID,
        4,
        "the segment that this one follows; 0 for none"
      ),
      FormatField("incarnation", at: SegmentField.incarnation, 8, "grows with every recovery"),
      FormatField("capacity", at: SegmentField.capacity, 8, "bytes of the file"),
      FormatField(
        "firstSequence",
        at: SegmentField.firstSequence,
        8,
        "no record of the segment has a lower sequence"
      ),
      FormatField(
        "predecessorEnd",
        at: SegmentField.predecessorEnd,
        8,
        "where the predecessor's journal ends, exactly"
      ),
      FormatField("createdAt", at: SegmentField.createdAt, 8, "nanoseconds since 1970"),
      FormatField(
        "coveredFirst",
        at: SegmentField.coveredFirst,
        4,
        "oldest journal segment that a compacted one stands for; 0 in a journal segment"
      ),
      FormatField("coveredLast", at: SegmentField.coveredLast, 4, "newest one"),
      FormatField(
        "compactedEnd",
        at: SegmentField.compactedEnd,
        8,
        "where the records of a compacted segment end, exactly"
      ),
      FormatField(
        "compactedThrough",
        at: SegmentField.compactedThrough,
        8,
        "a compacted segment holds no version that a transaction before this one superseded"
      ),
      FormatField(
        "digestLength",
        at: SegmentField.digestLength,
        4,
        "bytes of the digest behind the records of a compacted segment"
      ),
      FormatField(
        "digestChecksum",
        at: SegmentField.digestChecksum,
        4,
        "CRC32C of the binding and that digest"
      ),
      FormatField(
        "historyFrom",
        at: SegmentField.historyFrom,
        8,
        "a compacted segment lacks no version that this transaction or a later one superseded; 0: nobody knows"
      ),
      FormatField(
        "retainedUnits",
        at: SegmentField.retainedUnits,
        4,
        "eighths of the bytes of a compacted segment's records that have the flag `superseded`"
      ),
      FormatField("checksum", at: SegmentField.checksum, 4, "CRC32C of bytes 0..<124"),
    ]
  )

  package static let closeMark = FormatTable(
    title: "Close mark",
    fields: [
      FormatField(
        "incarnation",
        at: CloseMarkField.incarnation,
        8,
        "that of the segment; 0: no mark was written yet"
      ),
      FormatField(
        "end",
        at: CloseMarkField.end,
        8,
        "end of the durable journal; the close record, where there is one, comes behind it"
      ),
      FormatField(
        "nextSequence",
        at: CloseMarkField.nextSequence,
        8,
        "sequence that the next transaction was to have"
      ),
      FormatField(
        "state",
        at: CloseMarkField.state,
        4,
        "0: closed, with a close record at `end`; 1: opened again; 2: followed by a successor"
      ),
      FormatField(
        "checksum",
        at: CloseMarkField.checksum,
        4,
        "CRC32C of the binding and bytes 0..<28"
      ),
    ]
  )

  package static let recordHeader = FormatTable(
    title: "Record header",
    fields: [
      FormatField(
        "checksum",
        at: RecordField.checksum,
        4,
        "CRC32C of binding, offset, key, value (or chunk checksums), header from byte 4 on"
      ),
      FormatField(
        "kindAndFlags",
        at: RecordField.kindAndFlags,
        2,
        "kind in bits 0-3, flags in bits 4-15"
      ),
      FormatField("keyLength", at: RecordField.keyLength, 2, "bytes of the key"),
      FormatField("valueLength", at: RecordField.valueLength, 4, "bytes of the value"),
      FormatField(
        "sequenceOffset",
        at: RecordField.sequenceOffset,
        4,
        "sequence minus the segment's firstSequence"
      ),
      FormatField(
        "keyCheck",
        at: RecordField.keyCheck,
        2,
        "CRC32C of the key alone, folded to 16 bits"
      ),
      FormatField(
        "headerCheck",
        at: RecordField.headerCheck,
        2,
        "CRC32C of binding, offset and header bytes 4..<18, folded to 16 bits"
      ),
    ]
  )

  package static let optionalFields = FormatTable(
    title: "Optional fields",
    fields: [
      FormatField("transactionCount", at: nil, 4, "records of the transaction, on its last one"),
      FormatField("previousVersion", at: nil, 8, "position of the key's previous version"),
      FormatField("sourcePosition", at: nil, 8, "position that a relocated copy was copied from"),
      FormatField(
        "expiry",
        at: nil,
        8,
        "milliseconds since 1970 from which on it counts as deleted; not 0"
      ),
      FormatField("wideSequence", at: nil, 8, "whole sequence, where the offset exceeds 32 bits"),
      FormatField("key", at: nil, nil, "keyLength bytes"),
      FormatField("value", at: nil, nil, "valueLength bytes"),
      FormatField(
        "chunkChecksums",
        at: nil,
        nil,
        "with its flag: CRC32C of binding, offset and each started 64 KiB of the value"
      ),
      FormatField("zeros", at: nil, nil, "up to the next multiple of 8"),
    ]
  )

  package static let flags = FormatTable(
    title: "Flags",
    fields: [
      flag("transactionBegin", .transactionBegin, "first record of its transaction"),
      flag("transactionEnd", .transactionEnd, "last record of its transaction"),
      flag(
        "batchStart",
        .batchStart,
        "everything before it was fenced; stands at a multiple of 64"
      ),
      flag("transactionCount", .transactionCount, "carries the field"),
      flag("previousVersion", .previousVersion, "carries the field"),
      flag("sourcePosition", .sourcePosition, "carries the field"),
      flag("expiry", .expiry, "carries the field"),
      flag("chunkChecksums", .chunkChecksums, "the value is longer than 65,536 bytes"),
      flag("wideSequence", .wideSequence, "carries the field"),
      flag("superseded", .superseded, "in a compacted segment: there for readers of the past only"),
    ]
  )

  package static let kinds = FormatTable(
    title: "Kinds",
    fields: [
      kind("put", .put, "gives the key a value"),
      kind("delete", .delete, "removes the key; no value"),
      kind("close", .close, "the journal was closed in order; no key, a digest as value"),
      kind("seal", .seal, "the segment is complete; no key, no value"),
      kind("pad", .pad, "see below"),
      kind("digest", .digest, "describes the segment before; no key, a digest as value"),
    ]
  )

  package static let pad = FormatTable(
    title: "Pad",
    fields: [
      FormatField(
        "checksum",
        at: PadField.checksum,
        4,
        "CRC32C of binding, offset and bytes 4..<8"
      ),
      FormatField("kindAndFlags", at: PadField.kindAndFlags, 2, "5"),
      FormatField("length", at: PadField.length, 2, "8 to 56, up to the next multiple of 64"),
      FormatField("zeros", at: PadField.headerEnd, nil, "the rest"),
    ]
  )

  package static let closeDigest = FormatTable(
    title: "Value of a close record",
    fields: [
      FormatField(
        "firstSequence",
        at: CloseDigestField.firstSequence,
        8,
        "sequence of the first record that is described"
      ),
      FormatField("entries", at: CloseDigestField.entries, nil, entries),
    ]
  )

  package static let segmentDigest = FormatTable(
    title: "Value of a digest record",
    fields: [
      FormatField(
        "header",
        at: SegmentDigestField.header,
        SegmentDigestField.entries,
        "header of the segment before, as it stands there"
      ),
      FormatField("entries", at: SegmentDigestField.entries, nil, entries),
    ]
  )

  package static let compactedDigest = FormatTable(
    title: "Digest of a compacted segment",
    fields: [
      FormatField("count", at: CompactedDigestField.count, 4, "number of entries"),
      FormatField("entries", at: CompactedDigestField.entries, nil, entries),
      FormatField(
        "pairs",
        at: nil,
        nil,
        "transactions without a gap in their sequences, then sequences left out; LEB128 numbers"
      ),
    ]
  )

  private static let entries =
    "2 bytes a record: bits 0-14 of its key check; bit 15: ends its transaction"

  /// A flag's row: its bit instead of an offset.
  private static func flag(
    _ name: String,
    _ flag: RecordFlags,
    _ meaning: String
  ) -> FormatField {
    FormatField(name, at: flag.rawValue.trailingZeroBitCount, 1, meaning)
  }

  /// A kind's row: its number instead of an offset.
  private static func kind(_ name: String, _ kind: RecordKind, _ meaning: String) -> FormatField {
    FormatField(name, at: Int(kind.rawValue), nil, meaning)
  }
}
