/* zipf.c - see zipf.h. */
#include "zipf.h"

#include <math.h>

static const double theta = 0.99;

static double weight(uint64_t rank) { return pow(1.0 / (double)(rank + 1), theta); }

void zipf_prepare(struct zipf *zipf, uint64_t count) {
  if (zipf->count == count) return;
  zipf->count = count;
  zipf->sum = 0;
  for (uint64_t rank = 0; rank < count; rank++) zipf->sum += weight(rank);
  const double first_two = weight(0) + weight(1);
  zipf->scale = (1 - pow(2.0 / (double)count, 1 - theta)) / (1 - first_two / zipf->sum);
}

uint64_t zipf_rank(const struct zipf *zipf, double uniform) {
  const double share = uniform * zipf->sum;
  if (share < weight(0)) return 0;
  if (share < weight(0) + weight(1)) return zipf->count > 1 ? 1 : 0;
  const double base = zipf->scale * uniform - zipf->scale + 1;
  const uint64_t rank = (uint64_t)((double)zipf->count * pow(base, 1 / (1 - theta)));
  return rank < zipf->count ? rank : zipf->count - 1;
}
