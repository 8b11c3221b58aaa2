/* The text of each thread's last error. Everything else of fenceline.h is in FencelineC. */
#include <string.h>

#include "fenceline.h"
#include "last_error.h"

static _Thread_local char last_error[1024];

const char *fenceline_last_error(void) { return last_error; }

void fenceline_keep_last_error(const char *text, size_t length) {
  if (length >= sizeof last_error) {
    length = sizeof last_error - 1;
    /* 10xxxxxx continues a character, so the cut must not stand before one. */
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
  }
  memcpy(last_error, text, length);
  last_error[length] = 0;
}
