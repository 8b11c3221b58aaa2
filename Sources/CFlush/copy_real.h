// What every instruction set that really flushes gives to the template: no recording after a store,
// and the flush instruction that the table names.
#ifndef CFLUSH_COPY_REAL_H
#define CFLUSH_COPY_REAL_H

#include "flush.h"

#define FL_STORED(core, d, n) ((void)0)
#define FL_FLUSH_LINES(core, line, n) fl_flush_lines_now((core)->flush_kind, (line), (n))

#endif
