// Calls on names and descriptors, each in front of the C library's function of the same name.
#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE
#include "layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

// The mode, where there is one.
#define MODE(flags)                                  \
  ({                                                 \
    mode_t mode = 0;                                 \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {         \
      va_list rest;                                  \
      va_start(rest, flags);                         \
      mode = va_arg(rest, mode_t);                   \
      va_end(rest);                                  \
    }                                                \
    mode;                                            \
  })

#define FAILS(condition, function) ((condition) && layer_fails(function))

#define OPEN(name)                                                                       \
  int name(const char *path, int flags, ...) {                                           \
    mode_t mode = MODE(flags);                                                           \
    if (FAILS(layer_watches_name(AT_FDCWD, path), FAULT_OPEN)) return -1;                \
    return REAL(name)(path, flags, mode);                                                \
  }

#define OPENAT(name)                                                                     \
  int name(int directory, const char *path, int flags, ...) {                            \
    mode_t mode = MODE(flags);                                                           \
    if (FAILS(layer_watches_name(directory, path), FAULT_OPEN)) return -1;               \
    return REAL(name)(directory, path, flags, mode);                                     \
  }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int mkdir(const char *path, mode_t mode) {
  if (FAILS(layer_watches_name(AT_FDCWD, path), FAULT_MKDIR)) return -1;
  return REAL(mkdir)(path, mode);
}

#define READ_AT(name, offset_type)                                                       \
  ssize_t name(int descriptor, void *bytes, size_t count, offset_type offset) {          \
    if (!layer_watches(descriptor)) return REAL(name)(descriptor, bytes, count, offset); \
    fault_kind kind = layer_take(FAULT_READ);                                            \
    if (kind == FAULT_ERROR) return errno = layer_error(), -1;                           \
    if (kind == FAULT_ZERO) return 0;                                                    \
    return REAL(name)(descriptor, bytes, kind == FAULT_HALF ? count / 2 : count, offset); \
  }

READ_AT(pread, off_t)
READ_AT(pread64, off64_t)

ssize_t read(int descriptor, void *bytes, size_t count) {
  if (!layer_watches(descriptor)) return REAL(read)(descriptor, bytes, count);
  fault_kind kind = layer_take(FAULT_READ);
  if (kind == FAULT_ERROR) return errno = layer_error(), -1;
  if (kind == FAULT_ZERO) return 0;
  return REAL(read)(descriptor, bytes, kind == FAULT_HALF ? count / 2 : count);
}

#define WRITE_AT(name, offset_type)                                                      \
  ssize_t name(int descriptor, const void *bytes, size_t count, offset_type offset) {    \
    if (!layer_watches(descriptor)) return REAL(name)(descriptor, bytes, count, offset); \
    fault_kind kind = layer_take(FAULT_WRITE);                                           \
    if (kind == FAULT_ERROR) return errno = layer_error(), -1;                           \
    if (kind == FAULT_ZERO) return 0;                                                    \
    if (kind == FAULT_HALF) count /= 2;                                                  \
    layer_keep_old(descriptor, count, offset);                                           \
    return REAL(name)(descriptor, bytes, count, offset);                                 \
  }

WRITE_AT(pwrite, off_t)
WRITE_AT(pwrite64, off64_t)

ssize_t write(int descriptor, const void *bytes, size_t count) {
  if (!layer_watches(descriptor)) return REAL(write)(descriptor, bytes, count);
  fault_kind kind = layer_take(FAULT_WRITE);
  if (kind == FAULT_ERROR) return errno = layer_error(), -1;
  if (kind == FAULT_ZERO) return 0;
  return REAL(write)(descriptor, bytes, kind == FAULT_HALF ? count / 2 : count);
}

int ftruncate(int descriptor, off_t length) {
  if (FAILS(layer_watches(descriptor), FAULT_TRUNCATE)) return -1;
  return REAL(ftruncate)(descriptor, length);
}

int ftruncate64(int descriptor, off64_t length) {
  if (FAILS(layer_watches(descriptor), FAULT_TRUNCATE)) return -1;
  return REAL(ftruncate64)(descriptor, length);
}

// Gives its error as its result.
int posix_fallocate(int descriptor, off_t offset, off_t length) {
  if (FAILS(layer_watches(descriptor), FAULT_ALLOCATE)) return layer_error();
  return REAL(posix_fallocate)(descriptor, offset, length);
}

int posix_fallocate64(int descriptor, off64_t offset, off64_t length) {
  if (FAILS(layer_watches(descriptor), FAULT_ALLOCATE)) return layer_error();
  return REAL(posix_fallocate64)(descriptor, offset, length);
}

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
  if (FAILS(layer_watches(descriptor), FAULT_PUNCH_HOLE)) return -1;
  return REAL(fallocate)(descriptor, mode, offset, length);
}

// A sync that is done needs no device here: no power fails.
static int sync_watched(int descriptor) {
  const bool is_directory = layer_is_directory(descriptor);
  const bool fails = layer_fails(is_directory ? FAULT_SYNC_DIRECTORY : FAULT_SYNC_FILE);
  const int error = errno;
  // One that was interrupted is asked for again.
  if (!is_directory && !(fails && error == EINTR)) layer_note_sync(descriptor, !fails);
  errno = error;
  return fails ? -1 : 0;
}

int fdatasync(int descriptor) {
  return layer_watches(descriptor) ? sync_watched(descriptor) : REAL(fdatasync)(descriptor);
}

int fsync(int descriptor) {
  return layer_watches(descriptor) ? sync_watched(descriptor) : REAL(fsync)(descriptor);
}

int renameat(int old_directory, const char *old, int new_directory, const char *new) {
  if (FAILS(layer_watches_name(old_directory, old), FAULT_RENAME)) return -1;
  return REAL(renameat)(old_directory, old, new_directory, new);
}

int renameat2(int old_directory, const char *old, int new_directory, const char *new,
              unsigned int flags) {
  if (FAILS(layer_watches_name(old_directory, old), FAULT_RENAME)) return -1;
  return REAL(renameat2)(old_directory, old, new_directory, new, flags);
}

int rename(const char *old, const char *new) {
  if (FAILS(layer_watches_name(AT_FDCWD, old), FAULT_RENAME)) return -1;
  return REAL(rename)(old, new);
}

int linkat(int old_directory, const char *old, int new_directory, const char *new, int flags) {
  if (FAILS(layer_watches_name(old_directory, old), FAULT_LINK)) return -1;
  return REAL(linkat)(old_directory, old, new_directory, new, flags);
}

int unlinkat(int directory, const char *path, int flags) {
  if (FAILS(layer_watches_name(directory, path), FAULT_UNLINK)) return -1;
  return REAL(unlinkat)(directory, path, flags);
}

int unlink(const char *path) {
  if (FAILS(layer_watches_name(AT_FDCWD, path), FAULT_UNLINK)) return -1;
  return REAL(unlink)(path);
}

int flock(int descriptor, int operation) {
  if (FAILS(!(operation & LOCK_UN) && layer_watches(descriptor), FAULT_LOCK)) return -1;
  return REAL(flock)(descriptor, operation);
}

int fstat(int descriptor, struct stat *status) {
  if (FAILS(layer_watches(descriptor), FAULT_STATUS)) return -1;
  return REAL(fstat)(descriptor, status);
}

int fstat64(int descriptor, struct stat64 *status) {
  if (FAILS(layer_watches(descriptor), FAULT_STATUS)) return -1;
  return REAL(fstat64)(descriptor, status);
}

int fstatat(int directory, const char *path, struct stat *status, int flags) {
  if (FAILS(layer_watches_name(directory, path), FAULT_STATUS)) return -1;
  return REAL(fstatat)(directory, path, status, flags);
}

int stat64(const char *path, struct stat64 *status) {
  if (FAILS(layer_watches_name(AT_FDCWD, path), FAULT_STATUS)) return -1;
  return REAL(stat64)(path, status);
}

int fstatfs(int descriptor, struct statfs *status) {
  if (FAILS(layer_watches(descriptor), FAULT_FILE_SYSTEM)) return -1;
  return REAL(fstatfs)(descriptor, status);
}

DIR *fdopendir(int descriptor) {
  if (FAILS(layer_watches(descriptor), FAULT_OPEN_LISTING)) return NULL;
  return REAL(fdopendir)(descriptor);
}

struct dirent *readdir(DIR *directory) {
  if (FAILS(layer_watches(dirfd(directory)), FAULT_LIST)) return NULL;
  return REAL(readdir)(directory);
}

ssize_t getrandom(void *bytes, size_t count, unsigned int flags) {
  fault_kind kind = layer_take(FAULT_RANDOM);
  if (kind == FAULT_ERROR) return errno = layer_error(), -1;
  if (kind == FAULT_HALF) count /= 2;
  return REAL(getrandom)(bytes, count, flags);
}

// Gives its error as its result.
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                   void *argument) {
  if (layer_fails(FAULT_THREAD)) return layer_error();
  return REAL(pthread_create)(thread, attributes, body, argument);
}
