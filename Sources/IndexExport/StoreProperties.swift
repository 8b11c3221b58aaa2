// Rows of the table "store": what the store says about itself, each with its meaning.

internal import Fenceline
internal import JournalFormat
internal import SystemPackage

/// One row.
struct StoreProperty {
  enum Value {
    case number(Int)
    case text(String)
  }

  /// Names of the properties that an update goes by.
  static let (identifierName, countName, tokenName) = ("id", "key_count", "change_token")

  let name: String
  let value: Value
  let meaning: String

  private init(_ name: String, _ value: Value, _ meaning: String) {
    self.name = name
    self.value = value
    self.meaning = meaning
  }

  /// All properties but the time of the export; `count` is that of the rows of "entries".
  static func all(
    of store: Store,
    _ statistics: StoreStatistics,
    count: Int,
    _ token: ChangeToken?
  ) -> [StoreProperty] {
    func number(_ name: String, _ value: Int, _ meaning: String) -> StoreProperty {
      StoreProperty(name, .number(value), meaning)
    }
    func flag(_ name: String, _ value: Bool, _ meaning: String) -> StoreProperty {
      StoreProperty(name, .number(value ? 1 : 0), meaning)
    }
    func text(_ name: String, _ value: String, _ meaning: String) -> StoreProperty {
      StoreProperty(name, .text(value), meaning)
    }
    var properties = [
      text(identifierName, store.identifier, "identity of the store, shared by all its segments"),
      text("path", store.path.string, "the store's directory, as the exporting program named it"),
      number(
        "format_version",
        Int(SegmentHeader.formatVersion),
        "version of the segments' format"
      ),
      number(countName, count, "rows of entries"),
      number("segment_count", statistics.segmentCount, "segment files after the export"),
      number("capacity", statistics.journalCapacityInBytes, "bytes of the segment files"),
      number("allocated", statistics.allocatedBytes, "bytes that the file system holds for them"),
      text("medium", statistics.medium, "kind of medium that the exporting program found"),
      flag("is_forced", statistics.isForced, "1: the medium was declared to be persistent memory"),
      text(
        "buffered_survival",
        statistics.bufferedSurvival.description,
        "what a commit survives before a sync"
      ),
      text(
        "durable_survival",
        statistics.durableSurvival.description,
        "what a durable or synced commit survives"
      ),
      text("copy_policy", statistics.copyPolicy, "how the exporting program writes: cache policy"),
      text("instruction_set", statistics.instructionSet, "... instructions that copy"),
      text("flush_instruction", statistics.flushInstruction, "... instruction that flushes"),
      text(
        "checksum_implementation",
        statistics.checksumImplementation,
        "... code that checksums"
      ),
      flag("was_read_only", store.isReadOnly, "1: exported from a store open for reading only"),
      flag(
        "was_closed",
        statistics.wasClosed,
        "1: it had been closed in order before it was opened"
      ),
      flag("had_torn_tail", statistics.hadTornTail, "1: opening it cut off an unfinished write"),
      number(
        "records_at_opening",
        statistics.recordCountAtOpening,
        "puts and deletes that opening it read: those behind an index image where there is one"
      ),
      number("damage_count", statistics.damageCount, "places in which the journal is damaged"),
    ]
    if let token {
      let meaning = "the index shows the store behind this transaction; an update goes on from here"
      properties.append(text(tokenName, token.description, meaning))
    }
    return properties
  }
}
