// The format can't change by accident: the whole layout is printed and compared with a file that a
// person has to change too, and with the page that explains it.

import Foundation
import JournalFormat
import Testing

/// A file of the repository.
func repositoryFile(_ path: String) throws -> String {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  return try String(contentsOf: root.appending(path: path), encoding: .utf8)
}

struct LayoutTests {
  @Test func `The layout is the one under Data`() throws {
    let printed = FormatLayout.tables
      .map { "\($0.title)\n\n\($0.markdown)\n" }
      .joined(separator: "\n")
    #expect(try repositoryFile("Data/format-1-layout.txt") == printed, "\(printed)")
  }

  @Test(arguments: FormatLayout.tables.indices)
  func `The format page holds every table as the code has it`(number: Int) throws {
    let table = FormatLayout.tables[number]
    let page = try repositoryFile("Sources/Fenceline/Fenceline.docc/Format.md")
    #expect(page.contains(table.markdown), "\(table.title) differs from the format page")
  }

  @Test func `The fields of each fixed structure lie one behind the other`() {
    for table in [
      FormatLayout.segmentHeader, FormatLayout.closeMark, FormatLayout.recordHeader,
      FormatLayout.indexImage, FormatLayout.indexImageSegment, FormatLayout.indexImageRow,
      FormatLayout.backupManifest, FormatLayout.backupSegment, FormatLayout.backupPart,
    ] {
      var end = 0
      for field in table.fields {
        #expect(field.offset == end, "\(table.title): \(field.name)")
        end += field.size ?? 0
      }
    }
    #expect(SegmentField.headerEnd == SegmentField.checksum + 4)
    #expect(CloseMarkField.markEnd == CloseMarkField.checksum + 4)
    #expect(RecordField.headerEnd == RecordField.headerCheck + 2)
    #expect(BackupManifestField.headerEnd == BackupManifestField.partCount + 4)
    #expect(BackupSegmentField.rowEnd == BackupSegmentField.reserved + 4)
    #expect(BackupPartField.rowEnd == BackupPartField.reserved + 4)
  }

  @Test func `The close mark shares no sector with the header or the journal`() {
    let sector = 512
    #expect(SegmentField.headerEnd <= SegmentField.closeMark / sector * sector)
    #expect(
      SegmentField.closeMark / sector
        == (SegmentField.closeMark + CloseMarkField.markEnd - 1) / sector
    )
    #expect(SegmentField.closeMark + sector <= SegmentField.journalStart)
  }

  @Test func `Known flags and kinds cover what the tables name`() {
    let bits = FormatLayout.flags.fields.compactMap(\.offset).reduce(0 as UInt16) { $0 | 1 << $1 }
    #expect(bits == RecordFlags.known.rawValue)
    #expect(
      FormatLayout.kinds.fields.compactMap(\.offset)
        == RecordKind.allCases.map { Int($0.rawValue) }
    )
  }
}
