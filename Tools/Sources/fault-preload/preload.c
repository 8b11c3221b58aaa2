// The layer in front of a program that is not linked with it: loaded by LD_PRELOAD, with its plan in the
// environment.
//
//   FENCELINE_FAULT_DIRECTORY   the directory that counts
//   FENCELINE_FAULT_PLAN        function, number of the call, error number or 0 for half, lasts or not: four
//                               numbers with blanks between; nothing fails without it
//   FENCELINE_FAULT_COUNTS      a file that gets how often each function was called
#include "fault_layer.h"

#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void begin(void) {
  const char *directory = getenv("FENCELINE_FAULT_DIRECTORY");
  const char *text = getenv("FENCELINE_FAULT_PLAN");
  if (directory == NULL) return;
  fault_watch(directory);
  unsigned function;
  unsigned long number;
  int error, lasts;
  if (text != NULL && sscanf(text, "%u %lu %d %d", &function, &number, &error, &lasts) == 4) {
    const fault_plan plan = {.function = (fault_function)function,
                             .number = number,
                             .kind = error == 0 ? FAULT_HALF : FAULT_ERROR,
                             .error = error,
                             .lasts = lasts != 0};
    fault_begin(&plan);
  } else {
    fault_begin(NULL);
  }
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("FENCELINE_FAULT_COUNTS");
  if (path == NULL) return;
  fault_end();
  FILE *file = fopen(path, "we");
  if (file == NULL) return;
  for (unsigned i = 0; i < FAULT_FUNCTION_COUNT; i++)
    fprintf(file, "%u %lu\n", i, (unsigned long)fault_calls((fault_function)i));
  fclose(file);
}
