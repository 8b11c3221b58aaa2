/// Mutants: ways in which a build with the package trait `Mutants` can be made wrong on purpose,
/// one at a time, to show that a test finds it. Every other build has the names, and nothing else:
/// what is declared here is defined with the trait only.
#ifndef CFLUSH_MUTANTS_H
#define CFLUSH_MUTANTS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Every mutant, numbered from 0 without a gap. An enumeration of C, because Swift keeps the
/// metadata of one of its own in every program.
typedef enum __attribute__((enum_extensibility(closed), swift_name("Mutant"))) fl_mutant {
#define FL_MUTANT_CASE(name, part, summary) fl_mutant_##name,
#include "CFlushMutantList.h"
#undef FL_MUTANT_CASE
} fl_mutant;

/// Makes one mutant active in this process, and every other inactive; -1 for none.
void fl_mutant_select(int32_t mutant);
bool fl_mutant_is_active(fl_mutant mutant);

int32_t fl_mutant_count(void);
const char *fl_mutant_name(fl_mutant mutant);
/// The part of the code that it changes.
const char *fl_mutant_part(fl_mutant mutant);
/// What it drops or weakens, for a table.
const char *fl_mutant_summary(fl_mutant mutant);

#ifdef __cplusplus
}
#endif
#endif
