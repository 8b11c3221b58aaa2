import DamageLab
import SystemPackage
let scratch = FilePath("/dev/shm/damage-try")
try Files.makeDirectory(scratch)
let stores = try SampleStore.all(seed: 1, in: scratch)
for store in stores { print(store.name, store.files.map { ($0.name, $0.contents.count) }, store.history.transactions.count, store.history.keys.count) }
let again = try SampleStore.all(seed: 1, in: scratch)
for (a, b) in zip(stores, again) { print(a.files == b.files) }
let plan = DamagePlan(for: stores)
for group in plan.groups { print(group.name, group.count) }
print(plan.count)
let lab = try DamageLab(plan, in: scratch)
let step = Int(CommandLine.arguments[1]) ?? 1009
let clock = ContinuousClock()
let start = clock.now
var n = 0
var depth = CheckDepth()
for number in stride(from: 0, to: plan.count, by: step) {
  let image = plan.image(number)
  n += 1
  depth.exports = n % 100 == 0
  if let finding = try lab.check(image, depth) { print(image.name, finding) }
}
print(n, clock.now - start, (clock.now - start) / n)
for index in 0..<TallyRow.count(stores: 3) {
  let row = TallyRow(index: index)
  if lab.tally[row, .images] == 0 { continue }
  print(row.store, row.name, Counter.allCases.map { lab.tally[row, $0] })
}
