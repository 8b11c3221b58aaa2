// The mutants, one list for C and Swift: FL_MUTANT_CASE(name, part, what it drops or weakens). No
// include guard: whoever includes this says what to make of a case.
//
// The comment before a case says what should break. "After a crash" and "damage" tell two
// laboratories apart: a step that only tells damage from an unfinished write is needed by no crash.

// Copy core

// A durable record's first line is lost by power failure.
FL_MUTANT_CASE(partialHeadUnflushed, "copy core",
               "the first, partly covered line of a flushed copy is not flushed")
// A durable record's last line, its pad included, is lost by power failure.
FL_MUTANT_CASE(partialTailUnflushed, "copy core",
               "the last, partly covered line of a flushed copy is not flushed")
// Where a CPU keeps a line that a non-temporal store hits, a durable record is lost.
FL_MUTANT_CASE(wholeLinesUnflushed, "copy core",
               "whole lines that are streamed under the strict policy are not flushed")
// A mark, a header or the last buffered record is lost after a sync.
FL_MUTANT_CASE(flushLeavesOutLastLine, "copy core", "a flush of a range leaves out its last line")
// A mark, a header or the first buffered record is lost after a sync.
FL_MUTANT_CASE(flushLeavesOutFirstLine, "copy core", "a flush of a range leaves out its first line")
// Nothing that was acknowledged is certain.
FL_MUTANT_CASE(fenceDoesNothing, "copy core", "a fence does nothing")

// Medium: mapped

// What a sync covered is lost.
FL_MUTANT_CASE(persistUnflushed, "medium", "a sync fences and does not flush what was buffered")
// What a sync or a durable commit covered is lost.
FL_MUTANT_CASE(persistUnfenced, "medium", "a sync flushes and does not fence")
// Of what a sync covered all but the end is lost.
FL_MUTANT_CASE(persistFlushesLastLineOnly, "medium",
               "a sync flushes only the last line of what was buffered")
// A published segment without a header; a mark that never came.
FL_MUTANT_CASE(writeThroughUnflushed, "medium", "headers and marks are not flushed")
// The same.
FL_MUTANT_CASE(writeThroughUnfenced, "medium", "headers and marks are flushed and not fenced")
// What a later sync covered is lost; a batch start claims an order that was none.
FL_MUTANT_CASE(writeBehindUnfenced, "medium", "early write-back counts as durable without a fence")
// The same.
FL_MUTANT_CASE(writeBehindUnflushed, "medium", "early write-back counts as durable without a flush")
// What recovery accepted, and a later commit builds on, is lost by the next power failure.
FL_MUTANT_CASE(acceptedUnflushed, "medium", "what recovery accepts is fenced and not flushed again")

// Medium: files

// What a sync or a durable commit covered is lost.
FL_MUTANT_CASE(journalUnsynced, "medium", "journal data is written to the file and not synced")
// A published segment without a header; a mark that never came.
FL_MUTANT_CASE(writeThroughUnsynced, "medium",
               "headers and marks are written to the file and not synced")
// A commit is acknowledged that the device refused.
FL_MUTANT_CASE(syncErrorSwallowed, "medium", "an error of fdatasync is taken for success")
// What recovery accepted from the page cache never reaches the device where a sync has failed.
FL_MUTANT_CASE(acceptedNotWrittenAgain, "medium",
               "what recovery accepts is synced and not written to the file again")
// A commit is acknowledged behind a hole that a failed sync left.
FL_MUTANT_CASE(failedHandleGoesOn, "medium", "a handle goes on writing after a failed sync")

// Journal: records and transactions

// A crash is taken for damage: the record behind a torn one claims that it was fenced.
FL_MUTANT_CASE(batchStartUnproven, "journal",
               "every record on a new line claims that all before it was fenced")
// Earlier buffered transactions are lost although a later durable one is there.
FL_MUTANT_CASE(durableCommitFlushesOwnOnly, "journal",
               "a durable commit does not flush the buffered records before it")
// Whole transactions are lost.
FL_MUTANT_CASE(beginMarkMissing, "journal",
               "the first of several records of a transaction has no begin mark")
// A transaction happens in part.
FL_MUTANT_CASE(transactionSplit, "journal",
               "every record of a transaction begins and ends one of its own")
// A transaction happens in part.
FL_MUTANT_CASE(tornTransactionAccepted, "journal",
               "the scan takes the records of a transaction without its end mark")
// Damage only: a record is missing from the middle of a transaction and nobody notices.
FL_MUTANT_CASE(transactionCountUnchecked, "journal",
               "the scan does not compare the number of a transaction's records")
// A record comes back that a recovery had reported as lost, or an older one behind a newer.
FL_MUTANT_CASE(sequenceUnchecked, "journal", "the scan does not compare sequences")
// Damage only: nothing that a writer makes breaks these rules.
FL_MUTANT_CASE(batchRulesUnchecked, "journal",
               "the reader takes a batch start off a line and a pad without a batch start")
// Damage only.
FL_MUTANT_CASE(sealUnchecked, "journal", "the reader goes on behind a seal")

// Journal: checksums and what they are bound to

// A torn record is a wrong value.
FL_MUTANT_CASE(bodyUnchecked, "journal", "the reader does not compare a record's checksum")
// A torn long value is a wrong value.
FL_MUTANT_CASE(chunksUnchecked, "journal",
               "the reader does not compare the checksums of a long value's chunks")
// A torn header's lengths and flags are used; the record's own checksum covers them too.
FL_MUTANT_CASE(recordHeaderUnchecked, "journal",
               "the reader does not compare a record header's check")
// Damage only: a record's bytes may lie behind the stated end, or trap behind the file's.
FL_MUTANT_CASE(recordLengthUnchecked, "journal", "a record may end behind the limit")
// A torn pad hides that the record behind it is missing.
FL_MUTANT_CASE(padUnchecked, "journal", "the reader does not compare a pad's checksum")
// A segment whose header is torn is taken for history.
FL_MUTANT_CASE(segmentHeaderUnchecked, "journal",
               "the reader does not compare a segment header's checksum")
// A torn mark claims an end that never was.
FL_MUTANT_CASE(closeMarkUnchecked, "journal",
               "the reader does not compare the close mark's checksum")
// A value that holds a copy of a record is taken for one where reading goes on behind damage.
FL_MUTANT_CASE(offsetUnbound, "journal", "checksums are not bound to the offset")
// Damage only: a segment's bytes are valid in another one.
FL_MUTANT_CASE(segmentUnbound, "journal", "checksums are not bound to the segment's number")
// Damage only, as long as no file is used again.
FL_MUTANT_CASE(incarnationUnbound, "journal", "checksums are not bound to the incarnation")
// Damage only: another store's bytes are valid in this one.
FL_MUTANT_CASE(storeUnbound, "journal", "checksums are not bound to the store")

// Journal: rotation and closing

// What was synced before is lost, or the stated end of the predecessor lies behind its last record.
FL_MUTANT_CASE(sealUnpersisted, "journal",
               "a rotation does not persist the predecessor's last records and its seal")
// A crash is taken for damage: the successor states an end that is not there yet.
FL_MUTANT_CASE(sealPersistedLate, "journal",
               "a rotation persists the predecessor behind the successor's header and name")
// A published segment without a header: a crash is taken for damage.
FL_MUTANT_CASE(successorHeaderLate, "journal",
               "a rotation makes the successor's header durable behind its name")
// The successor is gone, with everything that was synced in it.
FL_MUTANT_CASE(successorNameUnsynced, "journal", "a rotation does not synchronise the directory")
// Damage only: a newest segment that is gone is not missed.
FL_MUTANT_CASE(followedMarkMissing, "journal",
               "a rotation does not mark the predecessor as followed")
// A crash is taken for damage: the mark states an end that is not there yet.
FL_MUTANT_CASE(closeMarkFirst, "journal", "a close writes its mark before the records are durable")
// A store that was closed does not say so after a power failure, or what came behind the record is
// lost with it.
FL_MUTANT_CASE(closeRecordUnpersisted, "journal", "a close does not make its record durable")
// A lost record comes back: the next session writes behind bytes that it takes for untouched.
FL_MUTANT_CASE(openMarkMissing, "journal",
               "the first write behind a close does not mark the segment open")

// Recovery

// What recovery accepted is lost by the next power failure, behind a header that states its end.
FL_MUTANT_CASE(acceptedNotDurable, "recovery", "what a recovery accepts is not made durable again")
// The same behind a close record that its process did not live to fence.
FL_MUTANT_CASE(closedNotDurable, "recovery", "what an orderly close left is not made durable again")
// A torn record's bytes and a new record have one sequence.
FL_MUTANT_CASE(usedSequencesReissued, "recovery",
               "sequences that lost records may have used are given again")
// Damage only, as long as every recovery makes a new segment.
FL_MUTANT_CASE(incarnationKept, "recovery", "a recovery does not raise the incarnation")
// A published segment without a header: a crash is taken for damage.
FL_MUTANT_CASE(firstHeaderLate, "recovery",
               "the header of a store's or a recovery's first segment is durable behind its name")
// The segment is gone, with everything that was synced in it.
FL_MUTANT_CASE(firstNameUnsynced, "recovery",
               "the directory is not synchronised behind a store's or a recovery's first segment")
// The whole store is gone.
FL_MUTANT_CASE(storeNameUnsynced, "recovery",
               "the name of a new store's directory is not made durable")
// Damage only: a newest segment that is gone is not missed.
FL_MUTANT_CASE(recoveryMarkMissing, "recovery",
               "a recovery does not mark the segment that it follows")
// A crash is taken for damage: the predecessor says that it is followed, and nothing follows.
FL_MUTANT_CASE(replacedRemovedFirst, "recovery",
               "an empty segment is removed before the one that replaces it is durable")
// An empty segment that was replaced passes for the newest once that one is lost.
FL_MUTANT_CASE(replacedUnmarked, "recovery",
               "a segment that was replaced is removed without a mark that says so")
// A lost record comes back behind the new ones.
FL_MUTANT_CASE(tornSegmentContinued, "recovery",
               "a recovery goes on behind the torn end of a segment")
// A record comes back that a recovery had reported as lost.
FL_MUTANT_CASE(statedEndIgnored, "recovery",
               "a segment is read beyond the end that its successor states")
// A lost record comes back behind the new ones.
FL_MUTANT_CASE(openMarkIgnored, "recovery",
               "a close record counts although the mark says that the segment is open")
// Damage only: a segment that was emptied behind a durable end looks like an unfinished write.
FL_MUTANT_CASE(closeMarkProvesNothing, "recovery", "the end that a close mark states is not missed")
// Damage only.
FL_MUTANT_CASE(batchStartProvesNothing, "recovery",
               "a valid batch start behind a failing record does not make it damage")
// Damage only: a newest segment that is gone is not missed.
FL_MUTANT_CASE(followedMarkIgnored, "recovery",
               "a newest segment that says it is followed is the newest")

// Compaction

// The past shows a state that never was: versions that it had are gone.
FL_MUTANT_CASE(retainedVersionForgotten, "compaction",
               "a compaction leaves out the version before the window that the window superseded")
// The same, for keys that the window has overwritten.
FL_MUTANT_CASE(historyNotNoted, "compaction",
               "a compacted segment does not say from where on the past is whole")
// What a lost buffered commit had superseded is lost with it.
FL_MUTANT_CASE(compactionUnsynced, "compaction",
               "a compacted segment is published before what its sources' dead records died of is durable")
// Records are lost that were durable.
FL_MUTANT_CASE(compactedUnpersisted, "compaction",
               "the records of a compacted segment are not made durable")
// A published segment without a header: a crash is taken for damage.
FL_MUTANT_CASE(compactedHeaderLate, "compaction",
               "a compacted segment's header is durable behind its name")
// The sources are gone, and so is what took their place.
FL_MUTANT_CASE(compactedNameUnsynced, "compaction",
               "sources are removed before the directory is synchronised")
// A delete comes undone.
FL_MUTANT_CASE(tombstonesDropped, "compaction",
               "a compaction keeps no delete record, whatever older segments hold")
// What is left of the sources is read: records are missing.
FL_MUTANT_CASE(compactedIgnored, "compaction",
               "a segment that is still there is read although a compacted one covers it")

// Index image

// A key that was put twice while the image was made has two words: one survives its delete.
FL_MUTANT_CASE(imageWordsUnlimited, "index image",
               "words are kept that lead behind the image's start")
// What changed while the image was made is missed.
FL_MUTANT_CASE(imageReplayLate, "index image",
               "the journal is read from the image's end, not from its start")
// A key whose delete was lost has no word.
FL_MUTANT_CASE(imageUnsynced, "index image",
               "an image is published before what it knows of is durable")
FL_MUTANT_CASE(imageEndUnchecked, "index image",
               "an image counts although the journal ends before it")
FL_MUTANT_CASE(imageHeaderUnchecked, "index image",
               "the checksum of an image's header and tables is not compared")
FL_MUTANT_CASE(imagePageUnchecked, "index image",
               "the checksums of an image's pages are not compared")

// Changes behind an index image

// Words that a compaction led to its copies are left out, and so are their keys.
FL_MUTANT_CASE(adoptedUnnoted, "index changes",
               "changes do not name the segment that a compaction is pointing keys to")
// Words lead behind what power failure left of the journal.
FL_MUTANT_CASE(changesTrusted, "index changes",
               "a reader believes changes whose journal it has not read")
// A reader gives a deleted key the value that it had in the image.
FL_MUTANT_CASE(removedShown, "index changes",
               "a reader looks keys up in the image that changes took away")
FL_MUTANT_CASE(changesUnchecked, "index changes",
               "the checksum of a file of changes is not compared")
// Words go on leading to segments that are gone, and their keys with them.
FL_MUTANT_CASE(moveUnnoted, "index changes",
               "that a compaction moved a record is noted in no changes")
// What a recovery read is not there at the next one.
FL_MUTANT_CASE(replayUnnoted, "index changes",
               "what an opening reads behind changes is noted in none")
// A delete comes undone.
FL_MUTANT_CASE(removalsIgnored, "index changes",
               "a compacted segment is read beside changes that took its keys away")
// Words that led there are added again, and lead on from it in the changes as well: keys have two.
FL_MUTANT_CASE(adoptedForgotten, "index changes",
               "a segment to which a compaction was pointing keys is read as if none led there")
// Where that segment is lost, so are the keys, although their records are there.
FL_MUTANT_CASE(adoptedUnmissed, "index changes",
               "nobody misses a segment to which a compaction was pointing keys")
// What a value had hidden comes back, or the value itself.
FL_MUTANT_CASE(expiredForgotten, "expiry",
               "what has ended is removed from the index, without a delete in the journal")
// Who was told of a change knows what the store does not have any more.
FL_MUTANT_CASE(changesToldEarly, "feed",
               "the writer's feed hands out what is committed and not durable")
FL_MUTANT_CASE(changesToldUnflushed, "feed",
               "a reader's feed makes nothing durable before it hands it out")
// A backup has what the store does not have any more.
FL_MUTANT_CASE(backupSourceUnsynced, "backup",
               "a backup makes nothing durable in the store before it copies it")
// A manifest names what is not there.
FL_MUTANT_CASE(backupFileUnsynced, "backup",
               "a backup's files are not made durable before they are named")
FL_MUTANT_CASE(backupPartsUnsynced, "backup",
               "the directory is not synchronised before the manifest is named")
// The backup that a call returned from is gone, or half of the one before is.
FL_MUTANT_CASE(backupManifestUnsynced, "backup",
               "the directory is not synchronised before old files are removed")

// Namespaces

// What slips in behind the drop is told to have been written, and is gone.
FL_MUTANT_CASE(namespaceUncheckedUnderLock, "namespaces",
               "a write does not ask under the lock whether its namespace was dropped")
// Keys of a namespace that is there go.
FL_MUTANT_CASE(sweepTakesLiving, "namespaces",
               "what is deleted behind a drop is not compared with the catalogue")
// A crash leaves a namespace without its keys.
FL_MUTANT_CASE(dropUnsynced, "namespaces",
               "a drop is shown, and passed over by feeds, before it is durable")
