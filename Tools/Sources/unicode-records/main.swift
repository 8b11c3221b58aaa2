// Writes the sample records to the standard output: what the Swift standard library knows about
// Unicode's characters, as TSV lines in the order of the keys' bytes.
//
// Invariant: the output is a function of the standard library's Unicode version alone.

import SystemPackage
import TextFormats

var records = codePointRecords()
records.append(contentsOf: pageRecords())
records.append(contentsOf: listingRecords())
records.sort { $0.key.lexicographicallyPrecedes($1.key) }
for (earlier, later) in zip(records, records.dropFirst()) {
  precondition(earlier.key != later.key, "two records with one key: \(earlier.key)")
}

var output: [UInt8] = []
for record in records {
  appendTSVLine(key: record.key.span, value: record.value.span, to: &output)
}
_ = try FileDescriptor.standardOutput.writeAll(output)
