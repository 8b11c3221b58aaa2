// The tables of an index image.

extension FormatLayout {
  package static let indexImage = FormatTable(
    title: "Index image",
    fields: [
      FormatField("magic", at: IndexImageField.magic, 8, "\"FENCEIDX\" in ASCII"),
      FormatField("formatVersion", at: IndexImageField.formatVersion, 4, "1"),
      FormatField(
        "checksum",
        at: IndexImageField.checksum,
        4,
        "CRC32C of everything from byte 16 to the end of the table of pages"
      ),
      FormatField("storeID", at: IndexImageField.storeID, 16, "that of the segments"),
      FormatField("hashSeed", at: IndexImageField.hashSeed, 8, "seed of the keys' hashes"),
      FormatField(
        "start",
        at: IndexImageField.start,
        8,
        "position from which the journal has to be read"
      ),
      FormatField(
        "startSequence",
        at: IndexImageField.startSequence,
        8,
        "no transaction from there on has a lower sequence"
      ),
      FormatField("end", at: IndexImageField.end, 8, "position that the journal has to reach"),
      FormatField(
        "endSequence",
        at: IndexImageField.endSequence,
        8,
        "sequence of the transaction that may stand there"
      ),
      FormatField("bucketCount", at: IndexImageField.bucketCount, 8, "N"),
      FormatField("wordCount", at: IndexImageField.wordCount, 8, "words in all pages"),
      FormatField(
        "overflowCount",
        at: IndexImageField.overflowCount,
        8,
        "buckets of 7 words beyond N that the words need"
      ),
      FormatField(
        "journalBytes",
        at: IndexImageField.journalBytes,
        8,
        "bytes that were ever written to the journal, up to `start`"
      ),
      FormatField(
        "imageBytes",
        at: IndexImageField.imageBytes,
        8,
        "bytes of all images that were ever written, this one included"
      ),
      FormatField("segmentCount", at: IndexImageField.segmentCount, 4, "rows of the first table"),
      FormatField("pageCount", at: IndexImageField.pageCount, 4, "rows of the second table"),
      FormatField("pagesStart", at: IndexImageField.pagesStart, 8, "where the first page stands"),
      FormatField("unitBits", at: IndexImageField.unitBits, 4, "bits of a word that are its unit"),
      FormatField(
        "changesLink",
        at: IndexImageField.changesLink,
        4,
        "the link of the first file of changes behind `start`"
      ),
      FormatField(
        "firstChanges",
        at: IndexImageField.firstChanges,
        4,
        "number of that file; 0 for none"
      ),
      FormatField(
        "lastChanges",
        at: IndexImageField.lastChanges,
        4,
        "number of the file of changes that ends at `end`"
      ),
      FormatField(
        "reserved",
        at: IndexImageField.reserved,
        IndexImageField.headerEnd - IndexImageField.reserved,
        "zero"
      ),
    ]
  )

  package static let indexImageSegment = FormatTable(
    title: "Row of an index image's table of segments",
    fields: [
      FormatField("segmentID", at: IndexImageSegmentField.segmentID, 4, "the segment's number"),
      FormatField(
        "identity",
        at: IndexImageSegmentField.identity,
        4,
        "CRC32C of its binding, firstSequence and predecessorEnd"
      ),
      FormatField("firstUnit", at: IndexImageSegmentField.firstUnit, 8, "unit of its first byte"),
      FormatField(
        "end",
        at: IndexImageSegmentField.end,
        8,
        "words lead to records before this offset; 0 where none do. With bit 63, words are being led there"
      ),
      FormatField(
        "liveBytes",
        at: IndexImageSegmentField.liveBytes,
        8,
        "bytes of its records that were the newest of their keys at `end` of the image"
      ),
      FormatField(
        "tombstoneBytes",
        at: IndexImageSegmentField.tombstoneBytes,
        8,
        "bytes of its delete records up to there"
      ),
    ]
  )

  package static let indexImageRow = FormatTable(
    title: "Row of an index image's table of pages",
    fields: [
      FormatField("firstBucket", at: IndexImageRowField.firstBucket, 4, "first bucket in the page"),
      FormatField(
        "overflowBefore",
        at: IndexImageRowField.overflowBefore,
        4,
        "overflow buckets that the pages before need"
      ),
    ]
  )

  package static let indexImagePage = FormatTable(
    title: "Page of an index image",
    fields: [
      FormatField(
        "checksum",
        at: IndexImagePageField.checksum,
        4,
        "CRC32C of storeID, startSequence, start, number of the page (4 bytes), bytes 4 to the last word"
      ),
      FormatField("bucketCount", at: IndexImagePageField.bucketCount, 2, "buckets in the page"),
      FormatField("wordCount", at: IndexImagePageField.wordCount, 2, "words in the page"),
      FormatField(
        "counts",
        at: IndexImagePageField.counts,
        nil,
        "a byte for each bucket: its words"
      ),
      FormatField("words", at: nil, nil, "bucket after bucket; the last 8 bytes hold none"),
    ]
  )

  package static let indexChanges = FormatTable(
    title: "Changes of the index",
    fields: [
      FormatField("magic", at: IndexChangesField.magic, 8, "\"FENCECHG\" in ASCII"),
      FormatField("formatVersion", at: IndexChangesField.formatVersion, 4, "1"),
      FormatField(
        "checksum",
        at: IndexChangesField.checksum,
        4,
        "CRC32C of everything from byte 16 to the end of the last change"
      ),
      FormatField("storeID", at: IndexChangesField.storeID, 16, "that of the segments"),
      FormatField("hashSeed", at: IndexChangesField.hashSeed, 8, "that of the image"),
      FormatField("number", at: IndexChangesField.number, 4, "that in the file's name"),
      FormatField(
        "link",
        at: IndexChangesField.link,
        4,
        "checksum of the file before, or what the image says"
      ),
      FormatField("end", at: IndexChangesField.end, 8, "as in the header of an image"),
      FormatField(
        "endSequence",
        at: IndexChangesField.endSequence,
        8,
        "as in the header of an image"
      ),
      FormatField(
        "journalBytes",
        at: IndexChangesField.journalBytes,
        8,
        "bytes that were ever written to the journal, up to `end`"
      ),
      FormatField(
        "imageBytes",
        at: IndexChangesField.imageBytes,
        8,
        "bytes of all images and changes that were ever written, these included"
      ),
      FormatField("changeCount", at: IndexChangesField.changeCount, 8, "changes"),
      FormatField("wordCount", at: IndexChangesField.wordCount, 8, "words of the table at `end`"),
      FormatField(
        "segmentCount",
        at: IndexChangesField.segmentCount,
        4,
        "rows of the table of segments"
      ),
      FormatField(
        "removalCount",
        at: IndexChangesField.removalCount,
        4,
        "changes whose `new` is 0"
      ),
      FormatField(
        "changesLength",
        at: IndexChangesField.changesLength,
        8,
        "bytes of all changes; 24 zero bytes follow at least"
      ),
      FormatField(
        "reserved",
        at: IndexChangesField.reserved,
        IndexChangesField.headerEnd - IndexChangesField.reserved,
        "zero"
      ),
    ]
  )

  package static let indexChange = FormatTable(
    title: "Change of a word of the index",
    fields: [
      FormatField(
        "form",
        at: IndexChangeField.form,
        1,
        "bits 0-2 bytes of `old`, bit 3 it is a distance; bits 4-6 and 7 the same for `new`"
      ),
      FormatField("hash", at: IndexChangeField.hash, 4, "low bits of the hash of the word's key"),
      FormatField(
        "old",
        at: IndexChangeField.old,
        nil,
        "0 to 5 bytes: the unit to which the word led, 0 for none, or its distance d from the last one that was not 0, as 2d, or -2d - 1 where it is negative"
      ),
      FormatField(
        "new",
        at: nil,
        nil,
        "0 to 5 bytes: the unit to which it leads, 0 where it is gone, or its distance"
      ),
    ]
  )
}
