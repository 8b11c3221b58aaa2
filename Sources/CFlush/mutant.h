// Where the copy core can be made wrong on purpose: `FL_MUTANT(name)` is 0 in every build without
// the package trait `Mutants`.
#ifndef CFLUSH_MUTANT_H
#define CFLUSH_MUTANT_H

#include "CFlushMutants.h"

#ifdef FL_MUTANTS
#define FL_MUTANT(name) fl_mutant_is_active(fl_mutant_##name)
#else
#define FL_MUTANT(name) 0
#endif

#endif
