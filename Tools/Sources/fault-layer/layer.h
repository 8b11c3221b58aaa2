// Between the files of the layer: which calls count, and what is to become of them.
#ifndef LAYER_H
#define LAYER_H

#include "fault_layer.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/types.h>

/// The function that would have been called, of the given type.
#define REAL(name)                                                    \
  ({                                                                  \
    static __typeof__(name) *found;                                   \
    if (found == NULL) found = (__typeof__(name) *)dlsym(RTLD_NEXT, #name); \
    found;                                                            \
  })

/// Whether a descriptor, or a name in the directory of one, lies below the watched directory.
bool layer_watches(int descriptor);
bool layer_watches_name(int directory, const char *name);
bool layer_is_directory(int descriptor);

/// Counts a call that concerns the watched directory.
fault_kind layer_take(fault_function function);
/// The same for calls that can only fail: sets errno; true where the call fails.
bool layer_fails(fault_function function);
int layer_error(void);

/// Lifts the limit of memory for a while, or puts it back; nothing where there is none.
void layer_lift_limit(bool lifts);

/// Whether the path behind a descriptor ends with "/name".
bool layer_is_named(int descriptor, const char *name);

/// Called before bytes of a file change, and when a sync of it was done or failed.
void layer_keep_old(int descriptor, size_t count, off_t offset);
void layer_note_sync(int descriptor, bool done);

#endif
