// What --help says beside the options.

enum HelpText {
  static let workloads = """
    Without options: 1,000,000 keys of 16 bytes, values of 100 and 1000 bytes, one and two threads, \
    3 rounds, on tmpfs as forced persistent memory and on the disk below /var/tmp. Each round runs \
    the engines one after the other, each in a process and a directory of its own; figures are \
    medians over rounds. Every answer is checked.

    One transaction an operation; what is not called durable has one sync at the end.
      load, delete       every key once, in random order
      put-fresh          durable, keys that are new
      put-overwrite      durable, keys that are there
      put-maintained     the same right behind 'overwrite'
      batch              \(Plan.batch) puts in one durable transaction
      get-hit, get-miss  random keys that are there, or not
      get-zipfian        few keys often (0.99, as in YCSB)
      get-many           \(Plan.many) random keys in one call, where there is one
      ycsb-a ... ycsb-f  the six mixes of YCSB, buffered
      order              the first entry of the first walk in order
      order-later        the same after the puts before YCSB E
      scan               all entries in order, values read
      range              the same for \(Plan.range) entries from a random key on
      overwrite          random puts, \(Plan.overwrites) times as many as keys
      settle             the store's own call that gives back all space
      reopen-closed      from opening to the first answer, after a close
      reopen-killed      the same after SIGKILL
      reader-closed, reader-killed
                         the same, opened for reading only
    Maintenance runs wherever a store runs it by default.

    The engine 'floor' is the machine without any store: copying the same bytes to fresh lines and \
    a fence (strict: each line written back; trusting: not; also for the lines of a whole record), \
    one fdatasync on a disk, dependent reads of 64 bytes, streaming. 'copies' compares the copy \
    core with libpmem: keys and values packed one after the other with a fence every 100 \
    (gathered in one call; each piece and one drain; each piece and one persist over all; staged in \
    DRAM; persisted one by one), and on lines of their own with a fence each; and, with the first \
    of the value sizes and one thread, fenced copies of 8 bytes to 64 MiB beside the best of \
    several ways written by hand. Several threads have lines and files of their own each, and read \
    one memory.
    """

  static let peers = """
    The engines rocksdb, leveldb, sqlite, tkrzw-hash, tkrzw-tree and pmemlog are installed as Debian \
    packages and built into the loop; one whose package can't be had is left out, and that is said.

    Settings: defaults throughout, and for durability what each documentation says. LMDB: WRITEMAP on \
    tmpfs. SQLite: WAL, synchronous FULL for durable commits and NORMAL for others. RocksDB and \
    LevelDB: a synced log for durable writes. Tkrzw: a hard synchronize after each. pmemlog is a log \
    of a fixed size: it only appends, always durably.

    What the others leave out: none of them writes a line back or fences on tmpfs, where their syncs \
    do nothing (pmemlog does both). LMDB and Tkrzw keep no checksums, SQLite only in its log, LevelDB \
    checks none at a read by default, RocksDB checks blocks as it loads them into its cache. \
    Fenceline checks every value at every read and writes back every line under the strict policy.
    """
}
