/*
 * fenceline.h - the C interface of Fenceline, a journaling key-value store for persistent memory.
 *
 * Link with -lfenceline (pkg-config: fenceline). The library carries everything that it needs; no
 * Swift has to be installed where it runs.
 *
 * Results      Every function that can fail returns 0 (FENCELINE_DONE), 1 (FENCELINE_NOT_FOUND) or
 *              a negative error number; fenceline_last_error() then says more in words.
 * Keys, values Byte strings with explicit lengths, 0 included; a pointer may be NULL where its
 *              length is 0. Keys up to 65,535 bytes, values up to 4,294,967,295. Everything passed
 *              in is copied before the call returns.
 * Threads      A store may be used by any number of threads at once. Reads never wait for writes;
 *              writes wait for each other. Closing is the exception: no other call may run on the
 *              store meanwhile or afterwards.
 * Visitors     A visitor runs on the calling thread, inside the call. What it is given lies in the
 *              store's own memory and is valid until it returns. It may read from the store and
 *              write to it; it must not close it, and must not leave by longjmp or an exception.
 * Signals      A store that is opened installs a handler for SIGBUS, chained to the one that was
 *              there, unless fenceline_options.leaves_sigbus says no.
 * fork()       A store belongs to the process that opened it. In a child process every call on the
 *              store gives FENCELINE_ERROR_FORKED, except fenceline_close, which only frees the
 *              child's copy. The child opens the store anew; for writing, after the parent has
 *              closed it.
 * Durability   A write is visible at once and durable after a fenceline_sync, a durable
 *              fenceline_write or a fenceline_close that returned 0. What "durable" survives
 *              depends on the medium: see fenceline_store_statistics.durable_survival.
 */
#ifndef FENCELINE_H
#define FENCELINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open store. */
typedef struct fenceline_store fenceline_store;
/* A store as it was at one moment. */
typedef struct fenceline_snapshot fenceline_snapshot;
/* A place in the history of a store, from which transactions are read. */
typedef struct fenceline_changes fenceline_changes;
/* A namespace: keys of their own in a store, or in a snapshot of one. */
typedef struct fenceline_namespace fenceline_namespace;

/* Bytes of a buffer that holds any token, with the zero behind it. */
#define FENCELINE_TOKEN_SIZE 80

/* What calls return. Numbers are never given a new meaning; later versions may add some. */
enum {
    FENCELINE_DONE = 0,
    /* There is no such key. Not an error: fenceline_last_error() stays as it was. */
    FENCELINE_NOT_FOUND = 1,
    /* The key does not have the value that was expected. Not an error either. */
    FENCELINE_DIFFERENT = 2,

    /* A null pointer, a wrong size, or a value that the header does not list. */
    FENCELINE_ERROR_INVALID_ARGUMENT = -1,
    /* There is no store at the path, and it may not be created. */
    FENCELINE_ERROR_NO_STORE = -2,
    /* The directory holds other things and no store. */
    FENCELINE_ERROR_NOT_A_STORE = -3,
    /* Another handle, in this process or another, has the store open for writing. */
    FENCELINE_ERROR_LOCKED = -4,
    /* Bytes are not what was written there; the text names file, offset and cause. */
    FENCELINE_ERROR_CORRUPT = -5,
    /* A newer version wrote the file. */
    FENCELINE_ERROR_NEWER_FORMAT = -6,
    /* The device could not read these bytes. */
    FENCELINE_ERROR_MEDIA = -7,
    /* No room is left. Everything committed stays readable. */
    FENCELINE_ERROR_FULL = -8,
    /* The operating system refused something; the text has its words. */
    FENCELINE_ERROR_SYSTEM = -9,
    /* The user may not do this. */
    FENCELINE_ERROR_PERMISSION = -10,
    /* A key is longer than 65,535 bytes. */
    FENCELINE_ERROR_KEY_TOO_LONG = -11,
    /* A value is longer than 4,294,967,295 bytes. */
    FENCELINE_ERROR_VALUE_TOO_LONG = -12,
    /* The store was opened for reading only. */
    FENCELINE_ERROR_READ_ONLY = -13,
    /* An earlier write or sync failed, so what is durable is unknown until the store is opened again. */
    FENCELINE_ERROR_POISONED = -14,
    /* The medium survives less than was required. */
    FENCELINE_ERROR_SURVIVAL = -15,
    /* This machine can't do what the environment forces. */
    FENCELINE_ERROR_UNAVAILABLE = -16,
    /* The store was opened by another process, of which this one is a child. */
    FENCELINE_ERROR_FORKED = -17,
    /* The buffer is too small; nothing was copied, and the length says what is needed. */
    FENCELINE_ERROR_BUFFER_TOO_SMALL = -18,
    /* The store takes 8 TiB, or has had every number of a namespace, and can't take more. */
    FENCELINE_ERROR_ADDRESS_SPACE = -19,
    /* Another transaction wrote what this one had read; it may be tried again. */
    FENCELINE_ERROR_CONFLICT = -20,
    /* Some of the changes that were asked for were compacted away; fenceline.h tells the way on. */
    FENCELINE_ERROR_CHANGES_GONE = -21,
    /* The store never had the transaction of a token, or lost it in a crash. */
    FENCELINE_ERROR_UNKNOWN_TOKEN = -22,
    /* There is no namespace of that name, or it was dropped. */
    FENCELINE_ERROR_NO_NAMESPACE = -23,
    /* There is a namespace of that name already. */
    FENCELINE_ERROR_NAMESPACE_EXISTS = -24
};

/* What a write survives. Each level includes the ones before it. */
enum {
    FENCELINE_SURVIVES_NOTHING = 0,
    FENCELINE_SURVIVES_PROCESS_CRASH = 1,
    FENCELINE_SURVIVES_KERNEL_CRASH = 2,
    FENCELINE_SURVIVES_POWER_FAILURE = 3
};

/* Choices at opening. Set everything to zero first, then `size` to sizeof(fenceline_options); zero is the
 * default of every field. A program that was built with a shorter structure gets the defaults of what it does
 * not know; one that sets fields which this library does not know gets FENCELINE_ERROR_INVALID_ARGUMENT. */
typedef struct fenceline_options {
    /* Bytes of this structure. */
    size_t size;
    /* Not 0: open for reading. Changes nothing, works beside a writer, in a read-only directory and
     * on a damaged store. Every read first takes note of what was written since: on persistent memory
     * and tmpfs of what was committed, elsewhere of what was synced. */
    uint32_t read_only;
    /* Not 0: do not create a store where there is none. */
    uint32_t must_exist;
    /* Refuse a medium whose synced writes survive less than this (FENCELINE_SURVIVES_...). */
    uint32_t required_survival;
    /* Not 0: install no handler for SIGBUS. A media error or a file that was cut off under the
     * store then reaches the program as that signal. */
    uint32_t leaves_sigbus;
} fenceline_options;

/* One step of a fenceline_write: a put, or a delete where `value` is NULL and `value_length` is 0.
 * (An empty value is a non-NULL pointer with length 0.) */
typedef struct fenceline_operation {
    const void *key;
    size_t key_length;
    const void *value;
    size_t value_length;
} fenceline_operation;

/* The same in a namespace, in the default one where `space` is NULL; of a value that ends at `expires`, in
 * milliseconds since 1970, or lasts where that is 0. */
typedef struct fenceline_namespace_operation {
    fenceline_namespace *space;
    fenceline_operation operation;
    uint64_t expires;
} fenceline_namespace_operation;

/* Gets the name of a namespace, with a zero behind it; a value in place. */
typedef void (*fenceline_name_visitor)(void *context, const char *name);
typedef void (*fenceline_value_visitor)(void *context, const void *value, size_t value_length);

/* One key of a fenceline_read_many. */
typedef struct fenceline_key {
    const void *key;
    size_t key_length;
} fenceline_key;

/* Gets the number of a key, from 0, and its value in place. An empty value is not NULL. */
typedef void (*fenceline_values_visitor)(void *context, size_t number, const void *value,
                                         size_t value_length);

/* Gets an entry in place; returns 0 for the next one, anything else to stop. */
typedef int (*fenceline_entry_visitor)(void *context, const void *key, size_t key_length,
                                       const void *value, size_t value_length);

/* The direction of a fenceline_scan. */
enum {
    /* The smallest keys first. */
    FENCELINE_ASCENDING = 0,
    /* The largest keys first. */
    FENCELINE_DESCENDING = 1
};

/* A store's own account. Texts are constants: they stay valid for ever. */
typedef struct fenceline_store_statistics {
    /* Set by the caller to sizeof(fenceline_store_statistics); no more bytes than that are written. */
    size_t size;
    /* Keys that have a value, as far as the store can tell. */
    uint64_t key_count;
    uint64_t segment_count;
    /* Bytes of all segment files, and what the file system holds for them. */
    uint64_t journal_capacity_in_bytes;
    uint64_t allocated_bytes;
    /* Address space of the table of keys. */
    uint64_t index_bytes;
    /* Places in which the journal is damaged: not 0 only in a store opened for reading. */
    uint64_t damage_count;
    /* FENCELINE_SURVIVES_...: what a write survives before a sync, and after it. */
    uint32_t buffered_survival;
    uint32_t durable_survival;
    /* Not 0: the environment forces libpmem to take ordinary mappings for persistent memory. */
    uint32_t is_forced;
    /* Not 0: the store was closed in order before it was opened. */
    uint32_t was_closed;
    /* Not 0: opening cut off an unfinished write. */
    uint32_t had_torn_tail;
    /* 0; room for alignment. */
    uint32_t reserved;
    /* "persistentMemory", "persistentMemoryWithFlushOnFailure", "file" or "volatile". */
    const char *medium;
    /* Of the copy core: "strict", "trusting" or "plain". */
    const char *copy_policy;
    /* What the space of the directory is used for: the newest records of their keys; everything else that was
     * written; what is kept for the store itself; what the next records go to. Together what du says. */
    uint64_t live_bytes;
    uint64_t dead_bytes;
    uint64_t reserved_bytes;
    uint64_t free_bytes;
} fenceline_store_statistics;

/* Opens the store in the directory `path` (UTF-8 or any bytes that the file system takes) and
 * creates it where there is none. `options` may be NULL. On success *store is the store, on failure
 * NULL. Reads the journal, from an index image on where there is one. */
int fenceline_open(const char *path, const fenceline_options *options, fenceline_store **store);

/* Makes everything durable, ends the journal in order and frees the store, also where it returns an
 * error. NULL does nothing. */
int fenceline_close(fenceline_store *store);

/* Gives `key` the value `value`. Visible at once, durable with the next sync. */
int fenceline_put(fenceline_store *store, const void *key, size_t key_length, const void *value,
                  size_t value_length);

/* Gives `key` the value `value` until `expires`, in milliseconds since 1970 (0 is taken for 1). From then on
 * reads take the key for removed, by their own clock; a later put makes it last again. What has expired keeps
 * its place in fenceline_count and on the medium until the store's own thread, or a fenceline_compact, removes
 * it. If `durable` is not 0, it is durable on return, with everything before it. */
int fenceline_put_until(fenceline_store *store, const void *key, size_t key_length, const void *value,
                        size_t value_length, uint64_t expires, int durable);

/* Sets *expires to when the value of `key` ends, in milliseconds since 1970, and to 0 where it lasts or there
 * is none (FENCELINE_NOT_FOUND). */
int fenceline_expiry(fenceline_store *store, const void *key, size_t key_length, uint64_t *expires);

/* Copies the value of `key` to `buffer` and sets *value_length to its length. If it is longer than
 * `capacity`, nothing is copied, the length is set all the same, and the result is
 * FENCELINE_ERROR_BUFFER_TOO_SMALL. With any other result than these two the length is 0. */
int fenceline_get(fenceline_store *store, const void *key, size_t key_length, void *buffer, size_t capacity,
                  size_t *value_length);

/* Hands the value of `key` to `visitor` where it lies, verified. The visitor should be short:
 * memory is given back only behind it. */
int fenceline_read(fenceline_store *store, const void *key, size_t key_length, fenceline_value_visitor visitor,
                   void *context);

/* Hands the values of `count` keys to `visitor` in the order of the keys, as fenceline_read does one
 * by one, but several times as fast where they do not lie in the caches. Of a key that has no value the
 * visitor gets NULL. Ends with the first value that can't be read. */
int fenceline_read_many(fenceline_store *store, const fenceline_key *keys, size_t count,
                        fenceline_values_visitor visitor, void *context);

/* Removes `key`; FENCELINE_NOT_FOUND where it has no value. Durable with the next sync. */
int fenceline_delete(fenceline_store *store, const void *key, size_t key_length);
/* Makes everything durable that was written before, by any thread. */
int fenceline_sync(fenceline_store *store);

/* Commits `count` operations, in order, all or nothing. If `durable` is not 0, they and everything before them
 * are durable on return, at the price of one fence or one device flush for all. Deleting a key that has no value
 * is no error. More than one operation are gathered in memory first. */
int fenceline_write(fenceline_store *store, const fenceline_operation *operations, size_t count, int durable);

/* Gives back the space of everything that was overwritten or deleted, in small steps. A store does so by
 * itself in the background, less thoroughly. Readers are not held up, and writers for a fraction of a
 * step at a time. Everything that was written before is durable on return. */
int fenceline_compact(fenceline_store *store);

/* Hands entries to `visitor` in the order of their keys' bytes, or in the opposite order: those whose key is not
 * less than `from` and less than `to`, at most `limit` of them (SIZE_MAX for all). `from` may be NULL: from the
 * first key; `to` may be NULL: to the last one. (A non-NULL `to` of length 0 stands before every key: there is
 * nothing to show.) Shows one moment of the store: every write that was committed before the call, and nothing
 * of what is written meanwhile. Ends with 0 also where the visitor stopped it; of a damaged store everything
 * sound is shown before the error is returned. The first call builds a tree of all keys, about 17 bytes for
 * each; later ones bring it up to date with what was written since. Memory is given back only behind the call. */
int fenceline_scan(fenceline_store *store, const void *from, size_t from_length, const void *to, size_t to_length,
                   int direction, size_t limit, fenceline_entry_visitor visitor, void *context);

/* Gives `key` the value `value` if it has the value `expected`, and removes it where `value` is NULL.
 * `expected` NULL: if it has none. (Empty values are non-NULL pointers with length 0.)
 * FENCELINE_DIFFERENT where the key has another value, or none, or one: nothing has changed then. If
 * `durable` is not 0, what was changed is durable on return, with everything before it. */
int fenceline_compare_and_swap(fenceline_store *store, const void *key, size_t key_length, const void *expected,
                               size_t expected_length, const void *value, size_t value_length, int durable);

/* Sets *snapshot to the store as it is now: with every write that was committed before the call, and
 * none behind. It can be read by any thread while the store goes on, and has to be ended: memory and space
 * are kept for it until then. Of a closed store it can only be ended. Takes no time that grows with the
 * store, except at the first one of a store that was opened for reading beside an index image. */
int fenceline_snapshot_begin(fenceline_store *store, fenceline_snapshot **snapshot);
/* Ends a snapshot and frees it. NULL does nothing. */
void fenceline_snapshot_end(fenceline_snapshot *snapshot);
/* The number of the newest transaction that a snapshot shows; 0 for NULL. */
uint64_t fenceline_snapshot_sequence(const fenceline_snapshot *snapshot);

/* As fenceline_get, fenceline_read and fenceline_scan, of what there was. */
int fenceline_snapshot_get(fenceline_snapshot *snapshot, const void *key, size_t key_length, void *buffer,
                           size_t capacity, size_t *value_length);
int fenceline_snapshot_read(fenceline_snapshot *snapshot, const void *key, size_t key_length,
                            fenceline_value_visitor visitor, void *context);
int fenceline_snapshot_scan(fenceline_snapshot *snapshot, const void *from, size_t from_length, const void *to,
                            size_t to_length, int direction, size_t limit, fenceline_entry_visitor visitor,
                            void *context);

/* What a transaction did with one of its keys, or that it dropped a namespace. */
typedef struct fenceline_change {
    /* Name of the namespace, with a zero behind it; NULL for the default one. */
    const char *space;
    /* NULL where the namespace was dropped, with every key in it. */
    const void *key;
    size_t key_length;
    /* NULL where the key was removed; an empty value is not NULL. */
    const void *value;
    size_t value_length;
    /* When the value ends, in milliseconds since 1970; 0 where it lasts. */
    uint64_t expires;
} fenceline_change;

/* Is shown a change, which may be used until it returns. Later versions of this library may add to the
 * structure's end. */
typedef void (*fenceline_change_visitor)(void *context, const fenceline_change *change);

/* Sets *changes to a place in the store's history: behind the transaction of `token`; with NULL behind the
 * newest one, with "" before the first one. If `durable` is not 0, a transaction is only shown when it is
 * durable; otherwise it is shown when it is committed, and a crash may take it back. Has to be ended before
 * the store is closed; for one thread at a time. */
int fenceline_changes_begin(fenceline_store *store, const char *token, int durable, fenceline_changes **changes);
/* The same, behind everything that a snapshot shows. */
int fenceline_changes_begin_behind(fenceline_snapshot *snapshot, int durable, fenceline_changes **changes);

/* Shows the next transaction, key by key, and goes behind it. FENCELINE_NOT_FOUND where there is none by now:
 * nothing waits. What was written to a namespace that is dropped by now is left out.
 * FENCELINE_ERROR_CHANGES_GONE where a compaction has taken some of what follows: a snapshot, and
 * fenceline_changes_begin_behind it, are the way on. FENCELINE_ERROR_UNKNOWN_TOKEN where the store has no
 * transaction of the token. `sequence`, unless NULL, is set to the transaction's number. */
int fenceline_changes_next(fenceline_changes *changes, fenceline_change_visitor visitor, void *context,
                           uint64_t *sequence);

/* Writes the token of the place, with a zero behind it, to go on from there at another time.
 * FENCELINE_TOKEN_SIZE bytes are always enough. */
int fenceline_changes_token(const fenceline_changes *changes, char *buffer, size_t capacity);
/* Ends reading and frees it. NULL does nothing. */
void fenceline_changes_end(fenceline_changes *changes);

/* Creates a namespace: keys of their own, beside those of all others. `name` is UTF-8, 1 to 255 bytes and a
 * zero. FENCELINE_ERROR_NAMESPACE_EXISTS where there is one of that name. *space, unless `space` is NULL, is
 * set to it, as by fenceline_namespace_open. */
int fenceline_namespace_create(fenceline_store *store, const char *name, fenceline_namespace **space);

/* Sets *space to a namespace that is there; otherwise FENCELINE_ERROR_NO_NAMESPACE, or it is created where
 * `creates` is not 0. For any number of threads; has to be closed, before its store is. Once it is dropped
 * every call but that gives FENCELINE_ERROR_NO_NAMESPACE. _in: one that a snapshot shows, to be read as it
 * was, also behind the snapshot's end. Closing NULL does nothing. */
int fenceline_namespace_open(fenceline_store *store, const char *name, int creates, fenceline_namespace **space);
int fenceline_namespace_open_in(fenceline_snapshot *snapshot, const char *name, fenceline_namespace **space);
void fenceline_namespace_close(fenceline_namespace *space);
/* Drops a namespace with everything in it: at once, durably, in the same time for any number of keys. One
 * that is created under the same name is another one. Space is given back by and by in the background, or
 * by fenceline_compact. */
int fenceline_namespace_drop(fenceline_store *store, const char *name);
/* Shows the names of all namespaces, in the order of their bytes, but of the default one, which has none.
 * Sets *count to the number of keys in one; they are counted. */
int fenceline_namespace_list(fenceline_store *store, fenceline_name_visitor visitor, void *context);
int fenceline_namespace_count(fenceline_namespace *space, uint64_t *count);

/* As the functions of a store without "namespace" in their names; a key has at most 65,527 bytes here.
 * _write takes operations in any number of namespaces of a store: all or nothing. */
int fenceline_namespace_put(fenceline_namespace *space, const void *key, size_t key_length, const void *value,
                            size_t value_length);
int fenceline_namespace_put_until(fenceline_namespace *space, const void *key, size_t key_length, const void *value,
                                  size_t value_length, uint64_t expires, int durable);
int fenceline_namespace_expiry(fenceline_namespace *space, const void *key, size_t key_length, uint64_t *expires);
int fenceline_namespace_get(fenceline_namespace *space, const void *key, size_t key_length, void *buffer,
                            size_t capacity, size_t *value_length);
int fenceline_namespace_read(fenceline_namespace *space, const void *key, size_t key_length,
                             fenceline_value_visitor visitor, void *context);
int fenceline_namespace_delete(fenceline_namespace *space, const void *key, size_t key_length);
int fenceline_namespace_compare_and_swap(fenceline_namespace *space, const void *key, size_t key_length,
                                         const void *expected, size_t expected_length, const void *value,
                                         size_t value_length, int durable);
int fenceline_namespace_scan(fenceline_namespace *space, const void *from, size_t from_length, const void *to,
                             size_t to_length, int direction, size_t limit, fenceline_entry_visitor visitor,
                             void *context);
int fenceline_namespace_write(fenceline_store *store, const fenceline_namespace_operation *operations, size_t count,
                              int durable);

/* Fills *statistics, of which the caller has set `size`. */
int fenceline_statistics(fenceline_store *store, fenceline_store_statistics *statistics);

/* What the last error on this thread was, in one line of UTF-8 text; "" before the first one. Valid
 * until the next error on the same thread. */
const char *fenceline_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
