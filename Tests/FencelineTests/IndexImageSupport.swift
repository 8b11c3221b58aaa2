// What tests of index images share: stores that have one, changed image files, and the comparison with
// a store that has none.

import Fenceline
import Foundation
import JournalFormat
import SystemPackage
import Testing

@testable import Fenceline

extension StoreOptions {
  /// Small segments, and images where a test asks for them.
  static var imagedSegments: StoreOptions {
    var options = StoreOptions.smallSegments
    options.writesIndexImages = false
    options.segmentOptions.fewestChanges = 1
    return options
  }

  /// Small segments, and images as the policy wants them, from 64 KiB of journal on.
  static var earlyImages: StoreOptions {
    var options = StoreOptions.smallSegments
    options.segmentOptions.smallestImagedJournal = 64 << 10
    return options
  }
}

extension Scratch {
  /// The image of the store; nil where there is none.
  func image() -> Data? { try? Data(contentsOf: url(IndexImage.fileName)) }

  /// The numbers of the files of changes.
  func changeFiles() throws -> [UInt32] {
    try FileManager.default.contentsOfDirectory(atPath: store.string)
      .compactMap(ChangeFile.number(of:)).sorted()
  }

  /// Puts an image into the store in the way of the library: under the name of another file.
  func putImage(_ data: Data?) throws {
    try? FileManager.default.removeItem(at: url(IndexImage.fileName))
    if let data { try data.write(to: url(IndexImage.fileName)) }
  }
}

extension Data {
  /// The header of an image.
  var imageHeader: IndexImageHeader? {
    IndexImageHeader(decoding: unsafe [UInt8](self).span.bytes)
  }

  /// Gives changed tables of an image a matching checksum.
  mutating func sealImage() {
    guard let header = imageHeader, header.rowsEnd <= count else { return }
    store(crc32c(IndexImageField.storeID..<header.rowsEnd), at: IndexImageField.checksum)
  }
}

extension Store {
  /// Live and tombstone bytes of every segment.
  var usage: [[Int]] { map.segments.map { [$0.usage.liveBytes, $0.usage.tombstoneBytes] } }
}

/// Whether a store gives every key of `model` its value, and the keys of `absent` none.
func show(
  _ store: Store,
  _ model: [[UInt8]: [UInt8]],
  absent: [[UInt8]] = [],
  _ what: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  func note(_ text: String) {
    Issue.record("\(what()): \(text)", sourceLocation: sourceLocation)
  }
  do {
    for (key, value) in model {
      let found = try store.get(key)
      if found != value { note("\(String(decoding: key, as: UTF8.self)) is \(found ?? [])") }
    }
    for key in absent where model[key] == nil {
      if try store.get(key) != nil { note("\(String(decoding: key, as: UTF8.self)) is back") }
    }
    let count = try store.count
    if count != model.count { note("\(count) keys for \(model.count)") }
  } catch {
    note("\(error)")
  }
}

/// Whether an opening of the store for reading gives what it gives without an image: before and after the
/// image is taken over, counters included.
///
/// - Returns: whether the image was used.
@discardableResult
func expectSameWithoutImage(
  _ scratch: Scratch,
  _ model: [[UInt8]: [UInt8]],
  absent: [[UInt8]] = [],
  _ what: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> Bool {
  let copy = try scratch.copyOfFiles()
  defer { try? FileManager.default.removeItem(atPath: copy.string) }
  let image = copy.appending(IndexImage.fileName).string
  try? FileManager.default.removeItem(atPath: image)
  let plain = try Store.openReadOnly(at: copy)
  #expect(plain.index.image == nil)
  let reader = try Store.openReadOnly(at: scratch.store)
  let usesImage = reader.index.image != nil
  func compare(_ moment: String) throws {
    let place = "\(what()), \(moment)"
    show(reader, model, absent: absent, place, sourceLocation: sourceLocation)
    let live = try [reader, plain].map { try $0.statistics().space.liveBytes }
    #expect(live[0] == live[1], "\(place)", sourceLocation: sourceLocation)
    #expect(reader.usage == plain.usage, "\(place)", sourceLocation: sourceLocation)
  }
  try compare("looked up")
  #expect(try reader.dictionary() == model, "\(what())", sourceLocation: sourceLocation)
  #expect(reader.index.image == nil, sourceLocation: sourceLocation)
  try compare("taken over")
  let words = try [reader, plain].map { (store) throws -> Int in
    var count = 0
    store.index.forEachUnit { _ in count += 1 }
    return count
  }
  #expect(words == [model.count, model.count], "\(what())", sourceLocation: sourceLocation)
  return usesImage
}
