// The tables of a backup's manifest.

extension FormatLayout {
  package static let backupManifest = FormatTable(
    title: "Manifest of a backup",
    fields: [
      FormatField("magic", at: BackupManifestField.magic, 8, "\"FENCEBAK\" in ASCII"),
      FormatField("formatVersion", at: BackupManifestField.formatVersion, 4, "1"),
      FormatField(
        "checksum",
        at: BackupManifestField.checksum,
        4,
        "CRC32C of everything from byte 16 on"
      ),
      FormatField("storeID", at: BackupManifestField.storeID, 16, "that of the segments"),
      FormatField(
        "sequence",
        at: BackupManifestField.sequence,
        8,
        "sequence of the newest transaction"
      ),
      FormatField(
        "createdAt",
        at: BackupManifestField.createdAt,
        8,
        "nanoseconds since 1970, for people"
      ),
      FormatField(
        "generation",
        at: BackupManifestField.generation,
        8,
        "counts the backups in the directory"
      ),
      FormatField(
        "segmentCount",
        at: BackupManifestField.segmentCount,
        4,
        "rows of the first table"
      ),
      FormatField("partCount", at: BackupManifestField.partCount, 4, "rows of the second table"),
    ]
  )

  package static let backupSegment = FormatTable(
    title: "Segment of a backup",
    fields: [
      FormatField(
        "header",
        at: BackupSegmentField.header,
        128,
        "the segment's header, as its first page has it"
      ),
      FormatField("end", at: BackupSegmentField.end, 8, "offset at which its copied bytes end"),
      FormatField(
        "nextSequence",
        at: BackupSegmentField.nextSequence,
        8,
        "no later transaction has a lower sequence"
      ),
      FormatField(
        "partCount",
        at: BackupSegmentField.partCount,
        4,
        "files that hold its bytes, from offset 4096 on"
      ),
      FormatField("reserved", at: BackupSegmentField.reserved, 4, "zero"),
    ]
  )

  package static let backupPart = FormatTable(
    title: "Part of a backup",
    fields: [
      FormatField(
        "generation",
        at: BackupPartField.generation,
        8,
        "of the backup that it came with; a part of its file's name"
      ),
      FormatField("length", at: BackupPartField.length, 8, "bytes of the file"),
      FormatField("checksum", at: BackupPartField.checksum, 4, "CRC32C of the file"),
      FormatField("reserved", at: BackupPartField.reserved, 4, "zero"),
    ]
  )
}
