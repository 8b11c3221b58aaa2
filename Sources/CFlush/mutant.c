// The one mutant that is active, and what there is to say of each.
#include "CFlushMutants.h"

#ifdef FL_MUTANTS

static int32_t fl_mutant_selected = -1;

void fl_mutant_select(int32_t mutant) {
  __atomic_store_n(&fl_mutant_selected, mutant, __ATOMIC_RELAXED);
}

bool fl_mutant_is_active(fl_mutant mutant) {
  return __atomic_load_n(&fl_mutant_selected, __ATOMIC_RELAXED) == (int32_t)mutant;
}

static const struct {
  const char *name, *part, *summary;
} mutants[] = {
#define FL_MUTANT_CASE(name, part, summary) {#name, part, summary},
#include "CFlushMutantList.h"
#undef FL_MUTANT_CASE
};

int32_t fl_mutant_count(void) { return sizeof mutants / sizeof *mutants; }

const char *fl_mutant_name(fl_mutant mutant) { return mutants[mutant].name; }

const char *fl_mutant_part(fl_mutant mutant) { return mutants[mutant].part; }

const char *fl_mutant_summary(fl_mutant mutant) { return mutants[mutant].summary; }

#endif
