// A small table in front of an image: the handle of a reader that has just been opened. The table holds what
// was written since the image was made, deletes included: a word that leads to a delete record says that
// what the image has of its key is over.
//
// Invariant: one thread at a time changes the table. Whoever reads asks the table first, then the image, and
// then whether the image is still in use; where it is not, the table has everything.

internal import JournalFormat
internal import Synchronization

extension HashIndex {
  /// Puts an image behind the table.
  ///
  /// - Parameters:
  ///   - image: where keys are looked up that the table does not have.
  ///   - wordCount: how many such keys it has.
  func attach(_ image: IndexImage, wordCount: Int) {
    keptImage = image
    imageCount.store(wordCount, ordering: .relaxed)
    hadImage.store(true, ordering: .relaxed)
    imageAddress.store(
      unsafe UInt(bitPattern: Unmanaged.passUnretained(image).toOpaque()),
      ordering: .releasing
    )
  }

  /// Whether keys are looked up in an image.
  @inline(__always)
  var usesImage: Bool { imageAddress.load(ordering: .acquiring) != 0 }

  /// Whether keys are looked up in an image, or words may still lead to deletes because of one.
  @inline(__always)
  var hasImage: Bool { hadImage.load(ordering: .acquiring) }

  /// No word leads to a delete any more.
  func noteImageGone() { hadImage.store(false, ordering: .releasing) }

  /// The image in use.
  @inline(__always)
  var image: IndexImage? {
    let address = imageAddress.load(ordering: .acquiring)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: address) else { return nil }
    // SAFETY: `keptImage` lives as long as self.
    return unsafe Unmanaged<IndexImage>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// Points a key to a put at `unit`.
  ///
  /// - Parameters:
  ///   - hash: the key's.
  ///   - unit: where the record stands.
  ///   - map: the store's.
  ///   - counts: as for ``set(_:_:to:counts:)``.
  ///   - matches: whether the record at a unit has the key.
  /// - Returns: the put to which it pointed before; 0 where it had none.
  /// - Throws: what `matches` throws; nothing has changed then.
  @inline(__always)
  func put<E: Error>(
    _ hash: UInt64,
    at unit: UInt64,
    _ map: SegmentMap,
    counts: Bool = true,
    matches: (UInt64) throws(E) -> Bool
  ) throws(E) -> UInt64 {
    growIfNeeded()
    let place = unsafe try locate(hash, matches: matches)
    let old =
      imageAddress.load(ordering: .relaxed) == 0
      ? unsafe place.unit : unsafe notePut(place, hash, unit, map, matches)
    unsafe set(place, hash, to: unit, counts: counts)
    return old
  }

  /// Takes a key's put away.
  ///
  /// - Parameters:
  ///   - hash: the key's.
  ///   - unit: where the delete record stands.
  ///   - map: the store's.
  ///   - counts: as for ``set(_:_:to:counts:)``.
  ///   - matches: whether the record at a unit has the key.
  /// - Returns: the put to which it pointed before; 0 where it had none.
  /// - Throws: what `matches` throws; nothing has changed then.
  @inline(__always)
  func delete<E: Error>(
    _ hash: UInt64,
    at unit: UInt64,
    _ map: SegmentMap,
    counts: Bool = true,
    matches: (UInt64) throws(E) -> Bool
  ) throws(E) -> UInt64 {
    let place = unsafe try locate(hash, matches: matches)
    let old = unsafe place.unit
    if imageAddress.load(ordering: .relaxed) == 0 {
      unsafe remove(place, hash, counts: counts)
      return old
    }
    return unsafe noteDelete(place, hash, unit, map, matches)
  }

  /// Whether there is a word for a key, here or in the image.
  func contains<E: Error>(
    _ hash: UInt64,
    _ matches: (UInt64) throws(E) -> Bool
  ) throws(E) -> Bool {
    if try search(hash, matches) { return true }
    return unitInImage(hash, matches) != 0
  }

  private func unitInImage<E: Error>(
    _ hash: UInt64,
    _ matches: (UInt64) throws(E) -> Bool
  ) -> UInt64 {
    var found: UInt64 = 0
    let answer = image?.search(hash) { (unit) in
      let isKey = (try? matches(unit)) ?? false
      if isKey { found = unit }
      return isKey
    }
    if answer == .damaged { hasMetDamage = true }
    return found
  }

  private func notePut<E: Error>(
    _ place: Place,
    _ hash: UInt64,
    _ unit: UInt64,
    _ map: SegmentMap,
    _ matches: (UInt64) throws(E) -> Bool
  ) -> UInt64 {
    let own = unsafe place.unit
    if own == 0, leavesPutsUnsettled {
      unsettledPuts.append((hash, unit))
      return 0
    }
    if own == 0 {
      let old = unitInImage(hash, matches)
      if old != 0 { imageCount.addAsOnlyWriter(-1) }
      return old
    }
    guard map.isDelete(own) else { return own }
    imageCount.addAsOnlyWriter(1)
    return 0
  }

  private func noteDelete<E: Error>(
    _ place: Place,
    _ hash: UInt64,
    _ unit: UInt64,
    _ map: SegmentMap,
    _ matches: (UInt64) throws(E) -> Bool
  ) -> UInt64 {
    let own = unsafe place.unit
    if own != 0 {
      if map.isDelete(own) { return 0 }
      imageCount.addAsOnlyWriter(-1)
      deletes.append((hash, unit))
      unsafe set(place, hash, to: unit)
      return own
    }
    let old = unitInImage(hash, matches)
    guard old != 0 else { return 0 }
    imageCount.addAsOnlyWriter(-2)
    deletes.append((hash, unit))
    growIfNeeded()
    unsafe set(locate(hash, matches: { _ in false }), hash, to: unit)
    return old
  }

  /// From here on puts are counted at once.
  func endLeavingPutsUnsettled() {
    leavesPutsUnsettled = false
    hasUnsettledPuts.store(!unsettledPuts.isEmpty, ordering: .releasing)
  }

  /// Looks up what the image has of keys that were put while nobody did, and counts it out.
  ///
  /// - Complexity: O(puts), three cache misses and perhaps two page faults for each.
  func settlePuts(_ map: SegmentMap) {
    for (hash, unit) in unsettledPuts {
      let old = unitInImage(hash) { (candidate) throws(StoreError) in
        try map.keysMatch(candidate, unit)
      }
      guard old != 0 else { continue }
      imageCount.addAsOnlyWriter(-1)
      map.countDead(old)
    }
    noteSettled()
  }

  private func noteSettled() {
    unsettledPuts = []
    hasUnsettledPuts.store(false, ordering: .releasing)
  }

  /// Takes over every word of the image, which is not used any more then.
  ///
  /// - Returns: false where a page does not hold; the image stays in use.
  /// - Throws: what is wrong with a record that may be newer than what the image has of its key: beside it
  ///   the older one would be the first whole one. The image stays in use.
  /// - Complexity: O(words).
  func takeOverImage(_ map: SegmentMap) throws(StoreError) -> Bool {
    guard let image else { return true }
    settlePuts(map)
    var failure: StoreError?
    for page in 0..<image.header.pageCount {
      var bucket = 0
      let holds = image.forEachWord(inPage: page) {
        bucket = $0
      } word: { (word) in
        let hash = Self.hash(of: word, inBucket: bucket)
        let unit = Self.unit(word)
        growIfNeeded()
        guard failure == nil, hasMemoryForKey else {
          failure = failure ?? .noMemory(beside: map)
          return
        }
        do throws(StoreError) {
          let place = unsafe try locate(hash) { (candidate) throws(StoreError) in
            try map.keysMatch(candidate, unit)
          }
          if unsafe place.isFound { return }
          unsafe set(place, hash, to: unit)
          imageCount.addAsOnlyWriter(-1)
        } catch {
          failure = failure ?? error
        }
      }
      if let failure { throw failure }
      guard holds else { return false }
    }
    imageAddress.store(0, ordering: .releasing)
    removeDeletes()
    return true
  }

  /// Ends the use of the image: the table has everything.
  func dropImage() {
    imageAddress.store(0, ordering: .releasing)
    imageCount.store(0, ordering: .relaxed)
    deletes = []
    noteSettled()
  }

  /// Removes words that lead to delete records.
  private func removeDeletes() {
    for (hash, unit) in deletes { unsafe remove(locate(hash) { $0 == unit }, hash) }
    imageCount.store(0, ordering: .relaxed)
    deletes = []
    noteImageGone()
  }
}

extension SegmentMap {
  /// Whether the record at `unit` is a delete.
  func isDelete(_ unit: UInt64) -> Bool { header(at: unit).kind == .delete }

  /// Whether two records have the same key; one that can't be read has none.
  func surelyHaveSameKey(_ one: UInt64, _ other: UInt64) -> Bool {
    (try? keysMatch(one, other)) ?? false
  }
}
