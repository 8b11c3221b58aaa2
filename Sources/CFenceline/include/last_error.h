/*
 * Between the two halves of the C interface; not installed. The text of the last error lives in C,
 * since a thread-local buffer there needs neither memory of its own nor anyone to free it.
 */
#ifndef FENCELINE_LAST_ERROR_H
#define FENCELINE_LAST_ERROR_H

#include <stddef.h>

/* Keeps a copy of `length` bytes of UTF-8 text for this thread's fenceline_last_error(), cut off at
 * the end of a character where they are too many. */
void fenceline_keep_last_error(const char *text, size_t length);

#endif
