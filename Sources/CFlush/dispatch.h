// How a policy, an instruction set and a flush instruction become a table.
#ifndef CFLUSH_DISPATCH_H
#define CFLUSH_DISPATCH_H

#include "core.h"

/// AUTO becomes STRICT or TRUSTING, the others stay; a value that is no policy gives AUTO.
fl_policy fl_policy_resolve(fl_policy policy);

#endif
